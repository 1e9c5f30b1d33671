"""The keys of the database that this isolate has read: what their rows said, and which tokens are in none.

Plain data, bounded. Tokens are remembered as digests only.
"""

from gateway.http.frozen import dataclass
from gateway.memory.lookups import Lookups
from gateway.settings.keys import GatewayKey

# How the token of such a key begins: it marks a leaked token as this gateway's.
TOKEN_PREFIX = "oe-"  # noqa: S105  # no token
# What stands for the keys with origins, among the digests and names that were sought.
ORIGINS = b"origins"
# How many keys are remembered, and how many tokens that are in no row: the ones that were used last.
MAX_KEYS = 300
MAX_UNKNOWN = 1_000
# How many tokens that it does not know one isolate looks up in a minute. A look-up costs D1 one row.
LOOKUPS_PER_MINUTE = 600
# After the database failed, it is not asked again for this long.
PAUSE_S = 2.0
# While the database fails, a key that is remembered goes on for this long after it was last read.
STALE_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What the database said of a token, of a name, or of origins.

    Attributes:
        keys: the keys that it found, each once for each token that it has; none if there is no row.
        at_s: when the database was asked.
    """

    keys: tuple[GatewayKey, ...]
    at_s: float


class StoredKeys:
    """Remembers readings, and when the database may be asked again."""

    def __init__(self) -> None:
        self.lookups = Lookups(LOOKUPS_PER_MINUTE)
        # Apart from each other, so that made-up tokens cannot evict keys.
        self._known: dict[bytes, Reading] = {}
        self._unknown: dict[bytes, Reading] = {}
        self._paused_until_s = 0.0

    def reading(self, sought: bytes, *, now_s: float, max_age_s: float) -> Reading | None:
        """Return what the database said of a token or a name, if that is not older than ``max_age_s``."""
        found = self._known.pop(sought, None)
        if found is not None:
            self._known[sought] = found  # the one that was not used for longest comes first
        found = found or self._unknown.get(sought)
        return found if found is not None and now_s - found.at_s <= max_age_s else None

    def note(self, sought: bytes, reading: Reading) -> None:
        """Remember what the database said of a token or a name."""
        self._known.pop(sought, None)
        self._unknown.pop(sought, None)
        kept, limit = (self._known, MAX_KEYS) if reading.keys else (self._unknown, MAX_UNKNOWN)
        if len(kept) >= limit:
            del kept[next(iter(kept))]
        kept[sought] = reading

    def is_known(self, sought: bytes) -> bool:
        """Return whether the last reading of a token or a name found a key, however old it is."""
        return sought in self._known

    def note_failure(self, *, now_s: float) -> None:
        """Note that the database failed."""
        self._paused_until_s = now_s + PAUSE_S

    def is_paused(self, *, now_s: float) -> bool:
        """Return whether the database has just failed, so that it is not asked now."""
        return now_s < self._paused_until_s

    def forget(self, name: str) -> None:
        """Forget a key whose row has changed. The next request reads the row."""
        self._unknown.pop(ORIGINS, None)
        self._known.pop(ORIGINS, None)
        self._known = {
            sought: each for sought, each in self._known.items() if all(key.name != name for key in each.keys)
        }
