"""The upstream's own words: in the answer to the caller whose request failed, and nowhere else."""

import json
from typing import Any

import pytest

from gateway.http.destination import repeats_key
from gateway.http.message import Upstream as Destination
from tests.support.chunks import event, text
from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import (
    DIRECT_BASE_URL,
    HANG,
    WEBHOOK_URL,
    Act,
    accept_key,
    fail,
    recorded,
    reply,
    stream,
)
from tests.support.world import TOKEN, UPSTREAM_KEY, Answer, World, chat, finish

pytestmark = pytest.mark.anyio
ECHO = "canary of a prompt that an upstream repeats"
TOO_LONG = "This model's maximum context length is 32768 tokens. However, you requested 41220 tokens."
ONCE: dict[str, Any] = {"retries": 0}
DIRECT_KEY = "canary-of-the-direct-key"
OWN_KEY = "sk-or-v1-" + "5e8f0a1b2c3d4e5f" * 4


def world(**env: str) -> World:
    declared = {"near": {"base_url": DIRECT_BASE_URL, "secret": "NEAR_KEY"}}
    return World(
        {"UPSTREAMS": json.dumps(declared), "NEAR_KEY": DIRECT_KEY, **env}, database=SqliteDatabase()
    )


def provider_error(status: int, message: str, **metadata: object) -> Act:
    raw = json.dumps({"error": {"message": message, "code": "a_code"}})
    metadata = {"raw": raw, "provider_name": "Venice", **metadata}
    error = {"message": "Provider returned error", "code": status, "metadata": metadata}
    return reply(status, json.dumps({"error": error, "user_id": "user_2xEXAMPLE0000"}).encode())


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (
            recorded("err-400-invalid-model"),
            "OpenRouter does not know this model (a/one). The upstream says: "
            "acme/fake-1.0 is not a valid model ID",
        ),
        (
            recorded("err-400-provider-previous-errors"),
            f"The request is longer than the model's context (a/one). The upstream says: {TOO_LONG}",
        ),
        (
            fail(422, "temperature: must be below 2"),
            "OpenRouter rejected the request for this model (a/one). "
            "The upstream says: temperature: must be below 2",
        ),
        (
            fail(413, "Over 9 MB"),
            "OpenRouter found the request too large (a/one). The upstream says: Over 9 MB",
        ),
        (
            fail(401, "User not found."),
            "OpenRouter refused the gateway's key (a/one). The gateway's operator must check "
            "OPENROUTER_API_KEY. The upstream says: User not found.",
        ),
        (
            recorded("err-403-key-limit"),
            "The OpenRouter key has reached its spending limit (a/one). Raise it, or wait for its reset. The "
            "upstream says: Key limit exceeded (daily limit). Manage it using "
            "https://openrouter.ai/settings/keys",
        ),
        (fail(400), "The model's provider rejected the request (a/one)."),
        (fail(503, "Busy with secrets of others"), "The model's providers are overloaded (a/one)."),
        (reply(502, b"<html>Bad</html>", content_type="text/html"), "OpenRouter failed (a/one)."),
    ],
)
async def test_the_message_names_the_model_and_repeats_what_the_caller_can_mend(
    act: Act, message: str
) -> None:
    got = await world().script("a/one", act).ask("a/one", gateway=ONCE)

    assert got.error["message"] == message


async def test_the_metadata_has_what_the_last_upstream_said() -> None:
    made = world().script("a/one", fail(502, "One.")).script("b/two", provider_error(503, "Two."))

    got = await made.ask("a/one", "b/two", gateway=ONCE)

    assert got.error["message"] == (
        "No model answered. a/one: its provider failed; b/two: its providers are overloaded."
    )
    assert got.error["metadata"]["upstream"] == {
        "message": "Two.",
        "code": "a_code",
        "provider": "Venice",
        "model": "b/two",
    }


async def test_each_error_of_the_list_has_what_its_upstream_said() -> None:
    made = world().script("a/one", fail(502, "One.")).script("fast", fail(400, "Two."))

    got = await made.ask("a/one", "direct:near/fast", gateway={**ONCE, "errors": "all"})

    assert [each["upstream"] for each in got.error["metadata"]["errors"]] == [
        {"message": "One.", "code": 502, "provider": None, "model": "a/one"},
        {"message": "Two.", "code": 400, "provider": "near", "model": "direct:near/fast"},
    ]
    assert [each["message"] for each in got.receipt["attempts"]] == ["One.", "Two."]


async def test_an_upstream_that_said_nothing_has_only_nulls() -> None:
    made = world().script("a/one", stream(HANG))

    got = await made.ask("a/one", stream=True, gateway={**ONCE, "deadline_ms": 2_000})

    assert got.error["message"].endswith("(a/one).")
    assert got.error["metadata"]["upstream"] == {
        "message": None,
        "code": None,
        "provider": None,
        "model": "a/one",
    }
    assert "message" not in got.receipt["attempts"][0]


async def test_a_chain_without_an_attempt_has_no_words_of_an_upstream() -> None:
    got = await world().ask("a/one", max_tokens=9, gateway={"max_cost_usd": 1.0, "strict": True})

    assert got.status == 402
    assert "upstream" not in got.error["metadata"]


@pytest.mark.parametrize("wrapped", [False, True])
async def test_an_error_inside_a_stream_follows_the_same_rule(wrapped: bool) -> None:
    error = {"code": 400, "message": TOO_LONG, "metadata": {"provider_name": "Venice"}}
    payload = {"choices": [{"index": 0, "delta": {}, "error": error}]} if wrapped else {"error": error}
    made = world().script("a/one", stream(text("Half "), event(payload)))

    got = await made.ask("a/one", stream=True)

    (found,) = [each["error"] for each in got.events if each != "[DONE]" and "error" in each]
    assert found["message"] == (
        "The answer was cut off. The request is longer than the model's context (a/one). "
        f"The upstream says: {TOO_LONG}"
    )
    assert found["metadata"]["upstream"] == {
        "message": TOO_LONG,
        "code": 400,
        "provider": "Venice",
        "model": "a/one",
    }
    assert found["metadata"]["gateway"]["attempts"][0]["message"] == TOO_LONG


async def test_an_error_after_a_comment_follows_the_same_rule() -> None:
    made = world().script("a/one", stream(12.0, event({"error": {"code": 404, "message": "Gone."}})))

    got = await made.ask("a/one", stream=True, gateway={**ONCE, "keepalive_ms": 5_000})

    (found,) = [each["error"] for each in got.events if each != "[DONE]"]
    assert found["message"].endswith("(a/one). The upstream says: Gone.")


async def test_a_message_in_the_receipt_is_short() -> None:
    made = world().script("a/one", fail(503, "word " * 1_000))

    got = await made.ask("a/one", gateway=ONCE)

    assert 400 < len(got.error["metadata"]["upstream"]["message"]) <= 500
    assert 150 < len(got.receipt["attempts"][0]["message"]) <= 200


@pytest.mark.parametrize("form", [json.dumps, lambda error: json.dumps([error])], ids=["object", "list"])
async def test_a_direct_upstream_of_google_is_heard(form: Any) -> None:  # noqa: ANN401  # a function of JSON
    error = {"error": {"code": 400, "message": "Unknown name", "status": "INVALID_ARGUMENT"}}
    made = world().script("fast", reply(400, form(error).encode()))

    got = await made.ask("direct:near/fast", gateway=ONCE)

    assert got.error["message"] == (
        "The model's provider rejected the request (direct:near/fast). The upstream says: Unknown name"
    )
    assert got.error["metadata"]["upstream"]["provider"] == "near"


def everywhere_but_the_body(made: World, got: Answer) -> str:
    names = [
        str(row["name"]) for row in made.database.rows("SELECT name FROM sqlite_master WHERE type='table'")
    ]
    rows = [made.database.rows(f"SELECT * FROM {name}") for name in names]  # noqa: S608  # the database's own names
    return f"{got.headers} {made.log_text} {rows} {made.upstream.alerts!r} {made.answer_cache.values}"


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("falls_back", [False, True])
async def test_a_message_goes_to_the_caller_only(streamed: bool, falls_back: bool) -> None:
    made = world(ALERT_WEBHOOK_URL=WEBHOOK_URL, BUDGET_DAY_USD="0.00001")
    made.script("a/one", provider_error(400, ECHO))
    models = ("a/one", "b/two") if falls_back else ("a/one",)

    got = await made.ask(*models, stream=streamed, gateway={**ONCE, "cache_ttl_s": 60})
    await made.let_run()

    assert ECHO in got.body.decode()
    assert ECHO not in everywhere_but_the_body(made, got)
    assert len(made.database.rows("SELECT * FROM requests")) == 1
    assert made.events("attempt_failed")
    assert bool(made.upstream.alerts) is falls_back


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_cached_answer_has_no_message_of_the_models_that_failed_before(streamed: bool) -> None:
    made = world().script("a/one", provider_error(400, ECHO))
    first = await made.ask("a/one", "b/two", stream=streamed, gateway={**ONCE, "cache_ttl_s": 60})
    await made.let_run()

    second = await made.ask("a/one", "b/two", stream=streamed, gateway={**ONCE, "cache_ttl_s": 60})

    assert (first.headers["x-gateway-cache"], second.headers["x-gateway-cache"]) == ("miss", "hit")
    assert ECHO in first.body.decode()
    assert ECHO not in second.body.decode() + str(second.headers)


async def test_usage_health_and_other_callers_never_see_a_message() -> None:
    made = world().script("a/one", provider_error(400, ECHO), provider_error(400, "Another."))
    await made.ask("a/one", gateway=ONCE)
    await made.let_run()
    key = {"authorization": f"Bearer {TOKEN}"}

    pages = [await made.get(path, headers=key) for path in ("/v1/usage", "/v1/key", "/health?deep=1")]
    pages.append(await made.ask("a/one", gateway=ONCE))

    assert not [page for page in pages if ECHO in page.body.decode() + str(page.headers)]


def leaky(key: str) -> str:
    first, rest = key[: len(key) // 2], key[len(key) // 2 :]
    return (
        f"Key {key} is wrong: Bearer {key}, …{key[-12:]}, {first}\u200b{rest}, {first}\n{rest}, "
        f"https://x.example/?key={key} user_2xEXAMPLE0000 org-abc123"
    )


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("model", "key", "token"),
    [
        ("a/one", UPSTREAM_KEY, TOKEN),
        ("direct:near/fast", DIRECT_KEY, TOKEN),
        ("a/one", OWN_KEY, OWN_KEY),
    ],
    ids=["the gateway's", "a direct upstream's", "the caller's own"],
)
@pytest.mark.parametrize("status", [400, 401, 503])
async def test_no_part_of_a_key_is_in_a_message(
    model: str, key: str, token: str, status: int, streamed: bool
) -> None:
    made = world(ALLOW_CLIENT_KEYS="true")
    made.upstream.pages["/key"] = (accept_key,)
    made.script(model.removeprefix("direct:near/"), provider_error(status, leaky(key)))
    body = chat(model, stream=streamed, gateway={**ONCE, "errors": "all"})

    got = await finish(await made.begin(body, headers={"authorization": f"Bearer {token}"}))

    shown = json.dumps(got.json, ensure_ascii=False)
    called_with = Destination(base_url="", api_key=key.removeprefix("sk-or-v1-"))
    assert got.error["metadata"]["upstream"]["message"].startswith(
        "Key [redacted] is wrong: Bearer [redacted]"
    )
    assert not repeats_key(shown, called_with)
    assert not [each for each in ("user_2x", "org-abc", key[:12]) if each in shown]
