import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.memory.spending import (
    FRESH_S,
    MAX_HELD_S,
    MAX_LOOKED_FOR,
    MAX_REMEMBERED,
    MIN_REREAD_S,
    Spending,
)

DAY, MONTH = "2027-01-15", "2027-01"
NOW_S = 1_800_000_000.0  # 2027-01-15T08:00:00Z
TOMORROW_S = NOW_S + 86_400


def read(spending: Spending, micros: int, *, at_s: float = NOW_S) -> None:
    spending.begin_reading("one", now_s=at_s, until_s=at_s + 1)
    spending.end_reading("one", {DAY: micros, MONTH: micros}, begun_at_s=at_s)


def spent(spending: Spending, *, now_s: float = NOW_S) -> int:
    return spending.spent("one", "day", now_s=now_s)


def test_a_request_in_flight_counts_with_the_amount_held_for_it() -> None:
    spending = Spending()
    read(spending, 100)
    spending.hold("one", "t", 50, now_s=NOW_S)
    assert (spent(spending), spending.held("one", now_s=NOW_S)) == (100, 50)
    assert spending.held("one", now_s=NOW_S, but="t") == 0

    spending.settle("one", "t", 20, now_s=NOW_S)
    assert spent(spending) == 120


def test_a_request_whose_end_is_never_reported_counts_at_the_most_that_it_may_cost() -> None:
    spending = Spending()
    spending.hold("one", "t", 50, worst_micros=900, now_s=NOW_S)
    assert spending.held("one", now_s=NOW_S) == 50

    over_s = NOW_S + MAX_HELD_S
    assert (spent(spending, now_s=over_s), spending.held("one", now_s=over_s)) == (900, 0)
    spending.settle("one", "t", 70, now_s=over_s)
    assert spent(spending, now_s=over_s) == 70


def test_what_other_isolates_hold_is_not_spent_and_is_read_again_after_a_refusal() -> None:
    spending = Spending()
    spending.begin_reading("one", now_s=NOW_S, until_s=NOW_S + 1)
    spending.end_reading("one", {DAY: 100, MONTH: 100}, begun_at_s=NOW_S, reserved={DAY: 30, MONTH: 40})

    assert spent(spending) == 100
    assert [spending.reserved("one", span, now_s=NOW_S) for span in ("day", "month")] == [30, 40]
    assert spending.reserved("one", "day", now_s=TOMORROW_S) == 0
    soon_s = NOW_S + MIN_REREAD_S
    assert not spending.is_due("one", now_s=soon_s, left_micros=1_000)
    spending.doubt("one")
    assert not spending.is_due("one", now_s=soon_s - 0.01, left_micros=1_000)
    assert spending.is_due("one", now_s=soon_s, left_micros=1_000)
    read(spending, 100, at_s=soon_s)
    assert not spending.is_due("one", now_s=soon_s + MIN_REREAD_S, left_micros=1_000)


def test_a_refusal_because_of_this_isolates_own_requests_is_no_reason_to_read_again() -> None:
    spending = Spending()
    read(spending, 100)
    spending.doubt("one")

    assert not spending.is_due("one", now_s=NOW_S + MIN_REREAD_S, left_micros=1_000)


def test_an_ended_request_counts_until_a_sum_that_includes_it_was_read() -> None:
    spending = Spending()
    spending.settle("one", "t", 20, now_s=NOW_S)
    read(spending, 0, at_s=NOW_S + 1)
    assert spent(spending) == 20  # its row is not reported as written

    spending.begin_reading("one", now_s=NOW_S + 2, until_s=NOW_S + 3)
    spending.written("one", "t")
    spending.end_reading("one", {DAY: 0, MONTH: 0}, begun_at_s=NOW_S + 2)
    assert spent(spending) == 20  # the reading had begun before the row was written

    read(spending, 20, at_s=NOW_S + 4)
    assert spent(spending) == 20


def test_an_overdue_reading_is_ignored() -> None:
    spending = Spending()
    spending.begin_reading("one", now_s=NOW_S, until_s=NOW_S + 1)
    spending.settle("one", "t", 20, now_s=NOW_S)
    spending.written("one", "t")
    spending.begin_reading("one", now_s=NOW_S + 1, until_s=NOW_S + 2)
    spending.end_reading("one", {DAY: 0, MONTH: 0}, begun_at_s=NOW_S)
    assert spent(spending) == 20

    spending.end_reading("one", {DAY: 20, MONTH: 20}, begun_at_s=NOW_S + 1)
    assert spent(spending) == 20


@pytest.mark.parametrize("end", ["failed", "dropped"])
def test_after_a_reading_without_a_result_its_requests_still_count(end: str) -> None:
    spending = Spending()
    spending.settle("one", "t", 20, now_s=NOW_S)
    spending.written("one", "t")
    spending.begin_reading("one", now_s=NOW_S, until_s=NOW_S + 1)
    if end == "failed":
        spending.end_reading("one", None, begun_at_s=NOW_S)
    else:
        spending.drop_reading("one")
    assert spent(spending) == 20

    read(spending, 20, at_s=NOW_S + 20)
    assert spent(spending) == 20


def settle_many(spending: Spending, count: int, *, written: bool) -> None:
    for number in range(count):
        spending.settle("one", str(number), 10, now_s=NOW_S)
        if written:
            spending.written("one", str(number))


def test_without_a_ledger_all_spending_still_counts() -> None:
    spending = Spending()
    settle_many(spending, 3 * MAX_REMEMBERED, written=False)

    assert spent(spending) == 30 * MAX_REMEMBERED
    assert spending.spent("one", "month", now_s=TOMORROW_S) == 30 * MAX_REMEMBERED
    assert len(spending._account("one").unwritten) == MAX_REMEMBERED


def test_a_sum_replaces_all_requests_that_it_includes_however_many() -> None:
    spending = Spending()
    settle_many(spending, 3 * MAX_REMEMBERED, written=True)
    assert spent(spending) == 30 * MAX_REMEMBERED

    read(spending, 30 * MAX_REMEMBERED)
    assert spent(spending) == 30 * MAX_REMEMBERED


def test_requests_that_a_recovered_ledger_never_received_count_once() -> None:
    spending = Spending()
    settle_many(spending, 2 * MAX_REMEMBERED, written=False)
    spending.settle("one", "t", 7, now_s=NOW_S)
    spending.written("one", "t")

    for at_s in (NOW_S, NOW_S + FRESH_S):
        read(spending, 7, at_s=at_s)
        assert spent(spending) == 20 * MAX_REMEMBERED + 7


def test_a_request_that_is_written_after_its_entry_was_dropped_counts_twice() -> None:
    spending = Spending()
    settle_many(spending, MAX_REMEMBERED + 1, written=False)
    spending.written("one", "0")

    read(spending, 10)
    assert spent(spending) == 10 * MAX_REMEMBERED + 20


def test_amounts_of_past_months_are_forgotten() -> None:
    spending = Spending()
    for day in range(1_000):
        spending.settle("one", str(day), 10, now_s=NOW_S + day * 86_400)
        spending.written("one", str(day))
        spending.begin_reading("one", now_s=NOW_S, until_s=NOW_S)

    account = spending._account("one")
    assert max(map(len, (account.ended, account.written, account.in_reading))) <= 32


STEPS = ["settle", "write", "lose", "begin", "end", "fail", "next day"]


@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 9)), max_size=60))
def test_the_count_equals_the_spending_whatever_the_ledger_has_and_returns(
    steps: list[tuple[str, int]],
) -> None:
    spending, now_s, total, in_ledger = Spending(), NOW_S, 0, 0
    unwritten: list[tuple[str, int]] = []
    sums: dict[str, int] | None = None
    for number, (step, micros) in enumerate(steps):
        if step == "settle":
            spending.settle("one", str(number), micros, now_s=now_s)
            unwritten.append((str(number), micros))
            total += micros
        elif step == "write" and unwritten:
            ticket, cost_micros = unwritten.pop(0)
            in_ledger += cost_micros
            spending.written("one", ticket)
        elif step == "lose" and unwritten:
            unwritten.pop(0)
        elif step == "begin":
            spending.begin_reading("one", now_s=now_s, until_s=now_s + 1)
            sums = {MONTH: in_ledger}
        elif step in ("end", "fail"):
            spending.end_reading("one", sums if step == "end" else None, begun_at_s=now_s)
            sums = None
        elif step == "next day":
            now_s = min(now_s + 86_400, NOW_S + 15 * 86_400)
        assert spending.spent("one", "month", now_s=now_s) == total


def test_keys_are_counted_apart() -> None:
    spending = Spending()
    spending.hold("two", "t", 50, now_s=NOW_S)

    assert spent(spending) == 0


def test_a_request_that_ended_yesterday_counts_only_for_the_month() -> None:
    spending = Spending()
    spending.settle("one", "t", 20, now_s=NOW_S)

    assert spent(spending, now_s=TOMORROW_S) == 0
    assert spending.spent("one", "month", now_s=TOMORROW_S) == 20


def test_a_request_whose_end_is_never_reported_counts_as_spent_at_the_amount_held() -> None:
    spending = Spending()
    spending.hold("one", "t", 50, now_s=NOW_S)

    assert (spent(spending), spending.held("one", now_s=NOW_S)) == (0, 50)
    over_s = NOW_S + MAX_HELD_S
    assert (spent(spending, now_s=over_s), spending.held("one", now_s=over_s)) == (50, 0)


def test_a_request_that_ends_after_it_was_counted_as_spent_counts_once_with_its_cost() -> None:
    spending = Spending()
    spending.hold("one", "t", 50, now_s=NOW_S)
    assert spent(spending, now_s=NOW_S + MAX_HELD_S) == 50

    spending.settle("one", "t", 20, now_s=NOW_S + MAX_HELD_S + 1)
    assert spent(spending, now_s=NOW_S + MAX_HELD_S + 1) == 20


def test_a_row_whose_write_was_given_up_counts_once_when_a_reading_finds_it() -> None:
    spending = Spending()
    spending.settle("one", "t", 20, now_s=NOW_S)
    spending.give_up("one", "t")
    assert spending.looked_for("one") == ["t"]

    spending.begin_reading("one", now_s=NOW_S, until_s=NOW_S + 1)
    spending.end_reading("one", {DAY: 20, MONTH: 20}, begun_at_s=NOW_S, found=("t",))
    assert spent(spending) == 20
    assert spending.looked_for("one") == []


def test_sums_are_read_again_once_a_fiftieth_of_what_was_left_is_used() -> None:
    spending = Spending()
    read(spending, 0)
    spending.hold("one", "t", 20, now_s=NOW_S)
    assert not spending.is_due("one", now_s=NOW_S + MIN_REREAD_S, left_micros=980)

    spending.hold("one", "t", 21, now_s=NOW_S)
    assert spending.is_due("one", now_s=NOW_S + MIN_REREAD_S, left_micros=979)
    assert not spending.is_due("one", now_s=NOW_S, left_micros=979)


def test_old_sums_are_read_again_by_one_request() -> None:
    spending = Spending()
    assert spending.is_due("one", now_s=NOW_S, left_micros=1_000)
    spending.begin_reading("one", now_s=NOW_S, until_s=NOW_S + 1)
    assert not spending.is_due("one", now_s=NOW_S, left_micros=1_000)
    assert spending.is_first_read("one", now_s=NOW_S)

    spending.end_reading("one", {}, begun_at_s=NOW_S)
    assert not spending.is_first_read("one", now_s=NOW_S)
    assert not spending.is_due("one", now_s=NOW_S + FRESH_S - 1, left_micros=1_000)
    assert spending.is_due("one", now_s=NOW_S + FRESH_S, left_micros=1_000)


def test_a_clock_that_steps_back_makes_sums_no_fresher_and_forgets_nothing() -> None:
    spending = Spending()
    spending.begin_reading("one", now_s=NOW_S, until_s=NOW_S + 1)
    spending.end_reading("one", {}, begun_at_s=NOW_S)
    spending.hold("one", "held", 300, now_s=NOW_S)
    spending.settle("one", "ended", 500, now_s=NOW_S)

    assert spending.is_due("one", now_s=NOW_S - 60, left_micros=10_000)
    assert spending.spent("one", "day", now_s=NOW_S - 60) == 500
    assert spending.held("one", now_s=NOW_S - 60) == 300


def test_an_overdue_reading_does_not_block_other_requests() -> None:
    spending = Spending()
    spending.begin_reading("one", now_s=NOW_S, until_s=NOW_S + 1)

    assert not spending.is_first_read("one", now_s=NOW_S + 1)
    assert spending.is_due("one", now_s=NOW_S + 1, left_micros=1_000)


def test_after_a_failed_reading_the_previous_sum_stays() -> None:
    spending = Spending()
    read(spending, 70)
    spending.end_reading("one", None, begun_at_s=NOW_S + 20)

    assert spent(spending) == 70


@pytest.mark.parametrize("marked", ["before its end", "after its end"])
def test_a_row_that_is_written_during_a_reading_which_finds_it_counts_once(marked: str) -> None:
    spending = Spending()
    spending.settle("one", "t", 20, now_s=NOW_S)
    spending.begin_reading("one", now_s=NOW_S, until_s=NOW_S + 1)
    if marked == "before its end":
        spending.written("one", "t")

    spending.end_reading("one", {DAY: 20, MONTH: 20}, begun_at_s=NOW_S, found=("t",))
    assert spent(spending) == 20

    spending.written("one", "t")
    read(spending, 20)
    assert spent(spending) == 20


def test_a_row_that_is_written_during_a_reading_which_does_not_find_it_is_not_forgotten() -> None:
    spending = Spending()
    spending.settle("one", "t", 20, now_s=NOW_S)
    spending.begin_reading("one", now_s=NOW_S, until_s=NOW_S + 1)
    spending.written("one", "t")

    spending.end_reading("one", {DAY: 0, MONTH: 0}, begun_at_s=NOW_S, found=())
    assert spent(spending) == 20

    read(spending, 20)
    assert spent(spending) == 20


def test_a_reading_looks_for_few_rows_and_for_those_first_whose_write_was_given_up() -> None:
    spending = Spending()
    for number in range(MAX_LOOKED_FOR + 5):
        spending.settle("one", f"t{number}", 1, now_s=NOW_S)
    spending.give_up("one", "t3")

    tickets = spending.looked_for("one")
    assert len(tickets) == MAX_LOOKED_FOR
    assert tickets[:2] == ["t3", f"t{MAX_LOOKED_FOR + 4}"]
