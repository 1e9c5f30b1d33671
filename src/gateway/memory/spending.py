"""Spending: how much each key has spent, from the ledger's sums and this isolate's own requests.

Plain data that all requests of an isolate share. If in doubt, it counts too much rather than too little:

* A request in flight counts with the amount that is held for it: what its attempts have cost so far, plus
  what the next one holds (``BUDGET_HOLD``).
* What other isolates hold for requests in flight counts as it was at the last reading.
* A request that has ended counts here until the ledger's sum includes it. That is the case once a reading
  has succeeded that began after the ledger had the row, or that found the row.
* A request whose end is never reported, because the runtime dropped it, counts as spent at the most that it
  may cost.
* A request whose row never reaches the ledger counts here until its day and its month are over.

For requests that have ended only totals are stored. The newest ``MAX_REMEMBERED`` of each key whose row is
not written yet are also stored by request. A request whose row is written after its entry was dropped counts
twice until its day and month are over: ``MAX_REMEMBERED`` other requests must have ended during its write,
which takes some seconds.
"""

from collections.abc import Callable

from gateway.memory.key_spending import Held, KeySpending
from gateway.memory.session_accounts import MAX_REMEMBERED as MAX_REMEMBERED_OF_SESSION
from gateway.memory.session_accounts import SESSION_PREFIX, SessionAccounts
from gateway.settings.budget import Span, period_of

# How old a sum may be before it is read again. Other isolates spend in the meantime.
FRESH_S = 10.0
# A sum is read again earlier once this isolate has used this part of what was left. This bounds what other
# isolates may spend between two readings.
REREAD_PART = 50
# The shortest time between two readings.
MIN_REREAD_S = 0.25
# A request in flight counts as spent after this time: the runtime may drop a request, and its end is then
# never reported.
MAX_HELD_S = 3_600.0
# How many requests of one key whose row is not written yet are stored by request.
MAX_REMEMBERED = 5_000
# How many tickets a reading looks for.
MAX_LOOKED_FOR = 100
EVERYBODY = "*"


class Spending:
    """Counts the spending of each key, in micro-dollars.

    Attributes:
        backlogged: the keys of which the ledger was waiting for too many costs at the last reading.
    """

    def __init__(self) -> None:
        self.backlogged: frozenset[str] = frozenset()
        self._isolate = ""
        self._accounts: dict[str, KeySpending] = {}
        self._sessions = SessionAccounts()

    def isolate(self, new_id: Callable[[], str]) -> str:
        """Return the name of this isolate in the ledger's reservations; it is made at the first call."""
        self._isolate = self._isolate or new_id()
        return self._isolate

    def is_due(self, key: str, *, now_s: float, left_micros: int) -> bool:
        """Return whether the key's sums should be read again, and no request is reading them.

        Args:
            key: the key.
            now_s: Unix time.
            left_micros: what is left of the key's smallest budget by the sums that there are.
        """
        account = self._account(key)
        age_s = now_s - account.read_at_s
        used_much = account.used * REREAD_PART > left_micros + account.used
        is_early = age_s >= MIN_REREAD_S and (used_much or account.is_doubted)
        is_fresh = 0.0 <= age_s < FRESH_S and not is_early
        return not is_fresh and account.reading_until_s <= now_s

    def is_first_read(self, key: str, *, now_s: float) -> bool:
        """Return whether a request is reading the key's sums and there are none from an earlier reading."""
        account = self._account(key)
        return account.read_at_s == float("-inf") and account.reading_until_s > now_s

    def begin_reading(self, key: str, *, now_s: float, until_s: float) -> None:
        """Record that a request begins to read the sums, which takes until ``until_s`` at most."""
        account = self._account(key)
        account.began_at_s, account.reading_until_s = now_s, until_s
        account.used = 0
        account.begin_reading(self.looked_for(key))

    def drop_reading(self, key: str) -> None:
        """Record that a reading was cancelled: another request may read at once."""
        self._account(key).reading_until_s = 0.0

    def looked_for(self, key: str) -> list[str]:
        """Return the tickets that a reading which begins now should look for: the ledger may have them."""
        return self._account(key).looked_for(MAX_LOOKED_FOR)

    def end_reading(
        self,
        key: str,
        sums: dict[str, int] | None,
        *,
        begun_at_s: float,
        reserved: dict[str, int] | None = None,
        found: tuple[str, ...] = (),
    ) -> None:
        """Store the sums of the current day and month that a reading found.

        Nothing is stored if a later reading has begun since: this one was overdue, and the later one finds
        more.

        Args:
            key: the key.
            sums: micro-dollars by period; None if the reading failed.
            begun_at_s: when this reading began, as it was passed to ``begin_reading``.
            reserved: what other isolates hold for requests in flight, in micro-dollars by period.
            found: the tickets of ``looked_for`` that the ledger has: the sums include them.
        """
        account = self._account(key)
        if begun_at_s < account.began_at_s:
            return
        account.reading_until_s = 0.0
        account.read_at_s = begun_at_s  # after a failure too: the next request need not try again at once
        if sums is not None:
            account.use_sums(sums, reserved or {})
            for ticket in found:
                account.include(ticket)

    def spent(self, key: str, span: Span, *, now_s: float) -> int:
        """Return what was spent in the current day or month, or by a session.

        It does not include what is held for requests in flight.
        """
        account = self._account(key)
        account.expire(now_s)
        period = period_of(span, now_s)
        return account.sums.get(period, 0) + account.ended.get(period, 0)

    def held(self, key: str, *, now_s: float, but: str | None = None) -> int:
        """Return what is held for requests in flight; ``but`` is the ticket of a request that is left out."""
        account = self._account(key)
        account.expire(now_s)
        return sum(each.micros for ticket, each in account.held.items() if ticket != but)

    def reserved(self, key: str, span: Span, *, now_s: float) -> int:
        """Return what other isolates hold for requests in flight of the current day or month."""
        return self._account(key).reserved.get(period_of(span, now_s), 0)

    def doubt(self, key: str) -> None:
        """Record that a request was refused because others hold the money: the next one reads the sums again.

        What other isolates held at the last reading may be free by now.
        """
        account = self._account(key)
        account.is_doubted = any(account.reserved.values())

    def hold(
        self, key: str, ticket: str, micros: int, *, now_s: float, worst_micros: int | None = None
    ) -> None:
        """Hold ``micros`` for a request in flight, in place of what was held for it, until ``settle``.

        Args:
            key: the key.
            ticket: identifies the request.
            micros: what is held.
            now_s: Unix time.
            worst_micros: the most that the request may cost; None: no more than is held.
        """
        account = self._account(key)
        before = account.held.get(ticket)
        account.used += max(0, micros - (before.micros if before else 0))
        account.held[ticket] = Held(
            micros=micros,
            worst_micros=micros if worst_micros is None else max(micros, worst_micros),
            until_s=before.until_s if before else now_s + MAX_HELD_S,
        )

    def settle(self, key: str, ticket: str, micros: int, *, now_s: float) -> None:
        """Count a request that has ended with its cost, in place of the amount held for it."""
        account = self._account(key)
        before = account.held.pop(ticket, None)
        # A request that lasted longer than MAX_HELD_S was counted as spent at the most that it may cost.
        replaced = before.micros if before else account.take_back(ticket)
        account.used += max(0, micros - replaced)
        if not micros:
            return
        day = period_of("day", now_s)
        if day not in account.ended:
            account.forget_months_before(day)
        account.add_ended(ticket, day, micros)
        is_session = key.startswith(SESSION_PREFIX)
        if len(account.unwritten) > (MAX_REMEMBERED_OF_SESSION if is_session else MAX_REMEMBERED):
            dropped = next(iter(account.unwritten))
            del account.unwritten[dropped]
            account.given_up.pop(dropped, None)

    def written(self, key: str, ticket: str) -> None:
        """Record that the ledger has the request's row: a reading that begins from now on includes it."""
        self._account(key).mark_written(ticket)

    def give_up(self, key: str, ticket: str) -> None:
        """Record that a request's write was given up; whether the ledger has its row is not known."""
        account = self._account(key)
        if ticket in account.unwritten:
            account.given_up[ticket] = None

    def _account(self, key: str) -> KeySpending:
        if key.startswith(SESSION_PREFIX):
            return self._sessions.get(key)
        return self._accounts.setdefault(key, KeySpending())
