import pytest

from gateway.faults.fault import Fault
from gateway.memory.latencies import (
    FAILED_MS,
    FORGOTTEN_S,
    LEAST_STREAMS,
    MAX_MODELS,
    MAX_STREAMS,
    Latencies,
)


def note(latencies: Latencies, ms: float, *, answered: bool = True, now_s: float = 0.0) -> None:
    latencies.note("a/one", ms, stream=False, answered=answered, now_s=now_s)


def ms_of(latencies: Latencies, *, now_s: float = 0.0) -> float | None:
    return latencies.ms("a/one", stream=False, now_s=now_s)


def test_a_model_without_a_measurement_has_no_latency() -> None:
    assert ms_of(Latencies()) is None


def test_later_measurements_move_the_average() -> None:
    latencies = Latencies()
    note(latencies, 100.0)
    note(latencies, 200.0)

    assert ms_of(latencies) == 130.0


def test_an_immediate_error_does_not_count_as_fast() -> None:
    latencies = Latencies()
    note(latencies, 1.0, answered=False)

    assert ms_of(latencies) == FAILED_MS


def test_streams_and_plain_answers_are_measured_apart() -> None:
    latencies = Latencies()
    note(latencies, 100.0)

    assert latencies.ms("a/one", stream=True, now_s=0.0) is None


def test_an_old_measurement_is_forgotten_so_that_the_model_gets_another_chance() -> None:
    latencies = Latencies()
    note(latencies, 1.0, answered=False)
    assert ms_of(latencies, now_s=FORGOTTEN_S) == FAILED_MS
    assert ms_of(latencies, now_s=FORGOTTEN_S + 1) is None

    note(latencies, 100.0, now_s=FORGOTTEN_S + 1)
    assert ms_of(latencies, now_s=FORGOTTEN_S + 1) == 100.0


def test_the_model_that_was_measured_longest_ago_is_evicted() -> None:
    latencies = Latencies()
    note(latencies, 1.0)
    for number in range(MAX_MODELS):
        latencies.note(f"m/{number}", 1.0, stream=False, answered=True, now_s=0.0)

    assert ms_of(latencies) is None
    assert latencies.ms("m/0", stream=False, now_s=0.0) == 1.0


@pytest.mark.parametrize(
    "code", ["rejected_by_provider", "flagged_by_moderation", "upstream_key_rejected", "no_endpoints"]
)
def test_a_fault_of_the_request_or_of_an_account_does_not_count_as_slowness(code: str) -> None:
    assert not Fault(code=code).is_slowness


@pytest.mark.parametrize(
    "code", ["attempt_timeout", "first_token_timeout", "overloaded", "rate_limited", "provider_error"]
)
def test_a_timeout_or_a_failure_of_the_model_counts_as_slowness(code: str) -> None:
    assert Fault(code=code).is_slowness


def streams(*times_ms: float, now_s: float = 0.0, latencies: Latencies | None = None) -> Latencies:
    found = latencies or Latencies()
    for ms in times_ms:
        found.note("a/one", ms, stream=True, answered=True, now_s=now_s)
    return found


def too_slow(latencies: Latencies, count: int) -> None:
    for _ in range(count):
        latencies.note("a/one", 5_000.0, stream=True, answered=False, is_too_slow=True, now_s=0.0)


def test_the_p95_is_the_time_that_nineteen_of_twenty_streams_keep() -> None:
    assert streams(*map(float, range(1, 21))).p95_ms("a/one", now_s=0.0) == 19.0
    assert streams(*map(float, range(40, 0, -1))).p95_ms("a/one", now_s=0.0) == 38.0


@pytest.mark.parametrize("count", [0, 1, LEAST_STREAMS - 1])
def test_a_few_streams_do_not_show_what_is_usual(count: int) -> None:
    assert streams(*[100.0] * count).p95_ms("a/one", now_s=0.0) is None


def test_the_last_streams_count_only() -> None:
    latencies = streams(*[9_000.0] * MAX_STREAMS)

    assert streams(*[100.0] * MAX_STREAMS, latencies=latencies).p95_ms("a/one", now_s=0.0) == 100.0
    assert len(latencies._measured["a/one", True].last) == MAX_STREAMS


def test_old_streams_are_forgotten_one_by_one() -> None:
    latencies = streams(*[100.0] * LEAST_STREAMS)
    streams(*[200.0] * (LEAST_STREAMS - 1), now_s=10.0, latencies=latencies)

    assert latencies.p95_ms("a/one", now_s=FORGOTTEN_S) == 200.0
    assert latencies.p95_ms("a/one", now_s=FORGOTTEN_S + 1) is None


def test_plain_answers_and_failures_do_not_show_when_a_stream_begins() -> None:
    latencies = streams(*[100.0] * LEAST_STREAMS)
    for _ in range(MAX_STREAMS):
        latencies.note("a/one", 9_000.0, stream=False, answered=True, now_s=0.0)
        latencies.note("a/one", 1.0, stream=True, answered=False, now_s=0.0)

    assert latencies.p95_ms("a/one", now_s=0.0) == 100.0


def test_the_p95_is_unknown_if_more_than_one_in_twenty_took_too_long() -> None:
    latencies = streams(*[100.0] * LEAST_STREAMS)
    too_slow(latencies, 1)
    assert latencies.p95_ms("a/one", now_s=0.0) == 100.0

    too_slow(latencies, 1)
    assert latencies.p95_ms("a/one", now_s=0.0) is None
