"""Tests what an isolate does with what it was granted."""

from gateway.coordination.allowance import MAX_UNREPORTED, Allowance
from gateway.coordination.messages import Granted

NOW_S = 1_800_000_000.0


def allowance(granted: Granted, *, ticket: str = "one") -> Allowance:
    made = Allowance()
    made.use(made.ask("g-one", ticket, NOW_S), granted, counts=True, is_limited=False)
    return made


def test_a_lease_serves_other_requests_until_it_ends() -> None:
    made = allowance(Granted(micros=100, requests=1, for_ms=20_000))
    assert made.begin("two", needs_money=True, needs_count=False, now_s=NOW_S + 19)
    assert not made.begin("two", needs_money=True, needs_count=False, now_s=NOW_S + 20)
    assert made.take("two", 60, NOW_S + 19) == 0
    assert made.take("three", 60, NOW_S + 19) == 20  # as much as there is
    assert made.free("four", NOW_S + 19) == 0
    made.end("two", 0)
    assert made.take("three", 60, NOW_S + 20) == 20


def test_a_grant_that_is_no_lease_serves_its_own_request_only() -> None:
    made = allowance(Granted(micros=100))
    assert not made.begin("two", needs_money=True, needs_count=False, now_s=NOW_S)
    assert made.take("two", 60, NOW_S) == 60
    assert made.take("one", 60, NOW_S + 100) == 0


def test_a_grant_whose_request_has_ended_before_the_answer_is_not_used() -> None:
    made = Allowance()
    grant = made.ask("g-one", "one", NOW_S)
    made.end("one", 0)
    [report] = made.reports()
    assert (report.spent, report.held) == (0, 0)

    made.use(grant, Granted(micros=100, for_ms=20_000), counts=True, is_limited=True)
    assert made.free("two", NOW_S) == 0
    assert (made.reports()[0].held, made.reports()[0].busy) == (0, False)


def test_a_request_that_costs_more_than_it_held_is_reported_with_what_it_cost() -> None:
    made = allowance(Granted(micros=100))
    made.take("one", 60, NOW_S)
    made.end("one", 250)

    [report] = made.reports()
    assert (report.spent, report.held) == (250, 0)


def test_a_request_without_an_answer_is_reported_with_what_it_cost() -> None:
    made = Allowance()
    made.ask("g-one", "one", NOW_S)
    made.end("one", 70)

    [report] = made.reports()
    assert (report.id, report.spent) == ("g-one", 70)


def test_what_changes_while_a_report_is_on_its_way_is_reported_again() -> None:
    made = allowance(Granted(micros=100, for_ms=20_000))
    made.take("one", 40, NOW_S)
    made.take("two", 40, NOW_S)
    made.end("one", 10)
    first = made.reports()
    made.end("two", 20)
    second = made.reports()
    made.confirm(first)
    assert made.is_due
    made.confirm(second)
    made.confirm(first)
    assert not made.is_due

    made.end_leases(NOW_S, give_back=True)
    made.confirm(made.reports())
    assert not made.grants


def test_a_report_that_failed_is_made_again_with_a_higher_number() -> None:
    made = allowance(Granted(micros=100))
    made.end("one", 10)
    assert [each.number for _ in range(3) for each in made.reports()] == [1, 2, 3]


def test_requests_that_were_leased_and_not_made_are_given_back() -> None:
    made = allowance(Granted(requests=5, for_ms=20_000))
    assert made.begin("two", needs_money=False, needs_count=True, now_s=NOW_S)
    made.end_leases(NOW_S + 20, give_back=False)

    [report] = made.reports()
    assert report.unused == 3


def test_an_isolate_keeps_a_limited_number_of_reports_while_nobody_answers() -> None:
    made = Allowance()
    for index in range(MAX_UNREPORTED + 500):
        made.ask(f"g-{index}", f"t-{index}", NOW_S)
        made.end(f"t-{index}", 1)
        made.reports()

    assert len(made.grants) <= MAX_UNREPORTED + 1


def test_what_a_request_costs_beyond_its_hold_is_paid_by_all_that_is_free() -> None:
    made = allowance(Granted(micros=100, for_ms=20_000))
    made.use(
        made.ask("g-two", "two", NOW_S), Granted(micros=100, for_ms=20_000), counts=True, is_limited=False
    )
    made.take("two", 60, NOW_S)
    made.end("two", 190)

    assert made.free("three", NOW_S) == 10
