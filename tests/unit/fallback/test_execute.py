import pytest

from gateway.http.sse import MAX_EVENT_BYTES
from tests.support.chunks import COMMENT, ROLE, text, text_in
from tests.support.upstream import (
    HANG,
    RESET,
    Act,
    after,
    answer,
    breaks,
    fail,
    healthy_stream,
    recorded,
    refuse,
    reply,
    stream,
)
from tests.support.world import World, now_s

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("streamed", [False, True])
async def test_no_model_is_called_after_the_first_that_answers(streamed: bool) -> None:
    world = World().script("a/one", fail(502)).script("b/two", fail(429))

    got = await world.ask("a/one", "b/two", "c/three", "d/four", stream=streamed)

    assert world.upstream.models == ["a/one", "b/two", "c/three"]
    assert got.codes == ["provider_error", "rate_limited", None]
    assert got.headers["x-gateway-model"] == "c/three"
    assert got.headers["x-gateway-attempts"] == "3"
    assert got.headers["x-gateway-trace"] == "a/one=provider_error,b/two=rate_limited,c/three=ok"
    assert now_s() == 0.0


async def test_without_models_in_the_request_the_default_chain_is_used() -> None:
    world = World({"DEFAULT_MODEL": "a/one", "FALLBACK_MODELS": "b/two c/three"})
    world.script("a/one", fail(503)).script("b/two", fail(500))

    got = await world.ask()

    assert got.receipt["requested"] == ["a/one", "b/two", "c/three"]
    assert got.receipt["served"] == "c/three"


async def test_each_model_is_called_with_its_own_name_and_the_same_body() -> None:
    world = World().script("a/one", fail(503))

    await world.ask("a/one", "b/two", temperature=0.5)

    first, second = (each.body for each in world.upstream.received)
    assert first.pop("model") == "a/one"
    assert second.pop("model") == "b/two"
    assert first == second
    assert first["temperature"] == 0.5
    assert "models" not in first


STOPPING = [
    ("err-401-user-not-found", 401, "upstream_key_rejected"),
    ("err-402-max-tokens", 402, "max_tokens_unaffordable"),
    ("err-403-key-limit", 403, "key_limit_reached"),
    ("err-403-cloudflare-edge", 403, "access_denied"),
    ("err-400-zod-validation", 400, "request_rejected"),
    ("err-400-models-cap", 400, "request_rejected"),
]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("name", "status", "code"), STOPPING)
async def test_a_fault_that_the_next_model_would_meet_too_stops_the_chain(
    name: str, status: int, code: str, streamed: bool
) -> None:
    world = World().script("a/one", recorded(name))

    got = await world.ask("a/one", "b/two", stream=streamed)

    assert world.upstream.models == ["a/one"]
    assert (got.status, got.error["code"]) == (status, code)


async def test_a_key_that_openrouter_refuses_is_not_the_callers_fault() -> None:
    got = await World().script("a/one", recorded("err-401")).ask("a/one", "b/two")

    assert got.error["metadata"]["source"] == "openrouter"
    assert got.error["metadata"]["retryable"] is False


async def test_a_redirect_stops_the_chain_and_is_not_followed() -> None:
    world = World().script("a/one", reply(307, location="https://evil.example/"))

    got = await world.ask("a/one", "b/two")

    assert world.upstream.models == ["a/one"]
    assert (got.status, got.error["code"]) == (502, "redirected")


@pytest.mark.parametrize(
    "name",
    ["err-400-invalid-model", "err-400-provider", "err-403-moderation", "err-404", "err-429-free-daily"],
)
async def test_a_fault_of_one_model_falls_back_at_once(name: str) -> None:
    world = World().script("a/one", recorded(name))

    got = await world.ask("a/one", "b/two")

    assert world.upstream.models == ["a/one", "b/two"]
    assert got.status == 200
    assert now_s() == 0.0


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("act", "code"),
    [
        pytest.param(refuse, "connection_failed", id="refused"),
        pytest.param(reply(200, b'{"choices"', RESET), "connection_lost", id="reset"),
        pytest.param(breaks(RuntimeError("a bug")), "gateway_fault", id="a bug in the gateway"),
        pytest.param(recorded("soft-01"), "provider_error", id="an error in a 200"),
    ],
)
async def test_the_next_model_answers_after_any_failure_of_an_attempt(
    act: Act, code: str, streamed: bool
) -> None:
    world = World().script("a/one", act)

    got = await world.ask("a/one", "b/two", stream=streamed)

    assert got.status == 200
    assert got.codes == [code, None]


async def test_a_bug_is_logged_as_the_gateways() -> None:
    world = World().script("a/one", breaks(RuntimeError("a bug")))

    got = await world.ask("a/one", "b/two")

    assert [line["error"] for line in world.events("internal_error")] == ["RuntimeError"]
    assert got.receipt["attempts"][0]["source"] == "gateway"


STREAM_FAULTS = [
    pytest.param(recorded("sse-04"), "free_limit_daily", id="an error is the first event"),
    pytest.param(stream(COMMENT, COMMENT), "empty_answer", id="comments, then the end"),
    pytest.param(stream(ROLE, ROLE), "empty_answer", id="a role, then the end"),
    pytest.param(stream(ROLE, b"data: [DONE]\n\n"), "empty_answer", id="[DONE] first"),
    pytest.param(stream(b"data: {garbage}\n\n"), "malformed_event", id="garbage"),
    pytest.param(stream(b"data: [{}]\n\n"), "malformed_event", id="not an object"),
    pytest.param(stream(COMMENT, RESET), "connection_lost", id="reset"),
    pytest.param(stream(b"data: " + b"x" * (MAX_EVENT_BYTES + 1)), "malformed_event", id="an endless event"),
    pytest.param(answer(), "wrong_content_type", id="a plain answer"),
    pytest.param(reply(200, b"<html>", content_type="text/html"), "wrong_content_type", id="HTML"),
]


@pytest.mark.parametrize(("act", "code"), STREAM_FAULTS)
async def test_a_stream_that_fails_before_its_first_progress_falls_back(act: Act, code: str) -> None:
    world = World().script("a/one", act)
    world.script("b/two", healthy_stream("From two."))

    got = await world.ask("a/one", "b/two", stream=True)

    assert got.codes == [code, None]
    assert text_in(got.events) == "From two."


@pytest.mark.parametrize(("act", "code"), STREAM_FAULTS)
async def test_a_discarded_reply_is_read_to_its_end_or_aborted(act: Act, code: str) -> None:
    world = World().script("a/one", act)

    await world.ask("a/one", "b/two", stream=True)

    assert code
    assert all(each.aborted or each.ended for each in world.transport.replies)


async def test_no_reply_stays_open_but_the_one_that_serves() -> None:
    world = World().script("a/one", fail(502)).script("b/two", stream(COMMENT, HANG))

    response = await world.ask("a/one", "b/two", "c/three", stream=True)

    assert response.status == 200
    assert [each.aborted for each in world.transport.replies[:2]] == [True, True]


async def test_only_the_first_model_is_called_without_fallbacks() -> None:
    world = World().script("a/one", fail(404))

    got = await world.ask("a/one", "b/two", gateway={"fallbacks": False})

    assert world.upstream.models == ["a/one"]
    assert got.status == 404


async def test_an_exhausted_chain_tells_sdks_not_to_retry() -> None:
    world = World().script("a/one", fail(502)).script("b/two", fail(503))

    got = await world.ask("a/one", "b/two", gateway={"retries": 0})

    assert got.status == 503
    assert got.headers["x-should-retry"] == "false"
    assert got.error["message"].startswith("No model answered. a/one: ")


@pytest.mark.parametrize(
    ("option", "listed"), [({}, None), ({"errors": "last"}, None), ({"errors": "all"}, 2)]
)
async def test_every_error_is_listed_if_requested(option: dict[str, object], listed: int | None) -> None:
    world = World().script("a/one", recorded("err-429-upstream-pool")).script("b/two", fail(404))

    got = await world.ask("a/one", "b/two", gateway={"deadline_ms": 5_000, **option})

    errors = got.error["metadata"].get("errors")
    assert errors is None if listed is None else [each["model"] for each in errors] == ["a/one", "b/two"]
    assert not errors or errors[0]["provider_name"] == "BaseTen"


async def test_the_receipt_lists_every_attempt() -> None:
    world = World().script("a/one", after(2.0, fail(502))).script("b/two", refuse)

    got = await world.ask("a/one", "b/two", "c/three")

    first, second, third = got.receipt["attempts"]
    assert (first["model"], first["status"], first["ms"], first["outcome"]) == ("a/one", 502, 2000, "failed")
    assert (second["source"], second["status"], second["billed"]) == ("openrouter", None, "no")
    assert (third["outcome"], third["status"], third["billed"]) == ("answered", 200, "yes")
    assert got.receipt["cost_usd"] == third["cost_usd"] == 0.000_021
    assert got.receipt["ms"] == 2000


async def test_each_failed_attempt_is_logged_and_the_request_once() -> None:
    world = World().script("a/one", fail(502))

    await world.ask("a/one", "b/two")

    assert [line["event"] for line in world.log] == ["attempt_failed", "request_done"]
    assert world.log[1]["outcome"] == "answered"
    assert world.log[1]["caller"] == "tests"


async def test_the_commit_is_the_first_progress_and_not_the_first_byte() -> None:
    world = World().script("a/one", stream(COMMENT, 5.0, ROLE, 5.0, text("Hi"), RESET))

    response = await world.begin({"model": "a/one", "stream": True, "messages": [{"role": "user"}]})

    assert response.status == 200
    assert now_s() == pytest.approx(10.0)
