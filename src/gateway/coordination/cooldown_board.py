"""What isolates tell each other of models that must not be called for now. It travels with other messages."""

from gateway.coordination.messages import Cooldown
from gateway.coordination.storage import Storage
from gateway.coordination.tables import one_number, whole_in

# How many cooldowns are stored, and how many one message tells. The newest changes come first.
MAX_COOLDOWNS = 500
MAX_TOLD = 100
# No cooldown that an isolate begins is longer. A longer one is cut: a clock may be wrong.
MAX_MS = 86_400_000
# For how long it is remembered that a cooldown has ended, for isolates that have not asked since.
ENDED_MS = 3_600_000


class CooldownBoard:
    """The cooldowns that the isolates of a scope tell each other. The later end of two counts."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def learn(self, learned: tuple[Cooldown, ...], now_ms: int) -> None:
        """Store what an isolate has learned."""
        for each in learned[:MAX_COOLDOWNS]:
            self._learn_one(each, now_ms)
        if learned:
            self._trim()

    def _learn_one(self, learned: Cooldown, now_ms: int) -> None:
        rows = self._storage.rows("SELECT * FROM cooldowns WHERE place = ?", learned.place)
        began_ms, until_ms, probed_ms = (
            min(learned.began_ms, now_ms),
            min(learned.until_ms, now_ms + MAX_MS),
            min(learned.probed_ms, now_ms + MAX_MS),
        )
        if rows:
            before_began, before_until = whole_in(rows[0]["began_ms"]), whole_in(rows[0]["until_ms"])
            if not until_ms and (not before_until or before_began > began_ms):
                return  # it has ended already, or another one has begun since
            if until_ms and not before_until and began_ms <= before_began:
                return  # it has ended since
            if until_ms and before_until:
                until_ms = max(until_ms, before_until)
                probed_ms = max(probed_ms, whole_in(rows[0]["probed_ms"]))
                if (until_ms, probed_ms) == (before_until, whole_in(rows[0]["probed_ms"])):
                    return
        self._storage.rows(
            "INSERT INTO cooldowns VALUES (?, ?, ?, ?, ?) ON CONFLICT (place) DO UPDATE SET "
            "began_ms = excluded.began_ms, until_ms = excluded.until_ms, probed_ms = excluded.probed_ms, "
            "changed = excluded.changed",
            learned.place,
            began_ms,
            until_ms,
            probed_ms,
            self.last_change() + 1,
        )

    def last_change(self) -> int:
        """Return the number of the last change; 0 if there was none."""
        return one_number(self._storage, "SELECT max(changed) FROM cooldowns")

    def changed_since(self, seen: int) -> tuple[tuple[Cooldown, ...], int]:
        """Return the cooldowns that have changed since the change ``seen``, and the last change's number."""
        last = self.last_change()
        if seen == last:
            return (), last
        rows = self._storage.rows(
            "SELECT * FROM cooldowns WHERE changed > ? ORDER BY changed DESC LIMIT ?",
            seen if seen < last else 0,  # a lower number: what was there has been forgotten
            MAX_TOLD,
        )
        return tuple(
            Cooldown(
                place=str(row["place"]),
                began_ms=whole_in(row["began_ms"]),
                until_ms=whole_in(row["until_ms"]),
                probed_ms=whole_in(row["probed_ms"]),
            )
            for row in rows
        ), last

    def forget(self, now_ms: int) -> None:
        """Forget cooldowns that ended long ago. The last change stays, so that numbers go on."""
        self._storage.rows(
            "DELETE FROM cooldowns WHERE max(began_ms, until_ms) < ? AND changed < ?",
            now_ms - ENDED_MS,
            self.last_change(),
        )

    def _trim(self) -> None:
        self._storage.rows(
            "DELETE FROM cooldowns WHERE place NOT IN "
            "(SELECT place FROM cooldowns ORDER BY changed DESC LIMIT ?)",
            MAX_COOLDOWNS,
        )
