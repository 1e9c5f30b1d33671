"""Counts the requests of the last minute for all isolates, in slots, as ``memory.rates`` does for one."""

from gateway.coordination.storage import Storage
from gateway.coordination.tables import one_number, whole_in

WINDOW_MS = 60_000
# Requests are counted in slots of this many ms, so that the number of rows is bounded at any rate of calls.
SLOT_MS = 250


def slot_of(now_ms: int) -> int:
    """Return the slot of a time."""
    return now_ms // SLOT_MS


class CallRate:
    """The requests of one scope."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def used(self, now_ms: int) -> int:
        """Return how many requests were granted in the last minute."""
        return one_number(
            self._storage, "SELECT sum(count) FROM calls WHERE slot > ?", slot_of(now_ms - WINDOW_MS)
        )

    def wait_ms(self, limit: int, now_ms: int) -> int:
        """Return in how many ms another request is within ``limit``; 0 if it is now."""
        too_many = self.used(now_ms) + 1 - limit
        if too_many <= 0:
            return 0
        after = slot_of(now_ms - WINDOW_MS)
        for row in self._storage.rows("SELECT slot, count FROM calls WHERE slot > ? ORDER BY slot", after):
            too_many -= whole_in(row["count"])
            if too_many <= 0:
                return (whole_in(row["slot"]) + 1) * SLOT_MS + WINDOW_MS - now_ms
        return WINDOW_MS  # the limit is 0: no request is ever within it

    def count(self, requests: int, now_ms: int) -> None:
        """Count requests that begin now, or may begin soon; forget those of earlier minutes."""
        self._storage.rows("DELETE FROM calls WHERE slot <= ?", slot_of(now_ms - WINDOW_MS))
        self._storage.rows(
            "INSERT INTO calls (slot, count) VALUES (?, ?) "
            "ON CONFLICT (slot) DO UPDATE SET count = count + excluded.count",
            slot_of(now_ms),
            requests,
        )

    def take_back(self, requests: int, slot: int) -> None:
        """Take requests back that were not made."""
        self._storage.rows("UPDATE calls SET count = max(0, count - ?) WHERE slot = ?", requests, slot)
