"""Tests the forms of errors for Codex: those at which it stops, or waits."""

import json

import pytest

from gateway.settings.budget import period_of
from tests.support.ledger_world import ledger_world
from tests.support.responses import added, created, delta, event, read
from tests.support.upstream import Act, after, reply, stream
from tests.support.world import EPOCH_S, TOKEN, Answer, World, finish, one_key

pytestmark = pytest.mark.anyio
CODEX = {"authorization": f"Bearer {TOKEN}", "originator": "codex_exec"}


def refusal(status: int, message: str = "x", **error: object) -> Act:
    return reply(status, json.dumps({"error": {"code": status, "message": message, **error}}).encode())


async def ask(world: World, *models: str, headers: dict[str, str] = CODEX, **given: object) -> Answer:
    body: dict[str, object] = {"input": "Hi", "models": list(models), "stream": True, **given}
    return await finish(await world.begin(body, path="/v1/responses", headers=headers))


@pytest.mark.parametrize("status", [500, 502, 503, 529])
async def test_a_spent_chain_is_a_response_that_failed_since_the_models_are_overloaded(status: int) -> None:
    world = World().script("a/one", refusal(status), refusal(status))

    answer = await ask(world, "a/one", gateway={"retries": 0})

    assert answer.status == 200
    first, end = read(answer.body)
    assert (first["type"], end["type"]) == ("response.created", "response.failed")
    assert end["response"]["error"]["code"] == "server_is_overloaded"
    assert end["error"]["metadata"]["gateway"]["attempts"]


async def test_a_wait_that_is_known_is_told_in_the_words_that_codex_obeys() -> None:
    limited = reply(429, b'{"error": {"code": 429, "message": "x"}}', **{"retry-after": "9"})
    world = World().script("a/one", limited)

    answer = await ask(world, "a/one", gateway={"max_wait_ms": 0})

    error = read(answer.body)[-1]["response"]["error"]
    assert error["code"] == "rate_limit_exceeded"
    assert "try again in 9s" in error["message"]


async def test_a_prompt_that_is_too_long_is_told_in_the_word_for_it() -> None:
    world = World().script("a/one", refusal(400, "maximum context length is 10 tokens"))

    answer = await ask(world, "a/one")

    assert read(answer.body)[-1]["response"]["error"]["code"] == "context_length_exceeded"


async def test_a_spent_budget_is_a_429_without_a_wait() -> None:
    world = ledger_world(GATEWAY_KEYS=one_key(budget={"day_usd": 0.01}))
    world.database.rows("INSERT INTO spend VALUES ('one', ?, 10000, 1)", period_of("day", EPOCH_S))

    answer = await ask(world, "a/one")

    assert (answer.status, answer.error["code"]) == (429, "insufficient_quota")
    assert answer.error["metadata"]["code"] == "budget_spent"


@pytest.mark.parametrize(
    ("given", "headers"),
    [({"store": True}, CODEX), ({}, {**CODEX, "authorization": "Bearer wrong"})],
    ids=["a bad field", "a wrong key"],
)
async def test_what_no_repeat_mends_is_a_400(given: dict[str, object], headers: dict[str, str]) -> None:
    answer = await ask(World(), "a/one", headers=headers, **given)

    assert answer.status == 400
    assert answer.headers["x-should-retry"] == "false"


async def test_other_clients_get_the_status() -> None:
    world = World().script("a/one", refusal(529), refusal(529))

    answer = await ask(world, "a/one", headers={"authorization": f"Bearer {TOKEN}"}, gateway={"retries": 0})

    assert answer.status in (503, 529)
    assert answer.error["code"] == "overloaded"


async def test_after_a_comment_the_words_for_a_spent_chain_are_the_same() -> None:
    world = World().script("a/one", after(2.0, refusal(502)))

    answer = await ask(world, "a/one", gateway={"keepalive_ms": 500, "retries": 0})

    assert answer.body.startswith(b":")
    assert read(answer.body)[-1]["response"]["error"]["code"] == "server_is_overloaded"


CUT_OFF = {
    "it ends": b"",
    "the model is overloaded": event("error", code="provider_overloaded", message="x"),
    "the model is rate-limited": event("error", code="rate_limit_exceeded", message="x"),
    "the prompt is too long": event("error", code="context_length_exceeded", message="x"),
}


@pytest.mark.parametrize("last", CUT_OFF.values(), ids=CUT_OFF)
async def test_codex_may_ask_again_after_an_answer_that_was_cut_off(last: bytes) -> None:
    world = World().script("a/one", stream(created(), added(), delta(), last))

    answer = await ask(world, "a/one")

    assert read(answer.body)[-1]["response"]["error"]["code"] == "server_error"


RETRIED = CODEX | {"x-gateway-when-spent": "retry"}


@pytest.mark.parametrize("status", [500, 503])
async def test_codex_may_be_told_to_repeat_a_request_that_no_model_answered(status: int) -> None:
    world = World().script("a/one", refusal(status))

    answer = await ask(world, "a/one", headers=RETRIED, gateway={"retries": 0})

    assert (answer.status, answer.error["code"]) == (status, "server_error")


@pytest.mark.parametrize(
    ("message", "status", "told"),
    [
        ("maximum context length is 10 tokens", 400, 200),
        ("wrong", 400, 400),
        ("x", 404, 400),
        ("x", 402, 429),
    ],
)
async def test_what_no_repeat_mends_is_told_as_before(message: str, status: int, told: int) -> None:
    stops, retried = [
        await ask(World().script("a/one", refusal(status, message)), "a/one", headers=headers)
        for headers in (CODEX, RETRIED)
    ]

    assert stops.status == retried.status == told


@pytest.mark.parametrize("value", ["stop", "", "x" * 1_000])
async def test_any_other_word_lets_codex_stop(value: str) -> None:
    world = World().script("a/one", refusal(503))

    answer = await ask(
        world, "a/one", headers=CODEX | {"x-gateway-when-spent": value}, gateway={"retries": 0}
    )

    assert read(answer.body)[-1]["response"]["error"]["code"] == "server_is_overloaded"
