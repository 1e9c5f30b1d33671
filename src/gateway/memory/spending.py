"""Spending: how much each key has spent, from the ledger's sums and this isolate's own requests.

Plain data that all requests of an isolate share. If in doubt, it counts too much rather than too little:

* A request in flight counts with the highest cost that it may have: the worst cost of the most expensive
  model of its chain.
* A request that has ended counts here until the ledger's sum includes it. That is the case once a reading
  has succeeded that began after the ledger had the row.
* A request whose row never reaches the ledger counts here until its day and its month are over.

For requests that have ended only totals are stored. The newest ``MAX_REMEMBERED`` of each key whose row is
not written yet are also stored by request. Two kinds of request count twice until their day and month are
over:

* A request whose row is written after its entry was dropped. ``MAX_REMEMBERED`` other requests must have
  ended during its write, which takes some seconds.
* A request whose write was given up and succeeded after all.
"""

from dataclasses import field

from gateway.http.frozen import dataclass
from gateway.settings.budget import Span, period_of

# How old a sum may be before it is read again. Other isolates spend in the meantime.
FRESH_S = 10.0
# The amount held for a request is released after this time at most: the runtime may drop a request, and its
# end is then never reported.
MAX_HELD_S = 3_600.0
# How many requests of one key whose row is not written yet are stored by request.
MAX_REMEMBERED = 5_000
EVERYBODY = "*"


@dataclass(slots=True)
class _Held:
    """An amount that is held for a request in flight, and until when it counts at most (Unix time)."""

    micros: int
    until_s: float


@dataclass(slots=True)
class _Account:
    """The spending of one key, or of all keys together (``EVERYBODY``).

    Amounts are micro-dollars by period: a day (``YYYY-MM-DD``) or a month (``YYYY-MM``). Times are Unix time.

    Attributes:
        sums: the ledger's sums, as they were read last.
        read_at_s: when the last reading that has ended began, whether or not it succeeded.
        began_at_s: when the last reading began.
        reading_until_s: until when at most a request is reading the sums; 0 if no request is.
        held: the amount that is held for each request in flight.
        ended: the cost of this isolate's ended requests that ``sums`` may not include yet.
        unwritten: the part of ``ended`` that the ledger does not have, by request: the day and the cost.
        written: the part of ``ended`` that the ledger has: a reading that begins now will include it.
        in_reading: the part of ``ended`` that the ledger had when the last reading began.
    """

    sums: dict[str, int] = field(default_factory=dict)
    read_at_s: float = float("-inf")
    began_at_s: float = float("-inf")
    reading_until_s: float = 0.0
    held: dict[str, _Held] = field(default_factory=dict)
    ended: dict[str, int] = field(default_factory=dict)
    unwritten: dict[str, tuple[str, int]] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    in_reading: dict[str, int] = field(default_factory=dict)

    def forget_before(self, month: str) -> None:
        """Forget the amounts of months before ``month`` and of their days: their names sort before it."""
        for amounts in (self.ended, self.written, self.in_reading):
            for period in [period for period in amounts if period < month]:
                del amounts[period]


class Spending:
    """Counts the spending of each key, in micro-dollars."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}

    def is_due(self, key: str, *, now_s: float) -> bool:
        """Return whether the key's sums are older than ``FRESH_S`` and no request is reading them."""
        account = self._account(key)
        is_fresh = 0.0 <= now_s - account.read_at_s < FRESH_S
        return not is_fresh and account.reading_until_s <= now_s

    def is_first_read(self, key: str, *, now_s: float) -> bool:
        """Return whether a request is reading the key's sums and there are none from an earlier reading."""
        account = self._account(key)
        return account.read_at_s == float("-inf") and account.reading_until_s > now_s

    def begin_reading(self, key: str, *, now_s: float, until_s: float) -> None:
        """Record that a request begins to read the sums, which takes until ``until_s`` at most."""
        account = self._account(key)
        account.began_at_s, account.reading_until_s = now_s, until_s
        for period, micros in account.written.items():
            _add(account.in_reading, period, micros)
        account.written = {}

    def drop_reading(self, key: str) -> None:
        """Record that a reading was cancelled: another request may read at once."""
        self._account(key).reading_until_s = 0.0

    def end_reading(self, key: str, sums: dict[str, int] | None, *, begun_at_s: float) -> None:
        """Store the sums of the current day and month that a reading found.

        Nothing is stored if a later reading has begun since: this one was overdue, and the later one finds
        more.

        Args:
            key: the key.
            sums: micro-dollars by period; None if the reading failed.
            begun_at_s: when this reading began, as it was passed to ``begin_reading``.
        """
        account = self._account(key)
        if begun_at_s < account.began_at_s:
            return
        account.reading_until_s = 0.0
        account.read_at_s = begun_at_s  # after a failure too: the next request need not try again at once
        if sums is not None:
            account.sums = sums
            for period, micros in account.in_reading.items():
                _add(account.ended, period, -micros)
            account.in_reading = {}

    def spent(self, key: str, span: Span, *, now_s: float) -> int:
        """Return what was spent in the current day or month, plus what is held for requests in flight."""
        account = self._account(key)
        period = period_of(span, now_s)
        account.held = {name: held for name, held in account.held.items() if held.until_s > now_s}
        held = sum(each.micros for each in account.held.values())
        return account.sums.get(period, 0) + account.ended.get(period, 0) + held

    def hold(self, key: str, ticket: str, micros: int, *, now_s: float) -> None:
        """Count a request that begins: ``micros`` are held for it until ``settle``, or ``MAX_HELD_S``."""
        self._account(key).held[ticket] = _Held(micros, now_s + MAX_HELD_S)

    def settle(self, key: str, ticket: str, micros: int, *, now_s: float) -> None:
        """Count a request that has ended with its cost, in place of the amount held for it."""
        account = self._account(key)
        account.held.pop(ticket, None)
        if not micros:
            return
        day = period_of("day", now_s)
        if day not in account.ended:
            account.forget_before(_month_of(day))
        account.unwritten[ticket] = (day, micros)
        _add_both(account.ended, day, micros)
        if len(account.unwritten) > MAX_REMEMBERED:
            del account.unwritten[next(iter(account.unwritten))]

    def written(self, key: str, ticket: str) -> None:
        """Record that the ledger has the request's row: a reading that begins from now on includes it."""
        account = self._account(key)
        found = account.unwritten.pop(ticket, None)
        if found is not None:
            _add_both(account.written, *found)

    def _account(self, key: str) -> _Account:
        return self._accounts.setdefault(key, _Account())


def _add_both(amounts: dict[str, int], day: str, micros: int) -> None:
    """Add an amount to its day and its month."""
    _add(amounts, day, micros)
    _add(amounts, _month_of(day), micros)


def _add(amounts: dict[str, int], period: str, micros: int) -> None:
    amounts[period] = amounts.get(period, 0) + micros


def _month_of(day: str) -> str:
    return day[: len("YYYY-MM")]
