"""Hedging and cost limits: a second model joins a slow first one; a cost ceiling counts all attempts."""

import time

import pytest

from tests.support.chat import OK_TEXT, SLACK_S, attempts_in, error_in, post, question, said_in
from tests.support.chunks import payloads_in
from tests.support.journal import Entry, Journal
from tests.support.runtimes import Gateway


def outcomes(entries: list[Entry]) -> dict[str, str]:
    return {entry["model"]: entry["outcome"] for entry in entries}


@pytest.mark.parametrize("stream", [False, True])
def test_the_faster_model_wins_and_the_other_call_is_cancelled(
    gateway: Gateway, journal: Journal, stream: bool
) -> None:
    body = question(journal, "sim/slow-4000ms", "sim/ok", stream=stream, gateway={"hedge_ms": 200})
    began_s = time.monotonic()
    answer = post(gateway, body)
    assert time.monotonic() - began_s < 0.2 + SLACK_S
    assert answer.headers["x-gateway-model"] == "sim/ok"
    if stream:
        [chunk] = [each for each in payloads_in(answer.content) if each != "[DONE]" and each.get("usage")]
        assert said_in(payloads_in(answer.content)) == OK_TEXT
    else:
        chunk = answer.json()
    receipt = chunk["gateway"]
    assert sorted(attempts_in(receipt)) == [("sim/ok", "answered"), ("sim/slow-4000ms", "cancelled")]
    [loser] = [each for each in receipt["attempts"] if each["outcome"] == "cancelled"]
    assert loser["billed"] == "unknown"
    entries = journal.wait_until(lambda entries: outcomes(entries).get("sim/slow-4000ms") != "open", SLACK_S)
    assert outcomes(entries) == {"sim/slow-4000ms": "cancelled", "sim/ok": "answered"}


def test_a_fast_first_model_is_not_hedged(gateway: Gateway, journal: Journal) -> None:
    post(gateway, question(journal, "sim/ok", "sim/slow-50ms", gateway={"hedge_ms": 5000}))
    assert journal.models() == ["sim/ok"]


def test_a_slow_first_model_still_wins_if_it_answers_first(gateway: Gateway, journal: Journal) -> None:
    body = question(journal, "sim/slow-600ms", "sim/slow-4000ms", gateway={"hedge_ms": 150})
    assert post(gateway, body).headers["x-gateway-model"] == "sim/slow-600ms"
    entries = journal.wait_until(lambda entries: outcomes(entries).get("sim/slow-4000ms") != "open", SLACK_S)
    assert outcomes(entries) == {"sim/slow-600ms": "answered", "sim/slow-4000ms": "cancelled"}


def test_when_the_hedge_fails_the_first_model_keeps_running(gateway: Gateway, journal: Journal) -> None:
    body = question(
        journal, "sim/slow-600ms", "sim/status-404", gateway={"hedge_ms": 150, "deadline_ms": 8000}
    )
    answer = post(gateway, body)
    assert answer.headers["x-gateway-model"] == "sim/slow-600ms"
    assert sorted(journal.models()) == ["sim/slow-600ms", "sim/status-404"]


def test_a_strict_cost_limit_skips_a_model_of_unknown_price(gateway: Gateway, journal: Journal) -> None:
    answer = post(
        gateway, question(journal, "sim/ok-01-fallback-won", gateway={"max_cost_usd": 1, "strict": True})
    )
    error = error_in(answer)
    assert (answer.status_code, error["code"], error["metadata"]["source"]) == (
        402,
        "over_max_cost",
        "gateway",
    )
    [skipped] = error["metadata"]["gateway"]["skipped"]
    assert skipped == {"model": "sim/ok-01-fallback-won", "reason": "price_unknown"}
    assert journal.models() == []


def test_without_strict_a_model_of_unknown_price_is_asked_and_the_receipt_notes_it(
    gateway: Gateway, journal: Journal
) -> None:
    answer = post(gateway, question(journal, "sim/ok-02-tools-reasoning", gateway={"max_cost_usd": 1}))
    assert answer.status_code == 200
    notes = answer.json()["gateway"].get("notes", [])
    assert any("sim/ok-02-tools-reasoning" in note for note in notes)


def test_the_cost_ceiling_counts_failed_attempts(gateway: Gateway, journal: Journal) -> None:
    body = question(journal, "sim/reasoning-only", "sim/ok", gateway={"max_cost_usd": 1e-7})
    answer = post(gateway, body)
    receipt = error_in(answer)["metadata"]["gateway"]
    assert attempts_in(receipt) == [("sim/reasoning-only", "reasoning_only")]
    assert receipt["cost_usd"] > 1e-7
    assert [(each["model"], each["reason"]) for each in receipt["skipped"]] == [("sim/ok", "over_max_cost")]
    assert journal.models() == ["sim/reasoning-only"]
