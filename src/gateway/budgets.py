"""What an isolate knows of spending: the ledger's sums, its own requests since, and those under way.

Plain data, kept for all requests of an isolate. It errs on the safe side: a request under way counts with the
most that it may cost, and one that has ended counts here until a sum was read that holds it.
"""

from dataclasses import field

from gateway.budget import Span, period_of
from gateway.frozen import dataclass

# How old a sum may be before it is read again: other isolates spend meanwhile.
FRESH_S = 10.0
# A request whose end nobody noticed (the runtime dropped it) frees what it held.
MOST_HELD_S = 3_600.0
MOST_REMEMBERED = 5_000
EVERYBODY = "*"


@dataclass(slots=True)
class _Held:
    micros: int
    until_s: float


@dataclass(slots=True)
class _Ended:
    micros: int
    at_s: float
    written_at_s: float | None = None


@dataclass(slots=True)
class _Account:
    """What is known of one key, or of all of them together (``*``)."""

    sums: dict[str, int] = field(default_factory=dict)  # by day and month, as the ledger had them
    read_at_s: float = float("-inf")
    reading_until_s: float = 0.0
    held: dict[str, _Held] = field(default_factory=dict)  # by request
    ended: dict[str, _Ended] = field(default_factory=dict)


class Budgets:
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

    def begin_reading(self, key: str, *, until_s: float) -> None:
        """Note that somebody reads the sums, and until when at the most."""
        self._account(key).reading_until_s = until_s

    def drop_reading(self, key: str) -> None:
        """Note that who read them left before anything was seen: the next one reads."""
        self._account(key).reading_until_s = 0.0

    def end_reading(self, key: str, sums: dict[str, int] | None, *, begun_at_s: float) -> None:
        """Take in the sums of the current day and month; None where they could not be read."""
        account = self._account(key)
        account.reading_until_s = 0.0
        account.read_at_s = begun_at_s  # also where it failed: the next need not try at once
        if sums is not None:
            account.sums = sums
            account.ended = {
                ticket: ended
                for ticket, ended in account.ended.items()
                if ended.written_at_s is None or ended.written_at_s >= begun_at_s
            }

    def spent(self, key: str, span: Span, *, now_s: float) -> int:
        """Return what was spent in the current day or month, with the most that is under way."""
        account = self._account(key)
        period = period_of(span, now_s)
        account.held = {name: held for name, held in account.held.items() if held.until_s > now_s}
        held = sum(each.micros for each in account.held.values())
        ended = sum(each.micros for each in account.ended.values() if period_of(span, each.at_s) == period)
        return account.sums.get(period, 0) + held + ended

    def hold(self, key: str, ticket: str, micros: int, *, now_s: float) -> None:
        """Count a request that begins, with the most that it may cost."""
        self._account(key).held[ticket] = _Held(micros, now_s + MOST_HELD_S)

    def settle(self, key: str, ticket: str, micros: int, *, now_s: float) -> None:
        """Count a request that has ended, with what it cost."""
        account = self._account(key)
        account.held.pop(ticket, None)
        if micros:
            account.ended[ticket] = _Ended(micros, now_s)
        while len(account.ended) > MOST_REMEMBERED:
            del account.ended[next(iter(account.ended))]

    def written(self, key: str, ticket: str, *, now_s: float) -> None:
        """Note that the ledger holds the request now: a sum that is read later counts it."""
        ended = self._account(key).ended.get(ticket)
        if ended is not None:
            ended.written_at_s = now_s

    def _account(self, key: str) -> _Account:
        return self._accounts.setdefault(key, _Account())
