"""The message of a chain without an answer: every model, and why it did not answer."""

from typing import Any

import pytest

from gateway.fallback.attempt import Attempt
from gateway.fallback.receipt import Receipt
from gateway.fallback.what_failed import MAX_NAMED, failures_of, listed, shown_duration
from gateway.faults.fault import Fault
from tests.support.chunks import ROLE, text
from tests.support.models import listing, model
from tests.support.upstream import HANG, RESET, Act, fail, recorded, reply, stream
from tests.support.world import PROMPT, World, one_key

pytestmark = pytest.mark.anyio
ONCE: dict[str, Any] = {"retries": 0}
UNKNOWN = fail(400, "x/y is not a valid model ID")


def listing_world(env: dict[str, str] | None = None) -> World:
    """Return a world whose OpenRouter has the recorded list of models."""
    made = World(env or {})
    made.upstream.pages["/models"] = (listing(),)
    return made


def world(**scripts: Act) -> World:
    made = World()
    for name, act in scripts.items():
        made.script(f"a/{name}", act)
    return made


@pytest.mark.parametrize("streamed", [False, True])
async def test_every_model_is_named_with_its_reason(streamed: bool) -> None:
    made = world(one=fail(503), two=UNKNOWN, three=fail(429, retry_after="40"))

    got = await made.ask("a/one", "a/two", "a/three", stream=streamed, gateway=ONCE)

    assert got.error["message"] == (
        "No model answered. a/one: its providers are overloaded; "
        "a/two: OpenRouter does not know this model; "
        "a/three: its providers are rate-limited, ready again in 40 s."
    )


async def test_a_model_that_did_not_answer_in_time_is_named_with_the_time() -> None:
    got = await world(one=reply(200, HANG), two=fail(502)).ask(
        "a/one", "a/two", gateway={**ONCE, "attempt_ms": 15_000}
    )

    assert "a/one: no answer in 15 s; a/two: its provider failed" in got.error["message"]


async def test_attempts_at_one_model_are_counted() -> None:
    got = await world(one=fail(404), two=fail(502)).ask("a/one", "a/two", gateway={"retries": 1})

    assert "a/two: its provider failed (2 attempts)" in got.error["message"]


async def test_a_chain_of_one_model_keeps_one_sentence() -> None:
    got = await world(one=fail(503)).ask("a/one", gateway=ONCE)

    assert got.error["message"] == "The model's providers are overloaded (a/one)."


async def test_the_advice_and_the_words_of_the_last_upstream_follow() -> None:
    got = await world(one=fail(503), two=recorded("err-403-key-limit")).ask("a/one", "a/two", gateway=ONCE)

    assert got.error["message"] == (
        "No model answered. a/one: its providers are overloaded; a/two: the OpenRouter key has reached its "
        "spending limit. Raise it, or wait for its reset. The upstream says: Key limit exceeded (daily "
        "limit). Manage it using https://openrouter.ai/settings/keys"
    )


async def test_a_skipped_model_is_named_with_its_reason() -> None:
    made = World()
    made.upstream.pages["/models"] = (listing(model("a/plain", supported_parameters=["temperature"])),)
    tool = {"type": "function", "function": {"name": "f"}}

    got = await made.ask("a/plain", tools=[tool], gateway={"max_cost_usd": 1})

    assert got.error["message"] == ("No model of the chain can serve this request. a/plain: it has no tools.")


async def test_models_that_are_cooling_down_are_named() -> None:
    made = world(one=fail(429, retry_after="500"), two=fail(429, retry_after="900"))
    await made.ask("a/one", "a/two", gateway=ONCE)

    got = await made.ask("a/one", "a/two", gateway={**ONCE, "deadline_ms": 5_000})

    assert got.error["message"].endswith(
        "a/one: it is cooling down for 8 min more; a/two: it is cooling down for 15 min more."
    )


async def test_a_stream_that_is_cut_off_tells_about_the_other_models() -> None:
    made = world(one=fail(503), two=stream(ROLE, text("Hel"), RESET))

    got = await made.ask("a/one", "a/two", stream=True, gateway=ONCE)

    message = got.events[-1]["error"]["message"]
    assert message.startswith("The answer was cut off. ")
    assert message.endswith(" Other models: a/one: its providers are overloaded.")


async def test_a_model_that_openrouter_does_not_know_has_similar_names() -> None:
    made = listing_world().script("anthropic/claude-haiku-4-5", UNKNOWN).script("a/one", UNKNOWN)

    alone = await made.ask("anthropic/claude-haiku-4-5", gateway={**ONCE, "max_cost_usd": 1})
    both = await made.ask("anthropic/claude-haiku-4-5", "a/one", gateway=ONCE)

    assert "(anthropic/claude-haiku-4-5). Did you mean anthropic/claude-haiku-4.5" in alone.error["message"]
    hint = "OpenRouter does not know this model (did you mean anthropic/claude-haiku-4.5?)"
    assert f"anthropic/claude-haiku-4-5: {hint}; a/one: OpenRouter does not" in both.error["message"]


MISNAMED = "anthropic/claude-haiku-4-5"
BOUND = [MISNAMED, "openai/*"]


@pytest.mark.parametrize("fields", [{"models": BOUND}, {"limits": {"models": BOUND}}], ids=["key", "limits"])
async def test_only_models_that_the_key_may_use_are_named(fields: dict[str, Any]) -> None:
    name = MISNAMED
    made = listing_world({"GATEWAY_KEYS": one_key(**fields)}).script(name, UNKNOWN)

    got = await made.ask(name, gateway={**ONCE, "max_cost_usd": 1})

    assert "Did you mean" not in got.error["message"]


async def test_without_a_model_list_nothing_is_looked_up() -> None:
    made = world(one=UNKNOWN)

    got = await made.ask("a/one", gateway=ONCE)

    assert "Did you mean" not in got.error["message"]
    assert made.upstream.models == ["a/one"]


async def test_the_message_is_bounded_and_holds_no_prompt() -> None:
    names = [f"a/{'x' * 240}{number}" for number in range(40)]
    made = World()
    for name in names:
        made.script(name, fail(503))

    got = await made.ask(*names, gateway=ONCE)

    assert "; and 34 more." in got.error["message"]
    assert len(got.error["message"]) < 1_200
    assert PROMPT not in got.error["message"]


def test_the_last_model_is_always_named() -> None:
    names = [f"m{number}" for number in range(9)]
    receipt = Receipt(request_id="r", requested=tuple(names), started_at_s=0)
    for name in names:
        attempt = Attempt(model=name, number=1)
        attempt.fail(Fault(code="overloaded"))
        receipt.attempts.append(attempt)

    line = listed(failures_of(receipt), receipt, last="m8")

    assert line.count(": ") == MAX_NAMED
    assert line.endswith("m8: its providers are overloaded; and 3 more")


def test_a_word_of_the_caller_is_not_a_value_of_a_phrase() -> None:
    receipt = Receipt(request_id="r", requested=("m",), started_at_s=0)
    receipt.skip("m", "no_such_output", missing=["canary of a prompt"])

    assert failures_of(receipt) == {"m": "it gives no output of this kind"}


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0, "0.1 s"), (0.26, "0.3 s"), (3.0, "3 s"), (15.2, "15 s"), (200, "3 min"), (25_000, "7 h")],
)
def test_a_time_has_one_unit(seconds: float, shown: str) -> None:
    assert shown_duration(seconds) == shown
