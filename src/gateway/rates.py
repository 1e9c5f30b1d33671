"""How often each key calls, in this isolate: requests of the minute, and those under way. Plain data.

Only what is counted is remembered: to ask about a key leaves no trace of it.
"""

from dataclasses import field

from gateway.frozen import dataclass

WINDOW_S = 60.0
# The keys that are remembered: those that have called last.
MAX_KEYS = 1_000


@dataclass(slots=True)
class _Traffic:
    began_at_s: float = float("-inf")
    count: int = 0
    before: int = 0  # in the minute before
    under_way: dict[str, float] = field(default_factory=dict)  # by request, until when


class Rates:
    """Counts by key, over a window that slides: of the minute before, as much counts as still lies in it."""

    def __init__(self) -> None:
        self._traffic: dict[str, _Traffic] = {}

    def used(self, key: str, *, now_s: float) -> float:
        """Return how many requests the last minute had."""
        traffic = self._seen(key, now_s)
        still_in = max(0.0, 1.0 - (now_s - traffic.began_at_s) / WINDOW_S)
        return traffic.count + traffic.before * still_in

    def wait_s(self, key: str, limit: int, *, now_s: float) -> float:
        """Return in how many seconds another request fits; 0 where one does now."""
        if self.used(key, now_s=now_s) + 1 <= limit:
            return 0.0
        traffic = self._seen(key, now_s)
        ends_in_s = traffic.began_at_s + WINDOW_S - now_s
        if traffic.count + 1 > limit:  # only once this minute slides out of the window
            return ends_in_s + WINDOW_S * (1 - (limit - 1) / traffic.count)
        room = (limit - 1 - traffic.count) / traffic.before
        return max(0.0, ends_in_s - room * WINDOW_S)

    def count(self, key: str, *, now_s: float) -> None:
        """Count a request."""
        self._kept(key, now_s).count += 1

    def under_way(self, key: str, *, now_s: float) -> int:
        """Return how many requests have begun and not ended."""
        return sum(until_s > now_s for until_s in self._seen(key, now_s).under_way.values())

    def begin(self, key: str, ticket: str, *, now_s: float, until_s: float) -> None:
        """Note that a request is under way, until ``until_s`` where nobody notices its end before."""
        traffic = self._kept(key, now_s)
        traffic.under_way = {name: each_s for name, each_s in traffic.under_way.items() if each_s > now_s}
        traffic.under_way[ticket] = until_s

    def end(self, key: str, ticket: str) -> None:
        """Note that it has ended."""
        if key in self._traffic:
            self._traffic[key].under_way.pop(ticket, None)

    def _kept(self, key: str, now_s: float) -> _Traffic:
        """Return a key's traffic, to be counted in; the key that has not called for longest makes room."""
        traffic = self._seen(key, now_s)
        self._traffic.pop(key, None)
        if len(self._traffic) >= MAX_KEYS:
            del self._traffic[next(iter(self._traffic))]
        self._traffic[key] = traffic
        return traffic

    def _seen(self, key: str, now_s: float) -> _Traffic:
        """Return a key's traffic as it is now."""
        traffic = self._traffic.get(key) or _Traffic()
        passed = now_s - traffic.began_at_s
        if passed >= WINDOW_S:
            traffic.before = traffic.count if passed < 2 * WINDOW_S else 0
            traffic.began_at_s = traffic.began_at_s + WINDOW_S if passed < 2 * WINDOW_S else now_s
            traffic.count = 0
        return traffic
