import pytest

from gateway.faults.fault import Fault
from gateway.memory.latencies import FAILED_MS, FORGOTTEN_S, MAX_MODELS, Latencies


def note(pace: Latencies, ms: float, *, answered: bool = True, now_s: float = 0.0) -> None:
    pace.note("a/one", ms, stream=False, answered=answered, now_s=now_s)


def ms_of(pace: Latencies, *, now_s: float = 0.0) -> float | None:
    return pace.ms("a/one", stream=False, now_s=now_s)


def test_what_has_not_been_measured_is_not_known() -> None:
    assert ms_of(Latencies()) is None


def test_later_measurements_move_the_average() -> None:
    pace = Latencies()
    note(pace, 100.0)
    note(pace, 200.0)

    assert ms_of(pace) == 130.0


def test_an_error_that_comes_at_once_is_not_fast() -> None:
    pace = Latencies()
    note(pace, 1.0, answered=False)

    assert ms_of(pace) == FAILED_MS


def test_streams_and_plain_answers_are_measured_apart() -> None:
    pace = Latencies()
    note(pace, 100.0)

    assert pace.ms("a/one", stream=True, now_s=0.0) is None


def test_a_measurement_is_forgotten_so_that_a_model_gets_another_chance() -> None:
    pace = Latencies()
    note(pace, 1.0, answered=False)
    assert ms_of(pace, now_s=FORGOTTEN_S) == FAILED_MS
    assert ms_of(pace, now_s=FORGOTTEN_S + 1) is None

    note(pace, 100.0, now_s=FORGOTTEN_S + 1)
    assert ms_of(pace, now_s=FORGOTTEN_S + 1) == 100.0


def test_the_model_that_was_measured_longest_ago_makes_room() -> None:
    pace = Latencies()
    note(pace, 1.0)
    for number in range(MAX_MODELS):
        pace.note(f"m/{number}", 1.0, stream=False, answered=True, now_s=0.0)

    assert ms_of(pace) is None
    assert pace.ms("m/0", stream=False, now_s=0.0) == 1.0


@pytest.mark.parametrize(
    "code", ["rejected_by_provider", "flagged_by_moderation", "upstream_key_rejected", "no_endpoints"]
)
def test_what_the_request_or_an_account_is_refused_for_is_no_slowness(code: str) -> None:
    assert not Fault(code=code).is_slowness


@pytest.mark.parametrize(
    "code", ["attempt_timeout", "first_token_timeout", "overloaded", "rate_limited", "provider_error"]
)
def test_a_model_that_keeps_waiting_or_breaks_is_slow(code: str) -> None:
    assert Fault(code=code).is_slowness
