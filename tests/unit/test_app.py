import json

import pytest

from gateway.pipeline import prepare
from tests.support.canary import CANARY, with_canaries
from tests.support.samples import Sample, all_samples, sample, samples_named
from tests.support.upstream import Act, answer, fail, recorded, reply
from tests.support.world import PROMPT, TOKEN, UPSTREAM_KEY, Answer, World, chat, finish

pytestmark = pytest.mark.anyio
CHAT = "/v1/chat/completions"


@pytest.mark.parametrize("path", [CHAT, f"/api{CHAT}"])
async def test_chat_is_served_under_both_prefixes(path: str) -> None:
    got = await finish(await World().begin(chat("a/one"), path=path))

    assert got.status == 200
    assert got.json["choices"][0]["message"]["content"] == "Hello."


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/chat/completions/", "/api/health", "/api/api/v1/chat/completions"]
)
async def test_any_other_path_is_not_found(path: str) -> None:
    got = await World().get(path)

    assert (got.status, got.error["metadata"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(("path", "code"), [(CHAT, "invalid_json"), (f"/api{CHAT}", 400)])
async def test_under_api_the_error_code_is_the_status_as_openrouters_sdks_expect(
    path: str, code: object
) -> None:
    got = await finish(await World().begin(b"{", path=path))

    assert got.error["code"] == code
    assert got.error["metadata"]["code"] == "invalid_json"


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        (CHAT, "GET", "POST, OPTIONS"),
        (CHAT, "DELETE", "POST, OPTIONS"),
        ("/health", "POST", "GET, HEAD, OPTIONS"),
    ],
)
async def test_a_wrong_method_is_answered_with_the_allowed_ones(path: str, method: str, allowed: str) -> None:
    got = await World().get(path, method=method)

    assert (got.status, got.error["code"]) == (405, "method_not_allowed")
    assert got.headers["allow"] == allowed


async def test_options_are_answered_without_a_key() -> None:
    got = await World().get(CHAT, method="OPTIONS", headers={})

    assert (got.status, got.headers["allow"], got.body) == (204, "POST, OPTIONS", b"")


@pytest.mark.parametrize(
    ("env", "status"),
    [({}, "ok"), ({"GATEWAY_KEYS": ""}, "incomplete"), ({"OPENROUTER_API_KEY": ""}, "incomplete")],
    ids=repr,
)
async def test_health_shows_whether_the_worker_is_set_up(env: dict[str, str], status: str) -> None:
    world = World(env)

    got = await world.get("/health", headers={})

    assert (got.status, got.json["status"]) == (200, status)
    assert UPSTREAM_KEY not in str(got)
    assert world.upstream.received == []


@pytest.mark.parametrize("sent_id", ["abc", "a.b_c-1", "x" * 64])
async def test_the_callers_request_id_is_used(sent_id: str) -> None:
    got = await World().get("/nowhere", headers={"x-request-id": sent_id})

    assert got.headers["x-request-id"] == sent_id


@pytest.mark.parametrize("sent_id", ["", "x" * 65, "two words", "a\r\nb: c", "é", '"'])
async def test_an_unsafe_request_id_is_replaced(sent_id: str) -> None:
    got = await World().get("/nowhere", headers={"x-request-id": sent_id})

    assert got.headers["x-request-id"] == "req-0000000000000001"


async def test_the_request_id_is_on_the_receipt_and_in_the_log() -> None:
    world = World()
    headers = {"authorization": f"Bearer {TOKEN}", "x-request-id": "mine"}

    got = await finish(await world.begin(chat("a/one"), headers=headers))

    assert got.receipt["request_id"] == "mine"
    assert [line["request_id"] for line in world.log] == ["mine"]


async def test_a_wrong_setting_is_named_in_the_error() -> None:
    got = await World({"RETRIES": "canary"}).ask("a/one")

    assert (got.status, got.error["code"], got.error["param"]) == (500, "bad_setting", "RETRIES")
    assert got.error["metadata"]["source"] == "gateway"
    assert b"canary" not in got.body


async def test_without_an_upstream_key_no_model_is_called() -> None:
    world = World({"OPENROUTER_API_KEY": ""})

    got = await world.ask("a/one")

    assert (got.status, got.error["param"]) == (500, "OPENROUTER_API_KEY")
    assert world.upstream.received == []


async def test_a_body_that_is_too_large_is_refused() -> None:
    got = await World({"MAX_BODY_BYTES": "20"}).ask("a/one")

    assert (got.status, got.error["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("path", [CHAT, "/v1/plan"])
async def test_a_body_may_hold_so_many_values_and_no_more(path: str) -> None:
    world = World({"MAX_BODY_VALUES": "200"})

    accepted = await finish(await world.begin(chat("a/one", x=[0] * 150), path=path))
    refused = await finish(await world.begin(chat("a/one", x=[0] * 250), path=path))

    assert accepted.status == 200
    assert (refused.status, refused.error["code"], refused.error["param"]) == (413, "body_too_large", "body")
    assert len(world.upstream.received) <= 1


async def test_a_request_without_a_key_is_refused() -> None:
    world = World()

    got = await finish(await world.begin(chat("a/one"), headers={}))

    assert (got.status, got.error["code"]) == (401, "missing_key")
    assert world.upstream.received == []


async def test_every_error_has_the_same_format() -> None:
    got = await World().script("a/one", fail(502)).ask("a/one")

    assert set(got.json) == {"error"}
    assert set(got.error) == {"message", "type", "param", "code", "metadata"}
    assert {"source", "retryable", "retry_after_s", "gateway"} <= set(got.error["metadata"])
    assert got.headers["content-type"] == "application/json"


@pytest.mark.parametrize("streamed", [False, True])
async def test_every_answer_summarizes_the_attempts_in_its_headers(streamed: bool) -> None:
    got = await World().script("a/one", fail(502)).ask("a/one", "b/two", stream=streamed)

    summary = ("x-gateway-model", "x-gateway-attempts", "x-gateway-trace", "server-timing", "x-request-id")
    assert set(summary) <= set(got.headers)
    assert got.headers["cache-control"] == "no-store"
    assert ("x-gateway-receipt" in got.headers) is streamed


async def test_missing_fields_of_an_answer_are_added_in_openais_format() -> None:
    choices = [{"message": {"content": "Hi"}, "finish_reason": "stop"}]
    body = json.dumps({"choices": choices, "gateway": "an upstream's own"}).encode()

    got = await World().script("a/one", reply(200, body, x_generation_id="gen-7")).ask("a/one")

    shown = {name: got.json[name] for name in ("id", "object", "model")}
    assert shown == {"id": "gen-7", "object": "chat.completion", "model": "a/one"}
    assert got.json["choices"][0]["message"]["content"] == "Hi"
    assert got.json["created"] > 0
    assert got.receipt["served"] == "a/one"


async def test_a_complete_answer_is_passed_on_byte_by_byte() -> None:
    got = await World().script("a/one", recorded("ok-01")).ask("a/one")

    assert got.body.startswith(sample("ok-01").body.strip()[:-1])


async def test_the_upstream_gets_the_apps_name_and_nothing_of_the_caller() -> None:
    world = World({"SITE_URL": "https://app.example", "APP_TITLE": "App"})

    await world.ask("a/one", user="u-1")

    (call,) = world.upstream.received
    assert call.headers["authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert call.headers["http-referer"] == "https://app.example"
    assert call.headers["x-title"] == call.headers["x-openrouter-title"] == "App"
    assert TOKEN not in str(call)


URL, TITLE, NEWER_TITLE = "http-referer", "x-title", "x-openrouter-title"


@pytest.mark.parametrize(
    ("env", "given", "sent"),
    [
        pytest.param({}, {URL: "https://a.example", TITLE: "A"}, ("https://a.example", "A"), id="both"),
        pytest.param({}, {URL: " https://a.example "}, ("https://a.example", None), id="the URL alone"),
        pytest.param({}, {NEWER_TITLE: "New", TITLE: "Old"}, (None, "New"), id="the newer title"),
        pytest.param({}, {NEWER_TITLE: "é", TITLE: "Old"}, (None, "Old"), id="the usable title"),
        pytest.param({}, {}, (None, None), id="none"),
        pytest.param({}, {URL: "x" * 500, TITLE: "y" * 501}, ("x" * 500, None), id="too long"),
        pytest.param({}, {URL: "a\r\nx-evil: 1", TITLE: "a\tb"}, (None, None), id="control characters"),
        pytest.param({}, {URL: "   ", TITLE: "\x7f"}, (None, None), id="nothing to read"),
        pytest.param(
            {"SITE_URL": "caller", "APP_TITLE": "S"}, {URL: "a", TITLE: "A"}, ("a", "A"), id="caller"
        ),
        pytest.param(
            {"SITE_URL": "caller", "APP_TITLE": "S"}, {URL: "a"}, ("a", None), id="caller, no title"
        ),
        pytest.param({"SITE_URL": "caller", "APP_TITLE": "S"}, {}, (None, "S"), id="caller, and no app"),
        pytest.param({"SITE_URL": "s"}, {URL: "a", TITLE: "A"}, ("s", None), id="the settings name a URL"),
        pytest.param({"APP_TITLE": "S"}, {URL: "a", TITLE: "A"}, (None, "S"), id="the settings name a title"),
    ],
)
async def test_the_callers_app_is_named_to_openrouter_if_the_settings_name_none(
    env: dict[str, str], given: dict[str, str], sent: tuple[str | None, str | None]
) -> None:
    world = World(env)

    await world.begin(chat("a/one"), headers={"authorization": f"Bearer {TOKEN}", **given})

    (call,) = world.upstream.received
    assert (call.headers.get(URL), call.headers.get(TITLE)) == sent
    assert call.headers.get(NEWER_TITLE) == sent[1]
    assert "x-evil" not in call.headers


def planted(found: Sample, *, besides: tuple[str, ...] = ()) -> Act:
    """Return an act: the sample, with a canary in each string of its JSON body but those of ``besides``."""
    try:
        body = json.dumps(with_canaries(found.json, besides=besides)).encode()
    except ValueError:  # a stream
        return recorded(found.name)
    return reply(
        found.status, body, **{name: each for name, each in found.headers.items() if name != "content-type"}
    )


def shown_in(got: Answer, world: World) -> str:
    return f"{got.headers} {got.body.decode()} {world.log_text}"


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", sorted(all_samples()))
async def test_no_key_and_no_prompt_is_returned_or_logged(name: str, streamed: bool) -> None:
    world = World().script("a/one", recorded(name))

    got = await world.ask("a/one", stream=streamed)

    shown = shown_in(got, world)
    assert not [secret for secret in (UPSTREAM_KEY, TOKEN, PROMPT, "user_2xEXAMPLE") if secret in shown]


FAILED = [*samples_named("err-"), *samples_named("soft-")[:3]]
# Where an upstream says what is wrong. `error` is a text in the reply of OpenRouter's edge.
MESSAGES = ("message", "raw", "error")


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", FAILED)
async def test_only_the_message_of_a_failed_upstream_is_returned(name: str, streamed: bool) -> None:
    world = World().script("a/one", planted(all_samples()[name], besides=MESSAGES))

    got = await world.ask("a/one", stream=streamed, gateway={"errors": "all"})

    assert got.status >= 400
    assert CANARY not in shown_in(got, world)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", FAILED)
async def test_the_message_of_a_failed_upstream_is_returned_in_the_body_only(
    name: str, streamed: bool
) -> None:
    world = World().script("a/one", planted(all_samples()[name]))

    got = await world.ask("a/one", stream=streamed, gateway={"errors": "all"})

    is_told = name != "soft-03-200-empty-choices"  # that is no error: it has no message
    assert (CANARY in got.body.decode()) is is_told
    assert CANARY not in f"{got.headers} {world.log_text}"


async def test_an_answer_is_not_logged() -> None:
    world = World().script("a/one", answer(CANARY))

    await world.ask("a/one")

    assert CANARY not in world.log_text


async def test_a_bug_is_answered_like_every_other_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def plan(*_: object, **__: object) -> None:
        raise KeyError("canary of a bug")

    monkeypatch.setattr(prepare, "plan", plan)
    world = World({"CORS_ORIGINS": "https://app.example"})
    headers = {"authorization": f"Bearer {TOKEN}", "x-request-id": "mine", "origin": "https://app.example"}

    got = await finish(await world.begin(chat("a/one"), path=f"/api{CHAT}", headers=headers))

    assert (got.status, got.error["code"], got.error["metadata"]["code"]) == (500, 500, "internal_error")
    assert got.headers["x-request-id"] == "mine"
    assert got.headers["access-control-allow-origin"] == "https://app.example"
    assert got.headers["x-should-retry"] == "false"
    assert [(line["request_id"], line["error"]) for line in world.events("internal_error")] == [
        ("mine", "KeyError")
    ]
    assert "canary" not in got.body.decode() + world.log_text


@pytest.mark.parametrize("path", ["/v1/v1/messages", "/messages", "/v1/messages/", "/api/messages"])
async def test_a_wrong_path_of_messages_is_told_in_the_form_of_messages(path: str) -> None:
    got = await finish(await World().begin({}, path=path))

    assert (got.status, got.json["type"], got.error["type"]) == (404, "error", "not_found_error")
    assert "v1/messages" in got.error["message"]
