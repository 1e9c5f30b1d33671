"""Tries every order of what can happen between isolates and their coordinator."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.support.isolates import Isolates

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
COUNT = 3
ISOLATES = st.integers(0, COUNT - 1)
EVENTS = st.one_of(
    st.tuples(st.just("begin"), ISOLATES, st.integers(0, 400)),
    st.tuples(st.just("end"), ISOLATES, st.integers(0, 400)),
    st.tuples(st.just("settle"), ISOLATES, st.integers(0, 1)),
    st.tuples(st.just("late"), ISOLATES, st.just(0)),
    st.tuples(st.just("crash"), ISOLATES, st.just(0)),
    st.tuples(st.just("restart"), ISOLATES, st.just(0)),
    st.tuples(st.just("wait"), ISOLATES, st.sampled_from((10, 21_000, 600_000, HOUR_MS + 30_000, DAY_MS))),
)


def happen(isolates: Isolates, kind: str, isolate: int, amount: int) -> None:
    if kind == "begin":
        isolates.begin(isolate, amount)
    elif kind == "end":
        isolates.end(min(amount, isolates.in_flight[0].held) if len(isolates.in_flight) == 1 else None)
    elif kind == "settle":
        isolates.settle(isolate, give_back=bool(amount))
    elif kind == "late":
        isolates.deliver_late()
    elif kind == "crash":
        isolates.crash(isolate)
    elif kind == "restart":
        isolates.restart()
    elif not isolates.in_flight or amount < HOUR_MS:  # no request lasts longer than an hour
        isolates.wait(amount)


@given(
    events=st.lists(EVENTS, max_size=60),
    seed=st.integers(0, 1_000),
    faults=st.sampled_from((0.0, 0.3, 0.6)),
    begins_ms=st.sampled_from((0, 15 * HOUR_MS, 16 * DAY_MS + 15 * HOUR_MS + 59 * 60_000)),
)
def test_no_order_of_events_lets_more_be_spent_than_a_budget_allows(
    events: list[tuple[str, int, int]], seed: int, faults: float, begins_ms: int
) -> None:
    isolates = Isolates(
        limits={"day": 1_000, "month": 1_500, "session": 2_500},
        random=Random(seed),  # noqa: S311  # a test repeats its numbers
        count=COUNT,
        faults=faults,
    )
    isolates.now_ms += begins_ms
    for event in events:
        happen(isolates, *event)
    assert not isolates.over

    # Once everything is reported or written off, no less counts than was billed.
    isolates.finish()
    isolates.wait(3 * HOUR_MS)
    isolates.settle(0)
    assert isolates.counted("session") >= isolates.billed.get("session", 0)
    if not any(kind == "crash" for kind, _, _ in events):
        assert isolates.counted("session") <= 2_500


@given(events=st.lists(EVENTS, max_size=60), seed=st.integers(0, 1_000))
def test_without_a_crash_what_counts_is_what_was_billed(
    events: list[tuple[str, int, int]], seed: int
) -> None:
    isolates = Isolates(
        limits={"session": 100_000},
        random=Random(seed),  # noqa: S311  # a test repeats its numbers
        count=COUNT,
        faults=0.3,
    )
    for kind, isolate, amount in events:
        if kind != "crash" and amount < HOUR_MS:
            happen(isolates, kind, isolate, amount)
    isolates.finish()

    assert isolates.counted("session") == isolates.billed.get("session", 0)
    assert isolates.held() == 0
