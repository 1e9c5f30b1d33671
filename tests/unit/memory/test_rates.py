import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.memory.rates import MAX_KEYS, SLOT_S, WINDOW_S, Rates


def test_a_minute_allows_as_many_requests_as_the_limit() -> None:
    rates = Rates()
    for _ in range(3):
        assert rates.wait_s("one", 3, now_s=0.0) == 0.0
        rates.count("one", now_s=0.0)

    assert rates.wait_s("one", 3, now_s=0.0) > 0


def test_the_requests_of_one_key_do_not_count_for_another() -> None:
    rates = Rates()
    rates.count("one", now_s=0.0)

    assert rates.wait_s("two", 1, now_s=0.0) == 0.0


def test_the_window_slides_so_that_a_burst_at_its_edge_cannot_be_repeated_at_once() -> None:
    rates = Rates()
    for _ in range(10):
        rates.count("one", now_s=WINDOW_S - 1)

    assert rates.used("one", now_s=2 * WINDOW_S - 2) == 10
    assert rates.used("one", now_s=2 * WINDOW_S - 1) == 0


@pytest.mark.parametrize("limit", [1, 2, 3, 60])
def test_a_key_that_calls_exactly_at_its_limit_is_never_refused(limit: int) -> None:
    rates = Rates()
    for number in range(10 * limit):
        now_s = 7.3 + number * WINDOW_S / limit
        assert rates.wait_s("one", limit, now_s=now_s) == 0.0
        rates.count("one", now_s=now_s)


def test_the_memory_of_a_busy_key_is_bounded() -> None:
    rates = Rates()
    for number in range(10_000):
        rates.count("one", now_s=number / 50)

    assert len(rates._traffic["one"].slots) <= WINDOW_S / SLOT_S
    assert rates.used("one", now_s=200.0) == pytest.approx(60 * 50, abs=50 * SLOT_S + 1)


@given(
    limit=st.integers(1, 20),
    gaps=st.lists(st.floats(0, 40, allow_nan=False), min_size=1, max_size=60),
)
def test_after_the_returned_wait_a_request_is_within_the_limit(limit: int, gaps: list[float]) -> None:
    rates, now_s = Rates(), 0.0
    for gap_s in gaps:
        now_s += gap_s
        wait_s = rates.wait_s("one", limit, now_s=now_s)
        assert 0 <= wait_s <= WINDOW_S
        now_s += wait_s + 0.001 if wait_s else 0.0
        assert rates.wait_s("one", limit, now_s=now_s) == 0.0
        rates.count("one", now_s=now_s)
        assert rates.used("one", now_s=now_s) <= limit


def test_requests_in_flight_are_counted_until_they_end() -> None:
    rates = Rates()
    rates.begin("one", "a", now_s=0.0, until_s=100.0)
    rates.begin("one", "b", now_s=0.0, until_s=100.0)
    assert rates.in_flight("one", now_s=0.0) == 2

    rates.end("one", "a")
    rates.end("one", "unknown")
    rates.end("two", "a")
    assert rates.in_flight("one", now_s=0.0) == 1
    assert rates.in_flight("one", now_s=100.0) == 0


def test_requests_that_are_never_ended_do_not_accumulate() -> None:
    rates = Rates()
    for number in range(1_000):
        rates.begin("one", str(number), now_s=number, until_s=number + 10.0)

    assert rates.in_flight("one", now_s=0.0) == 10  # each begin has dropped those that were over


def test_the_key_that_called_longest_ago_is_evicted() -> None:
    rates = Rates()
    for number in range(MAX_KEYS):
        rates.count(str(number), now_s=0.0)
    rates.count("0", now_s=0.0)
    rates.count("new", now_s=0.0)

    assert rates.used("0", now_s=0.0) == 2
    assert rates.used("1", now_s=0.0) == 0
    assert rates.used("new", now_s=0.0) == 1


def test_a_query_about_a_key_stores_nothing() -> None:
    rates = Rates()
    rates.count("one", now_s=0.0)
    for number in range(MAX_KEYS):
        assert rates.used(str(number), now_s=0.0) == rates.in_flight(str(number), now_s=0.0) == 0

    assert rates.used("one", now_s=0.0) == 1
    assert list(rates._traffic) == ["one"]
