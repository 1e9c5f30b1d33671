"""Tests one coordinator: late, repeated and unknown messages, alarms, and what it tells of cooldowns."""

import json

import pytest

from gateway.coordination.coordinator import Coordinator
from gateway.coordination.grants import LEASE_MS, LIFE_MS, REMEMBERED_MS
from gateway.coordination.message_json import decode_reply, encode
from gateway.coordination.messages import Ask, Cooldown, Granted, Message, Refused, Reply, Report
from tests.support.coordinators import SqliteStorage
from tests.support.isolates import run_now

NOW_MS = 1_800_000_000_000  # 2027-01-15T08:00:00Z
DAY_MS = 86_400_000


class Rig:
    """A coordinator with a clock."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS
        self.storage = SqliteStorage()
        self.coordinator = Coordinator(self.storage, lambda: self.now_ms)

    def ask(self, ask: Ask, **message: object) -> Reply:
        return self.send(Message(ask=ask, **message))  # type: ignore[arg-type]

    def report(self, grant_id: str, number: int, spent: int, *, held: int = 0, at_ms: int = NOW_MS) -> Reply:
        report = Report(id=grant_id, number=number, at_ms=at_ms, spent=spent, held=held)
        return self.send(Message(reports=(report,)))

    def send(self, message: Message) -> Reply:
        return decode_reply(run_now(self.coordinator.admit(encode(message))))

    def ring(self) -> None:
        self.storage.alarm_ms = None
        run_now(self.coordinator.alarm())

    def spent(self) -> int:
        return self.ask(
            Ask(id=f"look-{self.now_ms}-{self.storage.statements}", limits={"session": 10**9}, lease=False)
        ).spent["session"]


def want(grant_id: str, micros: int, limit: int = 1_000, **fields: object) -> Ask:
    return Ask(id=grant_id, limits={"session": limit}, micros=micros, least=micros, lease=False, **fields)  # type: ignore[arg-type]


def test_a_grant_is_held_until_it_is_reported_and_then_counts_as_what_it_cost() -> None:
    rig = Rig()
    assert rig.ask(want("a", 700)).outcome == Granted(micros=700)
    assert rig.ask(want("b", 400)).outcome == Refused(code="budget_in_flight", span="session")
    rig.report("a", 1, 100)

    reply = rig.ask(want("c", 900))
    assert (reply.outcome, reply.spent, reply.held) == (Granted(micros=900), {"session": 100}, 0)
    assert rig.ask(want("d", 901)).outcome == Refused(code="over_budget", span="session")
    rig.report("c", 1, 900)
    assert rig.ask(want("e", 1)).outcome == Refused(code="budget_spent", span="session")


def test_an_older_report_that_arrives_later_changes_nothing() -> None:
    rig = Rig()
    rig.ask(want("a", 700))
    rig.report("a", 2, 300)
    rig.report("a", 1, 100, held=600)
    rig.report("a", 2, 300)

    reply = rig.ask(want("b", 1))
    assert (reply.spent["session"], reply.held) == (300, 0)


def test_a_release_that_arrives_before_its_grant_was_asked_for_takes_effect() -> None:
    rig = Rig()
    rig.report("a", 1, 0)

    assert rig.ask(want("a", 700)).outcome == Refused(code="released")
    assert rig.ask(want("b", 1)).held == 0


def test_an_ask_that_arrives_twice_is_answered_alike_and_counts_once() -> None:
    rig = Rig()
    ask = want("a", 700, per_minute=5)
    assert rig.ask(ask).outcome == rig.ask(ask).outcome == Granted(micros=700)
    assert rig.ask(want("b", 1)).held == 700
    assert rig.storage.rows("SELECT sum(count) AS count FROM calls") == [{"count": 1}]


def test_what_nobody_reports_counts_as_spent_at_what_was_held_and_a_late_report_puts_it_right() -> None:
    rig = Rig()
    rig.ask(want("a", 700))
    rig.report("a", 1, 100, held=500)
    rig.now_ms += LIFE_MS
    rig.ring()
    rig.ring()
    assert rig.spent() == 600

    rig.report("a", 2, 250)
    assert rig.spent() == 250
    days = rig.storage.rows("SELECT sum(micros) AS micros FROM spend WHERE length(period) = 10")
    assert days == [{"micros": 250}]


def test_an_alarm_that_is_late_makes_no_difference() -> None:
    rig = Rig()
    rig.ask(want("a", 700))
    rig.now_ms += LIFE_MS

    assert rig.ask(want("b", 400)).outcome == Refused(code="over_budget", span="session")
    assert rig.spent() == 700


def test_a_repeat_of_a_forgotten_grant_counts_nothing() -> None:
    rig = Rig()
    rig.ask(want("a", 700))
    rig.report("a", 1, 300)
    rig.now_ms += LIFE_MS + REMEMBERED_MS + 1
    rig.ring()
    assert rig.storage.rows("SELECT * FROM grants") == []

    rig.report("a", 1, 300)
    assert rig.spent() == 300


def test_the_alarm_is_set_while_something_is_due_and_after_a_restart_too() -> None:
    rig = Rig()
    rig.ask(want("a", 700))
    assert rig.storage.alarm_ms == NOW_MS + LIFE_MS
    rig.report("a", 1, 300)
    rig.now_ms += LIFE_MS + REMEMBERED_MS
    rig.ring()
    assert rig.storage.alarm_ms is not None
    assert rig.storage.alarm_ms > rig.now_ms + LIFE_MS  # an idle session is forgotten some day

    rig.coordinator = Coordinator(rig.storage, lambda: rig.now_ms)
    rig.ask(want("b", 100))
    assert rig.storage.alarm_ms == rig.now_ms + LIFE_MS


def test_days_and_months_begin_at_midnight_utc_and_what_is_held_goes_on() -> None:
    rig = Rig()
    ask = Ask(id="a", limits={"day": 1_000, "month": 1_500}, micros=800, least=800, lease=False)
    rig.now_ms += 16 * 3_600_000 - 1
    rig.ask(ask)
    assert rig.ask(Ask(id="b", limits=ask.limits, least=300, lease=False)).outcome == Refused(
        code="budget_in_flight", span="day"
    )
    rig.report("a", 1, 800)
    rig.now_ms += 1
    reply = rig.ask(Ask(id="c", limits=ask.limits, micros=701, least=701, lease=False))
    assert reply.outcome == Refused(code="over_budget", span="month")
    assert reply.spent == {"day": 0, "month": 800}

    rig.now_ms += 16 * DAY_MS
    reply = rig.ask(Ask(id="d", limits=ask.limits, micros=1_000, least=1_000, lease=False))
    assert reply.outcome == Granted(micros=1_000)


def test_days_of_earlier_months_are_counted_together_until_nothing_is_spent_for_long() -> None:
    rig = Rig()
    for day in range(50):
        rig.report(f"day-{day}", 1, 10, at_ms=rig.now_ms)
        rig.now_ms += DAY_MS
    rig.ring()
    rig.ring()
    assert rig.storage.rows("SELECT count(*) AS count FROM spend")[0]["count"] == 36
    assert rig.spent() == 500

    rig.now_ms += 88 * DAY_MS
    rig.ring()
    assert rig.spent() == 500
    rig.now_ms += 2 * DAY_MS
    rig.ring()
    assert rig.spent() == 0


@pytest.mark.parametrize(
    ("spent", "strict", "leases"), [(0, True, True), (950, True, False), (950, False, True)]
)
def test_strict_leases_nothing_of_a_budget_that_is_nearly_spent(
    spent: int, strict: bool, leases: bool
) -> None:
    rig = Rig()
    rig.report("before", 1, spent)
    granted = rig.ask(Ask(id="a", limits={"session": 1_000}, micros=10, least=10, strict=strict)).outcome

    assert isinstance(granted, Granted)
    assert granted.for_ms == (LEASE_MS if leases else 0)
    assert granted.micros == 10 + ((1_000 - spent - 10) // 20 if leases else 0)


def test_a_scope_that_limits_requests_in_flight_leases_nothing() -> None:
    granted = Rig().ask(Ask(id="a", limits={"session": 1_000}, micros=10, concurrent=2)).outcome

    assert granted == Granted(micros=10)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"v": 2}',
        '{"v": 1, "seen": -1}',
        '{"v": 1, "seen": 0, "ask": {}}',
        '{"v": 1, "seen": 0, "ask": {"id": 5}}',
        '{"v": 1, "seen": 0, "reports": [{"id": "a", "number": 1, "at_ms": 1, "spent": -5}]}',
        '{"v": 1, "seen": 0, "reports": [{"id": "a", "number": 1e30}]}',
        '{"v": 1, "seen": 0, "learned": [{"place": ""}]}',
        "[" * 5_000,
    ],
)
def test_a_text_that_is_no_message_changes_nothing_and_is_not_repeated(text: str) -> None:
    rig = Rig()
    before = [*rig.storage._connection.iterdump()]
    for method in (rig.coordinator.admit, rig.coordinator.settle, rig.coordinator.release):
        with pytest.raises(ValueError, match=r"^a message ") as raised:
            run_now(method(text))
        assert text == "" or text not in str(raised.value)
    assert [*rig.storage._connection.iterdump()] == before


def test_an_error_in_the_middle_of_a_message_undoes_all_of_it() -> None:
    rig = Rig()
    rig.ask(want("a", 700))
    rows, count = rig.storage.rows, 0

    def break_off(sql: str, *values: object) -> list[dict[str, object]]:
        nonlocal count
        count += 1
        if count == 9:
            raise LookupError
        return rows(sql, *values)  # type: ignore[arg-type, return-value]

    before = [*rig.storage._connection.iterdump()]
    rig.storage.rows = break_off  # type: ignore[method-assign, assignment]
    with pytest.raises(LookupError):
        rig.ask(want("b", 10), reports=(Report(id="a", number=1, at_ms=NOW_MS, spent=5),))
    assert [*rig.storage._connection.iterdump()] == before


def cooldown(model: str = "a/one", *, began_s: int = 0, until_s: int = 30) -> Cooldown:
    return Cooldown(
        place=json.dumps(["", model]),
        began_ms=NOW_MS + began_s * 1_000,
        until_ms=NOW_MS + until_s * 1_000 if until_s else 0,
    )


def test_each_isolate_is_told_of_a_cooldown_once_and_of_its_end() -> None:
    rig = Rig()
    first = rig.send(Message(learned=(cooldown(),)))
    assert first.learned == (cooldown(),)
    assert rig.send(Message(seen=first.seen)).learned == ()
    assert rig.send(Message()).learned == (cooldown(),)

    rig.now_ms += 10_000
    rig.send(Message(learned=(cooldown(began_s=10, until_s=0),)))
    assert rig.send(Message(seen=first.seen)).learned == (cooldown(began_s=10, until_s=0),)


def test_a_cooldown_that_has_ended_does_not_begin_again_by_an_old_message() -> None:
    rig = Rig()
    rig.now_ms += 10_000
    rig.send(Message(learned=(cooldown(began_s=10, until_s=0),)))
    assert rig.send(Message(learned=(cooldown(began_s=5),))).learned[0].until_ms == 0

    rig.now_ms += 10_000
    assert rig.send(Message(learned=(cooldown(began_s=15, until_s=40),))).learned[0].until_ms > 0
    assert rig.send(Message(learned=(cooldown(began_s=12, until_s=0),))).learned[0].until_ms > 0


def test_of_two_ends_of_a_cooldown_the_later_one_counts_and_none_is_longer_than_a_day() -> None:
    rig = Rig()
    rig.send(Message(learned=(cooldown(until_s=50),)))
    assert rig.send(Message(learned=(cooldown(until_s=30),))).learned[0].until_ms == NOW_MS + 50_000
    long = rig.send(Message(learned=(cooldown(until_s=900_000),))).learned[0]
    assert long.until_ms == NOW_MS + DAY_MS


def test_a_coordinator_remembers_a_limited_number_of_cooldowns() -> None:
    rig = Rig()
    for index in range(7):
        rig.send(Message(learned=tuple(cooldown(f"a/{index}-{each}") for each in range(100))))

    assert rig.storage.rows("SELECT count(*) AS count FROM cooldowns") == [{"count": 500}]
    assert len(rig.send(Message()).learned) == 100
