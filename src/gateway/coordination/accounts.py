"""The money of one scope: what is spent in each period, and what is held for isolates, in micro-dollars."""

from gateway.coordination.storage import Storage
from gateway.coordination.tables import one_number
from gateway.settings.budget import SESSION, Span, period_of

SPANS: tuple[Span, ...] = ("day", "month", SESSION)


class Accounts:
    """What a scope has spent. The rules of days and months are those of ``settings.budget``, in UTC."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def spent(self, span: Span, now_ms: int) -> int:
        """Return what is spent in the current period of a span."""
        return one_number(
            self._storage, "SELECT micros FROM spend WHERE period = ?", period_of(span, now_ms / 1000)
        )

    def held(self) -> int:
        """Return what is held for isolates. It counts in every period until it is reported."""
        return one_number(self._storage, "SELECT sum(held) FROM grants WHERE open = 1")

    def busy(self) -> int:
        """Return how many requests are in flight, of a scope that limits them."""
        return one_number(self._storage, "SELECT sum(busy) FROM grants WHERE open = 1")

    def add(self, micros: int, now_ms: int, *, day: str | None = None) -> None:
        """Count an amount as spent, now or in an earlier day; a negative one is taken back."""
        if not micros:
            return
        day = day or period_of("day", now_ms / 1000)
        for period in (day, day[: len("YYYY-MM")], SESSION):
            self._storage.rows(
                "INSERT INTO spend (period, micros, at_ms) VALUES (?, max(0, ?), ?) "
                "ON CONFLICT (period) DO UPDATE SET micros = max(0, micros + ?), at_ms = excluded.at_ms",
                period,
                micros,
                now_ms,
                micros,
            )

    def forget_before(self, now_ms: int, *, idle_ms: int) -> None:
        """Forget the periods before the current month, and a session that was idle for ``idle_ms``."""
        month = period_of("month", now_ms / 1000)
        self._storage.rows(
            "DELETE FROM spend WHERE period < ? OR (period = ? AND at_ms < ?)",
            month,
            SESSION,
            now_ms - idle_ms,
        )
