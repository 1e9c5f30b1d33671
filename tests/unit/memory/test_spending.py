import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.memory.spending import FRESH_S, MAX_HELD_S, MAX_REMEMBERED, Spending

DAY, MONTH = "2027-01-15", "2027-01"
NOW_S = 1_800_000_000.0  # 2027-01-15T08:00:00Z
TOMORROW_S = NOW_S + 86_400


def read(budgets: Spending, micros: int, *, at_s: float = NOW_S) -> None:
    budgets.begin_reading("one", now_s=at_s, until_s=at_s + 1)
    budgets.end_reading("one", {DAY: micros, MONTH: micros}, begun_at_s=at_s)


def spent(budgets: Spending, *, now_s: float = NOW_S) -> int:
    return budgets.spent("one", "day", now_s=now_s)


def test_a_request_under_way_counts_with_what_is_held_for_it() -> None:
    budgets = Spending()
    read(budgets, 100)
    budgets.hold("one", "t", 50, now_s=NOW_S)
    assert spent(budgets) == 150

    budgets.settle("one", "t", 20, now_s=NOW_S)
    assert spent(budgets) == 120


def test_a_request_that_has_ended_counts_until_a_sum_was_read_that_holds_it() -> None:
    budgets = Spending()
    budgets.settle("one", "t", 20, now_s=NOW_S)
    read(budgets, 0, at_s=NOW_S + 1)
    assert spent(budgets) == 20  # nobody has said that it is written

    budgets.begin_reading("one", now_s=NOW_S + 2, until_s=NOW_S + 3)
    budgets.written("one", "t")
    budgets.end_reading("one", {DAY: 0, MONTH: 0}, begun_at_s=NOW_S + 2)
    assert spent(budgets) == 20  # the reading had begun before

    read(budgets, 20, at_s=NOW_S + 4)
    assert spent(budgets) == 20


def test_a_reading_that_was_overdue_comes_to_nothing() -> None:
    budgets = Spending()
    budgets.begin_reading("one", now_s=NOW_S, until_s=NOW_S + 1)
    budgets.settle("one", "t", 20, now_s=NOW_S)
    budgets.written("one", "t")
    budgets.begin_reading("one", now_s=NOW_S + 1, until_s=NOW_S + 2)
    budgets.end_reading("one", {DAY: 0, MONTH: 0}, begun_at_s=NOW_S)
    assert spent(budgets) == 20

    budgets.end_reading("one", {DAY: 20, MONTH: 20}, begun_at_s=NOW_S + 1)
    assert spent(budgets) == 20


@pytest.mark.parametrize("end", ["failed", "dropped"])
def test_a_reading_that_came_to_nothing_leaves_what_it_would_have_held(end: str) -> None:
    budgets = Spending()
    budgets.settle("one", "t", 20, now_s=NOW_S)
    budgets.written("one", "t")
    budgets.begin_reading("one", now_s=NOW_S, until_s=NOW_S + 1)
    if end == "failed":
        budgets.end_reading("one", None, begun_at_s=NOW_S)
    else:
        budgets.drop_reading("one")
    assert spent(budgets) == 20

    read(budgets, 20, at_s=NOW_S + 20)
    assert spent(budgets) == 20


def settle_many(budgets: Spending, count: int, *, written: bool) -> None:
    for number in range(count):
        budgets.settle("one", str(number), 10, now_s=NOW_S)
        if written:
            budgets.written("one", str(number))


def test_without_a_ledger_nothing_that_was_spent_is_forgotten() -> None:
    budgets = Spending()
    settle_many(budgets, 3 * MAX_REMEMBERED, written=False)

    assert spent(budgets) == 30 * MAX_REMEMBERED
    assert budgets.spent("one", "month", now_s=TOMORROW_S) == 30 * MAX_REMEMBERED
    assert len(budgets._account("one").unwritten) == MAX_REMEMBERED


def test_a_sum_takes_the_place_of_all_that_it_holds_however_much_it_is() -> None:
    budgets = Spending()
    settle_many(budgets, 3 * MAX_REMEMBERED, written=True)
    assert spent(budgets) == 30 * MAX_REMEMBERED

    read(budgets, 30 * MAX_REMEMBERED)
    assert spent(budgets) == 30 * MAX_REMEMBERED


def test_what_a_ledger_that_came_back_never_got_still_counts_and_once() -> None:
    budgets = Spending()
    settle_many(budgets, 2 * MAX_REMEMBERED, written=False)
    budgets.settle("one", "t", 7, now_s=NOW_S)
    budgets.written("one", "t")

    for at_s in (NOW_S, NOW_S + FRESH_S):
        read(budgets, 7, at_s=at_s)
        assert spent(budgets) == 20 * MAX_REMEMBERED + 7


def test_a_request_that_is_written_too_late_to_be_known_counts_twice_and_never_less() -> None:
    budgets = Spending()
    settle_many(budgets, MAX_REMEMBERED + 1, written=False)
    budgets.written("one", "0")

    read(budgets, 10)
    assert spent(budgets) == 10 * MAX_REMEMBERED + 20


def test_months_that_are_over_are_forgotten() -> None:
    budgets = Spending()
    for day in range(1_000):
        budgets.settle("one", str(day), 10, now_s=NOW_S + day * 86_400)
        budgets.written("one", str(day))
        budgets.begin_reading("one", now_s=NOW_S, until_s=NOW_S)

    account = budgets._account("one")
    assert max(map(len, (account.ended, account.written, account.in_reading))) <= 32


STEPS = ["settle", "write", "lose", "begin", "end", "fail", "next day"]


@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 9)), max_size=60))
def test_what_counts_is_what_was_spent_whatever_the_ledger_holds_and_says(
    steps: list[tuple[str, int]],
) -> None:
    budgets, now_s, total, in_ledger = Spending(), NOW_S, 0, 0
    unwritten: list[tuple[str, int]] = []
    sums: dict[str, int] | None = None
    for number, (step, micros) in enumerate(steps):
        if step == "settle":
            budgets.settle("one", str(number), micros, now_s=now_s)
            unwritten.append((str(number), micros))
            total += micros
        elif step == "write" and unwritten:
            ticket, cost_micros = unwritten.pop(0)
            in_ledger += cost_micros
            budgets.written("one", ticket)
        elif step == "lose" and unwritten:
            unwritten.pop(0)
        elif step == "begin":
            budgets.begin_reading("one", now_s=now_s, until_s=now_s + 1)
            sums = {MONTH: in_ledger}
        elif step in ("end", "fail"):
            budgets.end_reading("one", sums if step == "end" else None, begun_at_s=now_s)
            sums = None
        elif step == "next day":
            now_s = min(now_s + 86_400, NOW_S + 15 * 86_400)
        assert budgets.spent("one", "month", now_s=now_s) == total


def test_keys_are_counted_apart() -> None:
    budgets = Spending()
    budgets.hold("two", "t", 50, now_s=NOW_S)

    assert spent(budgets) == 0


def test_what_ended_yesterday_counts_for_the_month_alone() -> None:
    budgets = Spending()
    budgets.settle("one", "t", 20, now_s=NOW_S)

    assert spent(budgets, now_s=TOMORROW_S) == 0
    assert budgets.spent("one", "month", now_s=TOMORROW_S) == 20


def test_a_request_whose_end_nobody_noticed_frees_what_it_held() -> None:
    budgets = Spending()
    budgets.hold("one", "t", 50, now_s=NOW_S)

    assert spent(budgets, now_s=NOW_S + MAX_HELD_S - 1) == 50
    assert spent(budgets, now_s=NOW_S + MAX_HELD_S) == 0


def test_sums_are_read_again_once_they_are_old_and_by_one_request() -> None:
    budgets = Spending()
    assert budgets.is_due("one", now_s=NOW_S)
    budgets.begin_reading("one", now_s=NOW_S, until_s=NOW_S + 1)
    assert not budgets.is_due("one", now_s=NOW_S)
    assert budgets.is_first_read("one", now_s=NOW_S)

    budgets.end_reading("one", {}, begun_at_s=NOW_S)
    assert not budgets.is_first_read("one", now_s=NOW_S)
    assert not budgets.is_due("one", now_s=NOW_S + FRESH_S - 1)
    assert budgets.is_due("one", now_s=NOW_S + FRESH_S)


def test_a_reader_that_vanished_holds_nobody_up() -> None:
    budgets = Spending()
    budgets.begin_reading("one", now_s=NOW_S, until_s=NOW_S + 1)

    assert not budgets.is_first_read("one", now_s=NOW_S + 1)
    assert budgets.is_due("one", now_s=NOW_S + 1)


def test_a_sum_that_could_not_be_read_leaves_the_one_before() -> None:
    budgets = Spending()
    read(budgets, 70)
    budgets.end_reading("one", None, begun_at_s=NOW_S + 20)

    assert spent(budgets) == 70
