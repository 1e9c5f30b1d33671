"""What an isolate knows of spending: the ledger's sums, its own requests since, and those under way.

Plain data, kept for all requests of an isolate. It errs on the safe side. A request under way counts with the
worst cost of the dearest model of its chain. One that has ended counts here until a sum was read that holds
it: until a reading has succeeded that began after the ledger had it. One that the ledger never gets counts
until its day and its month are over.

Of what has ended only totals are kept, and by name the ``MAX_REMEMBERED`` that were last not yet written. A
request that is written when its name is forgotten counts twice until its periods are over: so many others
must have ended during its write, some seconds. So does one whose write was given up and succeeded after all.
"""

from dataclasses import field

from gateway.http.frozen import dataclass
from gateway.settings.budget import Span, period_of

# How old a sum may be before it is read again: other isolates spend meanwhile.
FRESH_S = 10.0
# A request whose end nobody noticed (the runtime dropped it) frees what it held.
MAX_HELD_S = 3_600.0
# Requests of one key whose row is not written yet.
MAX_REMEMBERED = 5_000
EVERYBODY = "*"


@dataclass(slots=True)
class _Held:
    micros: int
    until_s: float


@dataclass(slots=True)
class _Account:
    """What is known of one key, or of all of them together (``*``). Amounts are by day and month.

    Attributes:
        sums: as the ledger had them.
        began_at_s: when the last reading began.
        ended: what requests of this isolate have cost that no sum is known to hold.
        unwritten: of these, by request, what the ledger does not hold: the day, and the cost.
        written: of these, what the ledger holds: a reading that begins now will find it.
        in_reading: of these, what the ledger held when the last reading began.
    """

    sums: dict[str, int] = field(default_factory=dict)
    read_at_s: float = float("-inf")
    began_at_s: float = float("-inf")
    reading_until_s: float = 0.0
    held: dict[str, _Held] = field(default_factory=dict)  # by request
    ended: dict[str, int] = field(default_factory=dict)
    unwritten: dict[str, tuple[str, int]] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    in_reading: dict[str, int] = field(default_factory=dict)

    def forget_before(self, month: str) -> None:
        """Forget the amounts of months that are over, and of their days: their names come before."""
        for amounts in (self.ended, self.written, self.in_reading):
            for period in [period for period in amounts if period < month]:
                del amounts[period]


class Spending:
    """Spending by key, in micro-dollars."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = {}

    def is_due(self, key: str, *, now_s: float) -> bool:
        """Return whether the key's sums should be read anew, and nobody does."""
        account = self._account(key)
        is_fresh = 0.0 <= now_s - account.read_at_s < FRESH_S
        return not is_fresh and account.reading_until_s <= now_s

    def is_first_read(self, key: str, *, now_s: float) -> bool:
        """Return whether somebody reads the key's sums for the first time: until then nothing is known."""
        account = self._account(key)
        return account.read_at_s == float("-inf") and account.reading_until_s > now_s

    def begin_reading(self, key: str, *, now_s: float, until_s: float) -> None:
        """Note that somebody reads the sums, and until when at the most."""
        account = self._account(key)
        account.began_at_s, account.reading_until_s = now_s, until_s
        for period, micros in account.written.items():
            _add(account.in_reading, period, micros)
        account.written = {}

    def drop_reading(self, key: str) -> None:
        """Note that who read them left before anything was seen: the next one reads."""
        self._account(key).reading_until_s = 0.0

    def end_reading(self, key: str, sums: dict[str, int] | None, *, begun_at_s: float) -> None:
        """Take in the sums of the current day and month; None where they could not be read.

        Those of a reading that was overdue come to nothing: another began, which finds more.
        """
        account = self._account(key)
        if begun_at_s < account.began_at_s:
            return
        account.reading_until_s = 0.0
        account.read_at_s = begun_at_s  # also where it failed: the next need not try at once
        if sums is not None:
            account.sums = sums
            for period, micros in account.in_reading.items():
                _add(account.ended, period, -micros)
            account.in_reading = {}

    def spent(self, key: str, span: Span, *, now_s: float) -> int:
        """Return what was spent in the current day or month, with what is held for requests under way."""
        account = self._account(key)
        period = period_of(span, now_s)
        account.held = {name: held for name, held in account.held.items() if held.until_s > now_s}
        held = sum(each.micros for each in account.held.values())
        return account.sums.get(period, 0) + account.ended.get(period, 0) + held

    def hold(self, key: str, ticket: str, micros: int, *, now_s: float) -> None:
        """Count a request that begins, with what is held for it."""
        self._account(key).held[ticket] = _Held(micros, now_s + MAX_HELD_S)

    def settle(self, key: str, ticket: str, micros: int, *, now_s: float) -> None:
        """Count a request that has ended, with what it cost."""
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
        """Note that the ledger holds the request now: a sum whose reading begins later counts it."""
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
