"""Clients that leave: their upstream calls end, no new call starts, and no task stays behind."""

import time
from collections.abc import Iterator

import pytest

from tests.support.chat import SLACK_S, question
from tests.support.journal import Entry, Journal
from tests.support.leaver import Leaver
from tests.support.runtimes import Gateway

# The 2024 runtime's `request.signal` never fires. Before an answer begins, the gateway cannot learn that the
# client has left, and the deadline ends the chain. In a stream, the next write raises.
WITHOUT_SIGNAL = {"workerd"}
DEADLINE_MS = 1500
PROMPT_S = 1.0


@pytest.fixture(autouse=True)
def _nothing_is_left(gateway: Gateway) -> Iterator[None]:
    before = len(gateway.log_text())
    yield
    if gateway.runtime not in WITHOUT_SIGNAL and gateway.is_ours:
        ends_at_s = time.monotonic() + 5
        with gateway.client() as client:
            while (stats := client.get("/__host/stats").json())["pending_waits"]:
                assert time.monotonic() < ends_at_s, stats
                time.sleep(0.05)
    log = gateway.log_text()[before:]
    assert "UNHANDLED" not in log
    assert "internal_error" not in log


def is_over(entries: list[Entry]) -> bool:
    return bool(entries) and all(entry["outcome"] != "open" for entry in entries)


def ended_in_time(gateway: Gateway, journal: Journal, *models: str) -> None:
    """Wait until the calls have ended: at once if the runtime fires the signal, else by the deadline."""
    without_signal = gateway.runtime in WITHOUT_SIGNAL
    journal.wait_until(is_over, (DEADLINE_MS / 1000 if without_signal else PROMPT_S) + SLACK_S)
    if without_signal:
        return
    time.sleep(0.3)
    assert journal.models() == list(models)
    assert {entry["outcome"] for entry in journal.entries()} <= {"cancelled", "answered"}


@pytest.mark.parametrize("options", [{}, {"on_midstream": "restart"}, {"on_midstream": "continue"}])
def test_a_call_ends_when_its_client_leaves_mid_stream(
    gateway: Gateway, journal: Journal, options: dict[str, str]
) -> None:
    body = question(journal, "sim/drip-250ms", "sim/ok", stream=True, gateway=options)
    with Leaver(gateway, body) as client:
        client.read_until(b"every ")
        client.leave()
        [entry] = journal.wait_until(is_over, PROMPT_S + SLACK_S)
    assert entry["outcome"] == "cancelled"
    assert entry["events_sent"] < 20
    time.sleep(0.3)
    assert journal.models() == ["sim/drip-250ms"]


def test_a_call_ends_when_its_client_leaves_while_the_answer_is_held(
    gateway: Gateway, journal: Journal
) -> None:
    options = {"on_midstream": "hold", "keepalive_ms": 200}
    body = question(journal, "sim/drip-250ms", "sim/ok", stream=True, gateway=options)
    with Leaver(gateway, body) as client:
        client.read_until(b": keep-alive")
        client.leave()
        [entry] = journal.wait_until(is_over, PROMPT_S + SLACK_S)
    assert entry["outcome"] == "cancelled"
    assert entry["events_sent"] < 20
    time.sleep(0.3)
    assert journal.models() == ["sim/drip-250ms"]


def test_a_call_ends_when_its_client_leaves_a_stalled_stream(gateway: Gateway, journal: Journal) -> None:
    body = question(journal, "sim/stall-after", stream=True, gateway={"idle_ms": DEADLINE_MS})
    with Leaver(gateway, body) as client:
        client.read_until(b" capital")
        client.leave()
        ended_in_time(gateway, journal, "sim/stall-after")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["sim/hang", "sim/stall-before"])
def test_a_call_ends_when_its_client_leaves_before_the_answer(
    gateway: Gateway, journal: Journal, model: str, stream: bool
) -> None:
    body = question(journal, model, "sim/ok", stream=stream, gateway={"deadline_ms": DEADLINE_MS})
    with Leaver(gateway, body) as client:
        journal.wait_until(bool)
        client.leave()
        ended_in_time(gateway, journal, model)


def test_no_retry_is_made_for_a_client_that_has_left(gateway: Gateway, journal: Journal) -> None:
    options = {"deadline_ms": DEADLINE_MS + 2000, "retries": 1}
    body = question(journal, "sim/retry-after-1-twice", gateway=options)
    with Leaver(gateway, body) as client:
        journal.wait_until(is_over)
        client.leave()
        time.sleep(1.5)
    if gateway.runtime not in WITHOUT_SIGNAL:
        assert len(journal.entries()) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_both_calls_of_a_hedge_end_when_the_client_leaves(
    gateway: Gateway, journal: Journal, stream: bool
) -> None:
    options = {"hedge_ms": 150, "deadline_ms": DEADLINE_MS}
    body = question(journal, "sim/hang", "sim/slow-5000ms", "sim/ok", stream=stream, gateway=options)
    with Leaver(gateway, body) as client:
        journal.wait_until(lambda entries: len(entries) == 2)
        client.leave()
        ended_in_time(gateway, journal, "sim/hang", "sim/slow-5000ms")


def test_a_call_ends_when_its_client_leaves_during_keep_alive_comments(
    gateway: Gateway, journal: Journal
) -> None:
    options = {"keepalive_ms": 150, "deadline_ms": 4000}
    body = question(journal, "sim/hang", "sim/ok", stream=True, gateway=options)
    with Leaver(gateway, body) as client:
        client.read_until(b": keep-alive")
        client.leave()
        [entry] = journal.wait_until(is_over, PROMPT_S + SLACK_S)
    assert entry["outcome"] == "cancelled"
    time.sleep(0.3)
    assert journal.models() == ["sim/hang"]


def test_a_client_that_has_left_does_not_disturb_other_requests(gateway: Gateway, journal: Journal) -> None:
    for _ in range(4):
        with Leaver(gateway, question(journal, "sim/long-2000", stream=True)) as client:
            client.read_until(b"data: ")
            client.leave()
    with gateway.client() as client:
        answer = client.post("/v1/chat/completions", json=question(journal, "sim/ok"))
    assert answer.status_code == 200
    journal.wait_until(is_over, PROMPT_S + 2 * SLACK_S)
