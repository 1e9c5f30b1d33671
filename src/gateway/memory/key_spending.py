"""The spending of one key in one isolate: the ledger's sums, what is held, and what has ended."""

from dataclasses import field
from itertools import islice

from gateway.http.frozen import dataclass
from gateway.settings.budget import SESSION, period_of


@dataclass(slots=True)
class Held:
    """What is held for a request in flight.

    Attributes:
        micros: the amount that is held.
        worst_micros: the most that the request may cost: what counts if its end is never reported.
        until_s: until when it counts as in flight (Unix time).
    """

    micros: int
    worst_micros: int
    until_s: float


@dataclass(slots=True)
class KeySpending:
    """The spending of one key, of all keys together, or of one session.

    Amounts are micro-dollars by period: a day (``YYYY-MM-DD``), a month (``YYYY-MM``), or ``session``, which
    has no end. Times are Unix time.

    Attributes:
        sums: the ledger's sums, as they were read last.
        reserved: what other isolates held for requests in flight, as it was read last.
        is_doubted: whether ``reserved`` led to a refusal, and may be out of date.
        read_at_s: when the last reading that has ended began, whether or not it succeeded.
        began_at_s: when the last reading began.
        reading_until_s: until when at most a request is reading the sums; 0 if no request is.
        used: what this isolate's requests have used since the last reading began.
        held: the amount that is held for each request in flight.
        ended: the cost of this isolate's ended requests that ``sums`` may not include yet.
        unwritten: the part of ``ended`` that the ledger does not have, by request: the day and the cost.
        given_up: the tickets of ``unwritten`` whose write was given up: it may have succeeded all the same.
        written: the part of ``ended`` that the ledger has: a reading that begins now will include it.
        in_reading: the part of ``ended`` that the ledger had when the last reading began.
        sought: the requests that the last reading looks for, by ticket: the day and the cost.
        written_since: those of ``sought`` that are ``written`` by now.
    """

    sums: dict[str, int] = field(default_factory=dict)
    reserved: dict[str, int] = field(default_factory=dict)
    is_doubted: bool = False
    read_at_s: float = float("-inf")
    began_at_s: float = float("-inf")
    reading_until_s: float = 0.0
    used: int = 0
    held: dict[str, Held] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    unwritten: dict[str, tuple[str, int]] = field(default_factory=dict)
    given_up: dict[str, None] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    in_reading: dict[str, int] = field(default_factory=dict)
    sought: dict[str, tuple[str, int]] = field(default_factory=dict)
    written_since: set[str] = field(default_factory=set)

    def add_ended(self, ticket: str, day: str, micros: int) -> None:
        """Count a request that has ended; the ledger does not have its row."""
        self.unwritten[ticket] = (day, micros)
        _add_both(self.ended, day, micros)

    def mark_written(self, ticket: str) -> None:
        """Note that the ledger has a request's row."""
        self.given_up.pop(ticket, None)
        found = self.unwritten.pop(ticket, None)
        if found is not None:
            _add_both(self.written, *found)
            if ticket in self.sought:
                self.written_since.add(ticket)

    def take_back(self, ticket: str) -> int:
        """Take an ended request that is not written out of the totals; return its cost, or 0."""
        self.given_up.pop(ticket, None)
        day, micros = self.unwritten.pop(ticket, ("", 0))
        if micros:
            _add_both(self.ended, day, -micros)
        return micros

    def looked_for(self, most: int) -> list[str]:
        """Return the tickets that a reading should look for, at most so many: the ledger may have them.

        Those come first whose write was given up, then the newest whose write is in flight.
        """
        tickets = list(islice(self.given_up, most))
        in_flight = (ticket for ticket in reversed(self.unwritten) if ticket not in self.given_up)
        return tickets + list(islice(in_flight, most - len(tickets)))

    def begin_reading(self, sought: list[str]) -> None:
        """Note which of the ended requests a reading that begins now will include, and which it looks for."""
        self.is_doubted = False
        self.sought = {ticket: self.unwritten[ticket] for ticket in sought}
        self.written_since = set()
        for period, micros in self.written.items():
            _add(self.in_reading, period, micros)
        self.written = {}

    def use_sums(self, sums: dict[str, int], reserved: dict[str, int]) -> None:
        """Use the sums of the reading that began last: they replace the requests that they include."""
        self.sums, self.reserved = sums, reserved
        for period, micros in self.in_reading.items():
            _add(self.ended, period, -micros)
        self.in_reading = {}

    def include(self, ticket: str) -> None:
        """Take a request that the sums of the last reading include out of what was counted beside them."""
        if ticket in self.unwritten:
            self.take_back(ticket)
        elif ticket in self.written_since:
            day, micros = self.sought[ticket]
            _add_both(self.ended, day, -micros)
            _add_both(self.written, day, -micros)
            self.written_since.remove(ticket)

    def expire(self, now_s: float) -> None:
        """Count requests as spent whose end was not reported in time, at the most that they may cost."""
        for ticket, each in [(ticket, each) for ticket, each in self.held.items() if each.until_s <= now_s]:
            del self.held[ticket]
            self.add_ended(ticket, period_of("day", each.until_s), each.worst_micros)

    def forget_months_before(self, day: str) -> None:
        """Forget the amounts of months before that of ``day``, and of their days."""
        month = _month_of(day)
        for amounts in (self.ended, self.written, self.in_reading):
            for period in [period for period in amounts if period < month]:  # a day sorts after its month
                del amounts[period]


def _add_both(amounts: dict[str, int], day: str, micros: int) -> None:
    """Add an amount to its day, to its month, and to the total that a session counts."""
    _add(amounts, day, micros)
    _add(amounts, _month_of(day), micros)
    _add(amounts, SESSION, micros)


def _add(amounts: dict[str, int], period: str, micros: int) -> None:
    amounts[period] = amounts.get(period, 0) + micros


def _month_of(day: str) -> str:
    return day[: len("YYYY-MM")]
