"""Tries to break a budget: many isolates, faults of every kind, and a clock that passes midnights."""

from random import Random

import pytest

from gateway.coordination.call_rate import SLOT_MS, WINDOW_MS
from gateway.coordination.grants import SLICE_PART
from tests.support.isolates import Isolates

DAY_MS = 86_400_000


def act(isolates: Isolates, random: Random, most: int) -> None:
    """Let one thing happen."""
    isolate = random.randrange(isolates.count)
    chance = random.random()
    if chance < 0.55:
        isolates.begin(isolate, random.randint(0, most))
    elif chance < 0.80:
        isolates.end()
    elif chance < 0.90:
        isolates.settle(isolate, give_back=random.random() < 0.5)
    elif chance < 0.94:
        isolates.deliver_late()
    elif chance < 0.95:
        isolates.crash(isolate)
    elif chance < 0.96:
        isolates.restart()
    else:
        isolates.wait(random.choice((50, 1_000, 15_000, 30_000, 600_000)))


@pytest.mark.parametrize("seed", range(3))
def test_fifty_isolates_with_faults_never_spend_a_micro_dollar_too_much(seed: int) -> None:
    random = Random(seed)  # noqa: S311  # a test repeats its numbers
    isolates = Isolates(limits={"day": 60_000, "month": 90_000}, random=random, count=50, faults=0.15)
    isolates.now_ms += 16 * DAY_MS + 15 * 3_600_000  # an hour before the end of January
    requests = 0
    while requests < 2_000:
        before = len(isolates.begun) + len(isolates.refusals)
        act(isolates, random, 900)
        requests += len(isolates.begun) + len(isolates.refusals) - before

    assert not isolates.over
    assert len(isolates.begun) > 100
    assert {"budget_spent", "budget_in_flight"} & {*isolates.refusals}


@pytest.mark.parametrize("seed", range(4))
def test_without_crashes_the_coordinator_counts_exactly_what_was_billed(seed: int) -> None:
    random = Random(seed)  # noqa: S311  # a test repeats its numbers
    isolates = Isolates(limits={"session": 10_000_000}, random=random, count=8, faults=0.2)
    for _ in range(600):
        isolates.begin(random.randrange(8), random.randint(0, 5_000))
        if random.random() < 0.6:
            isolates.end()
        if random.random() < 0.2:
            isolates.settle(random.randrange(8), give_back=random.random() < 0.5)
        if random.random() < 0.1:
            isolates.deliver_late()
            isolates.wait(random.choice((10, 5_000, 25_000)))
    isolates.finish()

    assert isolates.counted("session") == isolates.billed["session"]
    assert isolates.held() == 0


def test_what_a_crashed_isolate_held_counts_as_spent_after_an_hour_and_never_less_than_was_billed() -> None:
    random = Random(1)  # noqa: S311  # a test repeats its numbers
    isolates = Isolates(limits={"session": 1_000_000}, random=random, count=4)
    for _ in range(40):
        isolates.begin(random.randrange(4), 500)
    isolates.crash(0)
    held = isolates.held()
    isolates.finish()
    assert 0 < isolates.held() < held

    isolates.wait(2 * 3_600_000)
    isolates.settle(1)
    assert isolates.held() == 0
    assert isolates.counted("session") >= isolates.billed["session"]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_a_minute_has_no_more_requests_than_the_limit_and_shared_than_what_is_leased(
    seed: int, strict: bool
) -> None:
    random = Random(seed)  # noqa: S311  # a test repeats its numbers
    limit, count = 40, 6
    isolates = Isolates(limits={}, per_minute=limit, random=random, count=count, strict=strict, faults=0.1)
    for _ in range(700):
        isolates.begin(random.randrange(count), 0)
        isolates.end()
        isolates.wait(random.choice((0, 20, 100, 1_000)))
        if random.random() < 0.05:
            isolates.settle(random.randrange(count), give_back=True)

    most = limit if strict else limit + count * limit // SLICE_PART
    busiest = max(
        sum(begun <= each < begun + WINDOW_MS - SLOT_MS for each in isolates.begun)
        for begun in isolates.begun
    )
    assert limit / 2 < busiest <= most
    assert "too_many_requests" in isolates.refusals


@pytest.mark.parametrize("seed", range(3))
def test_no_more_requests_are_in_flight_than_a_key_may_have_and_none_is_lost(seed: int) -> None:
    random = Random(seed)  # noqa: S311  # a test repeats its numbers
    isolates = Isolates(limits={}, concurrent=4, random=random, count=6, faults=0.15)
    for _ in range(600):
        isolate = random.randrange(6)
        isolates.begin(isolate, 0)
        assert len(isolates.in_flight) <= 4
        if random.random() < 0.5:
            isolates.end()
        isolates.settle(isolate)
        if random.random() < 0.1:
            isolates.deliver_late()

    isolates.finish()
    assert isolates.storage.rows("SELECT sum(busy) AS busy FROM grants")[0]["busy"] == 0
    assert "too_many_at_once" in isolates.refusals


@pytest.mark.parametrize("seed", range(3))
def test_shared_exceeds_a_budget_by_no_more_than_what_was_spent_without_a_coordinator(seed: int) -> None:
    """The formula of docs/coordination.md: the excess is at most what went on while nobody answered."""
    random = Random(seed)  # noqa: S311  # a test repeats its numbers
    isolates = Isolates(limits={"session": 50_000}, random=random, count=10, strict=False, faults=0.1)
    alone = 0
    while len(isolates.begun) < 400 and isolates.counted("session") < 50_000:
        isolate, hold = random.randrange(10), random.randint(0, 900)
        if not isolates.begin(isolate, hold) and random.random() < 0.05:
            ticket = isolates.new_id()
            isolates.allowances[isolate].ask(isolates.new_id(), ticket, isolates.now_s)
            isolates.bill(hold)
            isolates.allowances[isolate].end(ticket, hold)
            alone += hold
        isolates.end()
        isolates.settle(isolate, give_back=random.random() < 0.5)
    isolates.finish()

    assert isolates.billed["session"] <= 50_000 + alone
    assert isolates.counted("session") == isolates.billed["session"]


@pytest.mark.parametrize("seed", range(3))
def test_shared_exceeds_a_budget_by_no_more_than_the_estimates_of_requests_in_flight_fall_short(
    seed: int,
) -> None:
    random = Random(seed)  # noqa: S311  # a test repeats its numbers
    limit, beyond, count, most_in_flight = 3_000, 50, 10, 0
    isolates = Isolates(limits={"session": limit}, random=random, count=count, strict=False)
    for _ in range(1_000):
        isolates.begin(random.randrange(count), random.randint(1, 40))
        most_in_flight = max(most_in_flight, len(isolates.in_flight))
        if random.random() < 0.5 and isolates.in_flight:
            isolate = isolates.end(beyond=beyond)
            isolates.settle(isolate)
    while isolates.in_flight:
        isolates.end(beyond=beyond)

    assert limit < isolates.billed["session"] <= limit + (most_in_flight + count) * beyond
