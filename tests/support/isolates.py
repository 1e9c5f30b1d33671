"""Isolates that share one coordinator, with messages that get lost, come late, or come twice."""

from collections.abc import Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias, TypeVar

from gateway.coordination.accounts import Accounts
from gateway.coordination.allowance import Allowance
from gateway.coordination.coordinator import Coordinator
from gateway.coordination.message_json import decode_reply, encode
from gateway.coordination.messages import Ask, Granted, Message, Refused, Report
from gateway.settings.budget import Span, period_of
from tests.support.coordinators import SqliteStorage

Result = TypeVar("Result")
Outcome: TypeAlias = Granted | Refused | None


def run_now(work: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of work that never waits."""
    try:
        work.send(None)
    except StopIteration as stop:
        result: Result = stop.value
        return result
    raise AssertionError("it waits")


@dataclass(slots=True)
class InFlight:
    """A request that was sent upstream."""

    isolate: int
    ticket: str
    held: int


@dataclass(slots=True, kw_only=True)
class Isolates:
    """Isolates, their coordinator, a clock, and what their requests have really cost.

    Attributes:
        faults: the probability of each fault of a message.
        billed: what upstream calls have really cost, by period.
        over: the periods in which more was spent or in flight than the limit.
    """

    limits: dict[Span, int]
    random: Random
    count: int = 5
    strict: bool = True
    faults: float = 0.0
    per_minute: int | None = None
    concurrent: int | None = None
    now_ms: int = 1_800_000_000_000
    storage: SqliteStorage = field(default_factory=SqliteStorage)
    allowances: list[Allowance] = field(default_factory=list)
    in_flight: list[InFlight] = field(default_factory=list)
    late: list[tuple[str, str]] = field(default_factory=list)
    billed: dict[str, int] = field(default_factory=dict)
    over: list[str] = field(default_factory=list)
    calls: int = 0
    begun: list[int] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    ids: int = 0

    def __post_init__(self) -> None:
        self.allowances = [Allowance() for _ in range(self.count)]
        self.restart()

    def restart(self) -> None:
        """End the coordinator, and make a new one with the same storage."""
        self.coordinator_ = Coordinator(self.storage, lambda: self.now_ms)

    coordinator_: Coordinator = field(init=False)

    @property
    def now_s(self) -> float:
        return self.now_ms / 1000

    def deliver(self, method: str, text: str) -> str:
        """Deliver a message to the coordinator, perhaps twice."""
        reply: str = run_now(getattr(self.coordinator_, method)(text))
        if self.random.random() < self.faults:
            run_now(getattr(self.coordinator_, method)(text))
        return reply

    def send(self, method: str, text: str) -> str | None:
        """Send a message; return the reply, or None if there is none in time."""
        self.calls += 1
        chance = self.random.random()
        if chance < self.faults / 3:
            return None  # lost on the way
        if chance < self.faults * 2 / 3:
            self.late.append((method, text))
            return None
        reply = self.deliver(method, text)
        return None if chance < self.faults else reply  # the reply is lost

    def deliver_late(self) -> None:
        """Deliver one of the messages that were delayed, in any order."""
        if self.late:
            self.deliver(*self.late.pop(self.random.randrange(len(self.late))))

    def new_id(self) -> str:
        self.ids += 1
        return f"id-{self.ids}"

    def exchange(self, isolate: int, message: Message, reports: tuple[Report, ...]) -> Outcome:
        """Send a message with reports; return what was granted or refused, or None without an answer."""
        text = self.send("admit" if message.ask else "settle", encode(message))
        if text is None:
            return None
        reply = decode_reply(text)
        allowance = self.allowances[isolate]
        allowance.confirm(reports)
        allowance.note(reply)
        return reply.outcome

    def ask(self, isolate: int, ticket: str, micros: int, *, counts: bool, least: int = 0) -> bool:
        """Ask the coordinator for a request; return whether it may begin."""
        allowance = self.allowances[isolate]
        grant_id = self.new_id()
        reports = allowance.reports()
        ask = Ask(
            id=grant_id,
            limits=self.limits,
            micros=micros,
            least=least,
            per_minute=self.per_minute,
            concurrent=self.concurrent,
            counts=counts,
            strict=self.strict,
        )
        grant = allowance.ask(grant_id, ticket, self.now_s)
        outcome = self.exchange(isolate, Message(ask=ask, reports=reports), reports)
        if isinstance(outcome, Granted):
            is_limited = counts and self.concurrent is not None
            allowance.use(grant, outcome, counts=counts, is_limited=is_limited)
            return True
        if isinstance(outcome, Refused):
            self.refusals.append(outcome.code)
            del allowance.grants[grant_id]
        return False

    def begin(self, isolate: int, hold: int) -> bool:
        """Begin a request that holds an amount; return whether it was sent upstream."""
        allowance, ticket = self.allowances[isolate], self.new_id()
        counted = self.per_minute is not None
        is_begun = self.concurrent is None and allowance.begin(
            ticket, needs_money=bool(self.limits), needs_count=counted, now_s=self.now_s
        )
        if not is_begun and not self.ask(isolate, ticket, allowance.usual, counts=True):
            allowance.end(ticket, 0)
            return False
        missing = allowance.take(ticket, hold, self.now_s) if self.limits else 0
        if missing:
            asked = self.ask(isolate, ticket, missing, counts=False, least=missing)
            if not asked or allowance.take(ticket, hold, self.now_s):
                allowance.end(ticket, 0)
                return False
        self.in_flight.append(InFlight(isolate, ticket, hold))
        self.begun.append(self.now_ms)
        self.check()
        return True

    def end(self, cost: int | None = None, *, beyond: int = 0) -> int:
        """End one of the requests in flight; return its isolate, or 0 if there is none.

        Without a ``cost`` it costs what it held at the most; with ``beyond`` exactly so much more.
        """
        if not self.in_flight:
            return 0
        request = self.in_flight.pop(self.random.randrange(len(self.in_flight)))
        spent = self.random.randint(0, request.held) if cost is None else cost
        if beyond:
            spent = request.held + beyond
        self.bill(spent)
        self.allowances[request.isolate].end(request.ticket, spent)
        return request.isolate

    def bill(self, micros: int) -> None:
        """Bill an amount now."""
        spans: tuple[Span, ...] = ("day", "month", "session")
        for span in spans:
            period = period_of(span, self.now_s)
            self.billed[period] = self.billed.get(period, 0) + micros
        self.check()

    def settle(self, isolate: int, *, give_back: bool = False) -> None:
        """Report what the coordinator does not know."""
        allowance = self.allowances[isolate]
        allowance.end_leases(self.now_s, give_back=give_back)
        if reports := allowance.reports():
            self.exchange(isolate, Message(reports=reports), reports)

    def crash(self, isolate: int) -> None:
        """End an isolate. Its requests in flight cost what they held."""
        for request in [each for each in self.in_flight if each.isolate == isolate]:
            self.in_flight.remove(request)
            self.bill(request.held)
        self.allowances[isolate] = Allowance()

    def wait(self, ms: int) -> None:
        """Let time pass; the alarm rings if it is due, and sometimes twice."""
        self.now_ms += ms
        alarm_ms = self.storage.alarm_ms
        if alarm_ms is not None and alarm_ms <= self.now_ms:
            self.storage.alarm_ms = None
            run_now(self.coordinator_.alarm())
            if self.random.random() < self.faults:
                run_now(self.coordinator_.alarm())

    def check(self) -> None:
        """Note each period in which more was billed or is in flight than its limit."""
        in_flight = sum(each.held for each in self.in_flight)
        for span, limit in self.limits.items():
            period = period_of(span, self.now_s)
            if self.billed.get(period, 0) + in_flight > limit:
                self.over.append(period)

    def counted(self, span: Span) -> int:
        """Return what the coordinator counts as spent in the current period."""
        return Accounts(self.storage).sums(self.now_ms, but="").spent[span]

    def held(self) -> int:
        """Return what the coordinator holds."""
        return int(self.storage.rows("SELECT sum(held) AS held FROM grants WHERE open = 1")[0]["held"] or 0)

    def finish(self) -> None:
        """End all requests, deliver all messages without faults, and report everything."""
        self.faults = 0.0
        while self.in_flight:
            self.end()
        while self.late:
            self.deliver_late()
        for isolate in range(self.count):
            self.settle(isolate, give_back=True)
            self.settle(isolate, give_back=True)
