from gateway.budgets import FRESH_S, MOST_HELD_S, Budgets

DAY, MONTH = "2027-01-15", "2027-01"
NOW_S = 1_800_000_000.0  # 2027-01-15T08:00:00Z
TOMORROW_S = NOW_S + 86_400


def read(budgets: Budgets, micros: int, *, at_s: float = NOW_S) -> None:
    budgets.begin_reading("one", until_s=at_s + 1)
    budgets.end_reading("one", {DAY: micros, MONTH: micros}, begun_at_s=at_s)


def spent(budgets: Budgets, *, now_s: float = NOW_S) -> int:
    return budgets.spent("one", "day", now_s=now_s)


def test_a_request_under_way_counts_with_the_most_that_it_may_cost() -> None:
    budgets = Budgets()
    read(budgets, 100)
    budgets.hold("one", "t", 50, now_s=NOW_S)
    assert spent(budgets) == 150

    budgets.settle("one", "t", 20, now_s=NOW_S)
    assert spent(budgets) == 120


def test_a_request_that_has_ended_counts_until_a_sum_was_read_that_holds_it() -> None:
    budgets = Budgets()
    budgets.settle("one", "t", 20, now_s=NOW_S)
    read(budgets, 0, at_s=NOW_S + 1)
    assert spent(budgets) == 20  # nobody has said that it is written

    budgets.written("one", "t", now_s=NOW_S + 3)
    read(budgets, 0, at_s=NOW_S + 2)
    assert spent(budgets) == 20  # the sum was read before

    read(budgets, 20, at_s=NOW_S + 4)
    assert spent(budgets) == 20


def test_keys_are_counted_apart() -> None:
    budgets = Budgets()
    budgets.hold("two", "t", 50, now_s=NOW_S)

    assert spent(budgets) == 0


def test_what_ended_yesterday_counts_for_the_month_alone() -> None:
    budgets = Budgets()
    budgets.settle("one", "t", 20, now_s=NOW_S)

    assert spent(budgets, now_s=TOMORROW_S) == 0
    assert budgets.spent("one", "month", now_s=TOMORROW_S) == 20


def test_a_request_whose_end_nobody_noticed_frees_what_it_held() -> None:
    budgets = Budgets()
    budgets.hold("one", "t", 50, now_s=NOW_S)

    assert spent(budgets, now_s=NOW_S + MOST_HELD_S - 1) == 50
    assert spent(budgets, now_s=NOW_S + MOST_HELD_S) == 0


def test_sums_are_read_again_once_they_are_old_and_by_one_request() -> None:
    budgets = Budgets()
    assert budgets.is_due("one", now_s=NOW_S)
    budgets.begin_reading("one", until_s=NOW_S + 1)
    assert not budgets.is_due("one", now_s=NOW_S)
    assert budgets.is_first_read("one", now_s=NOW_S)

    budgets.end_reading("one", {}, begun_at_s=NOW_S)
    assert not budgets.is_first_read("one", now_s=NOW_S)
    assert not budgets.is_due("one", now_s=NOW_S + FRESH_S - 1)
    assert budgets.is_due("one", now_s=NOW_S + FRESH_S)


def test_a_reader_that_vanished_holds_nobody_up() -> None:
    budgets = Budgets()
    budgets.begin_reading("one", until_s=NOW_S + 1)

    assert not budgets.is_first_read("one", now_s=NOW_S + 1)
    assert budgets.is_due("one", now_s=NOW_S + 1)


def test_a_sum_that_could_not_be_read_leaves_the_one_before() -> None:
    budgets = Budgets()
    read(budgets, 70)
    budgets.end_reading("one", None, begun_at_s=NOW_S + 20)

    assert spent(budgets) == 70
