"""The money of one scope: what is spent in each period, and what is held for isolates, in micro-dollars."""

from gateway.coordination.storage import Storage
from gateway.coordination.tables import one_number, whole_in
from gateway.http.frozen import dataclass
from gateway.settings.budget import Span, period_of

DAY_MS = 86_400_000
# Days before this are counted together: no month is longer.
DAYS_APART = 35
# The period of all earlier days. It sorts before every day.
EARLIER = "0000-00-00"


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of a scope: what is spent by span, what is held for isolates, and the requests in flight."""

    spent: dict[Span, int]
    held: int
    busy: int


class Accounts:
    """What a scope has spent. The rules of days and months are those of ``settings.budget``, in UTC.

    Each write of a row costs. So only days have rows: a month and a session are sums of days.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def sums(self, now_ms: int, *, but: str) -> Sums:
        """Return the sums; ``but`` is the id of a grant that does not count as held.

        What is held counts in every period until it is reported.
        """
        [spent] = self._storage.rows(
            "SELECT sum(iif(period = ?, micros, 0)) AS day, sum(iif(period >= ?, micros, 0)) AS month, "
            "sum(micros) AS session FROM spend",
            period_of("day", now_ms / 1000),
            period_of("month", now_ms / 1000),
        )
        [held] = self._storage.rows(
            "SELECT sum(held) AS held, sum(busy) AS busy FROM grants INDEXED BY grants_open "
            "WHERE open = 1 AND id <> ?",
            but,
        )
        return Sums(
            {
                "day": whole_in(spent["day"]),
                "month": whole_in(spent["month"]),
                "session": whole_in(spent["session"]),
            },
            whole_in(held["held"]),
            whole_in(held["busy"]),
        )

    def add(self, micros: int, now_ms: int, *, day: str | None = None) -> None:
        """Count an amount as spent, now or in an earlier day; a negative one is taken back."""
        if not micros:
            return
        self._storage.rows(
            "INSERT INTO spend (period, micros, at_ms) VALUES (?, max(0, ?), ?) "
            "ON CONFLICT (period) DO UPDATE SET micros = max(0, micros + ?), at_ms = excluded.at_ms",
            day or period_of("day", now_ms / 1000),
            micros,
            now_ms,
            micros,
        )

    def fold(self, now_ms: int, *, idle_ms: int) -> None:
        """Count the days of earlier months together; forget all if nothing was spent for ``idle_ms``."""
        before = period_of("day", now_ms / 1000 - DAYS_APART * DAY_MS / 1000)
        earlier, last_ms = self._before(before), self.last_ms()
        if last_ms <= now_ms - idle_ms:
            self._storage.rows("DELETE FROM spend")
        elif earlier:
            self._storage.rows("DELETE FROM spend WHERE period < ?", before)
            self.add(earlier, last_ms, day=EARLIER)

    def _before(self, day: str) -> int:
        return one_number(self._storage, "SELECT sum(micros) FROM spend WHERE period < ?", day)

    def last_ms(self) -> int:
        """Return when something was spent last; 0 if there is nothing."""
        return one_number(self._storage, "SELECT max(at_ms) FROM spend")
