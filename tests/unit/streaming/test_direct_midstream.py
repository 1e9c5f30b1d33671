"""A stream of a direct upstream that is cut off: it blames that upstream, and may have been billed."""

import json
from typing import Any

import pytest

from gateway.faults.error_rows import ROWS
from gateway.faults.fault import Fault
from gateway.faults.policy import RULES
from gateway.upstream.direct import fault_at_direct
from tests.support.chunks import DONE, chunk, event, text
from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import DIRECT_BASE_URL, HANG, RESET, Step, fail, healthy_stream, stream
from tests.support.world import Answer, World

pytestmark = pytest.mark.anyio
MODEL = "direct:near/fast"
DECLARED = {
    "near": {
        "base_url": DIRECT_BASE_URL,
        "secret": "NEAR_KEY",
        "usd_per_million_tokens": {"fast": {"prompt": 1, "completion": 10}},
    }
}


def world() -> World:
    env = {"UPSTREAMS": json.dumps(DECLARED), "NEAR_KEY": "canary-of-the-direct-key"}
    return World(env, database=SqliteDatabase())


def error(code: object, message: str = "No.", **fields: object) -> bytes:
    return event({"error": {"code": code, "message": message, **fields}})


BREAKS: list[tuple[str, Step, str]] = [
    ("its key", error(401, "User not found."), "direct_key_rejected"),
    ("its key, by a provider", error(401, "Provider returned error"), "direct_key_rejected"),
    ("its credit", error(402), "direct_quota_spent"),
    ("its quota", error("insufficient_quota"), "direct_quota_spent"),
    ("its refusal", error(403), "direct_refused"),
    ("its model", error(404), "direct_model_unknown"),
    ("the request", error(400, name="ZodError"), "rejected_by_provider"),
    ("the size", error(413), "rejected_by_provider"),
    ("its limit", error(429, "free-models-per-day"), "rate_limited"),
    ("its fault", error(500), "provider_error"),
    ("its load", error(503), "overloaded"),
    ("an error in a choice", chunk(finish="error", error={"code": 401}), "direct_key_rejected"),
    ("the connection", RESET, "direct_connection_lost"),
    ("no finish reason", DONE, "no_finish_reason"),
    ("no event", b"data: {garbage}\n\n", "malformed_event"),
    ("no progress", HANG, "idle_timeout"),
]
breaks = pytest.mark.parametrize(("step", "code"), [pytest.param(*row, id=name) for name, *row in BREAKS])


async def cut_off(step: Step, **options: Any) -> tuple[Answer, World]:  # noqa: ANN401  # JSON of any kind
    made = world().script("fast", stream(text("Half "), step))
    got = await made.ask(MODEL, "b/two", stream=True, max_tokens=100, gateway={"idle_ms": 9_000, **options})
    await made.let_run()
    return got, made


def error_in(got: Answer) -> dict[str, Any]:
    (found,) = [each["error"] for each in got.events if each != "[DONE]" and "error" in each]
    assert isinstance(found, dict)
    return found


@breaks
async def test_the_error_blames_the_upstream_that_was_called(step: Step, code: str) -> None:
    got, _ = await cut_off(step, errors="all")

    found = error_in(got)

    assert found["code"] == code
    assert "OpenRouter" not in json.dumps(found)
    assert "OPENROUTER" not in json.dumps(found)
    assert found["metadata"]["source"] == "provider"
    (attempt,) = found["metadata"]["gateway"]["attempts"]
    assert (attempt["code"], attempt["source"], attempt["outcome"]) == (code, "provider", "cut_off")


@breaks
async def test_such_an_attempt_may_be_billed_and_counts_at_its_worst(step: Step, code: str) -> None:
    got, made = await cut_off(step)

    (attempt,) = error_in(got)["metadata"]["gateway"]["attempts"]
    (row,) = made.database.rows("SELECT * FROM requests")

    assert (attempt["billed"], attempt["cost_usd"]) == ("unknown", None)
    assert row["outcome"] == code
    assert row["estimated_micros"] == row["cost_micros"]
    assert int(str(row["cost_micros"])) >= 1_000  # 100 tokens at 10 USD per million
    assert (row["cost_state"], row["billed_failures"]) == ("estimated", 1)


async def test_what_it_had_said_of_its_tokens_by_then_is_its_cost() -> None:
    usage = chunk({"content": "more"}, usage={"prompt_tokens": 100, "completion_tokens": 20})
    made = world().script("fast", stream(text("Half "), usage, error(500)))

    got = await made.ask(MODEL, stream=True)

    (attempt,) = error_in(got)["metadata"]["gateway"]["attempts"]
    assert (attempt["billed"], attempt["cost_usd"]) == ("yes", pytest.approx(0.0003))


async def test_openrouter_still_bills_no_answer_that_ends_in_an_error() -> None:
    made = world().script("a/one", stream(text("Half "), error(401, "User not found.")))

    got = await made.ask("a/one", stream=True)

    found = error_in(got)
    assert (found["code"], found["metadata"]["source"]) == ("upstream_key_rejected", "openrouter")
    assert found["metadata"]["gateway"]["attempts"][0]["billed"] == "no"


@pytest.mark.parametrize("how", ["restart", "continue"])
async def test_another_model_takes_over_and_the_seam_blames_the_right_one(how: str) -> None:
    made = world().script("fast", stream(text("Half "), RESET)).script("b/two", healthy_stream("Whole."))

    got = await made.ask(MODEL, "b/two", stream=True, gateway={"on_midstream": how})

    assert got.codes == ["direct_connection_lost", None]
    assert "connection_lost" not in got.body.decode().replace("direct_connection_lost", "")


async def test_an_error_before_the_first_word_that_comes_after_a_comment_blames_the_right_one() -> None:
    made = world().script("fast", stream(12.0, error(401)))

    got = await made.ask(MODEL, stream=True, gateway={"keepalive_ms": 5_000})

    assert error_in(got)["code"] == "direct_key_rejected"


def test_no_fault_that_a_direct_upstream_can_meet_is_told_as_openrouters() -> None:
    met = {row.code for row in ROWS} | {code for code, rule in RULES.items() if rule.source != "client"}

    for code in met:
        rule = fault_at_direct(Fault(code=code)).rule
        assert rule.source != "openrouter"
        assert "openrouter" not in rule.message.lower()


async def test_openrouters_own_faults_are_as_before() -> None:
    made = world().script("a/one", fail(401, "User not found."))

    assert (await made.ask("a/one")).error["code"] == "upstream_key_rejected"
