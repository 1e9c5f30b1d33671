"""How often each key calls, in this isolate: requests of the minute, and those under way. Plain data.

Only what is counted is remembered: to ask about a key leaves no trace of it.
"""

from dataclasses import field

from gateway.http.frozen import dataclass

WINDOW_S = 60.0
# Requests are counted by slots of so many seconds: what is remembered of a key is bounded, however it calls.
SLOT_S = 0.25
# The keys that are remembered: those that have called last.
MAX_KEYS = 1_000


@dataclass(slots=True)
class _Traffic:
    slots: dict[int, int] = field(default_factory=dict)  # the requests of the window, the oldest slot first
    in_flight: dict[str, float] = field(default_factory=dict)  # by request, until when


class Rates:
    """Counts by key, over a window that slides."""

    def __init__(self) -> None:
        self._traffic: dict[str, _Traffic] = {}

    def used(self, key: str, *, now_s: float) -> int:
        """Return how many requests the last minute had, but for what its first slot may have lost."""
        return sum(self._seen(key, now_s).slots.values())

    def wait_s(self, key: str, limit: int, *, now_s: float) -> float:
        """Return in how many seconds another request fits; 0 where one does now."""
        slots = self._seen(key, now_s).slots
        too_many = sum(slots.values()) + 1 - limit
        if too_many <= 0:
            return 0.0
        for slot, count in slots.items():
            too_many -= count
            if too_many <= 0:
                return _ends_at_s(slot) - now_s
        return WINDOW_S  # a limit of none: none ever does

    def count(self, key: str, *, now_s: float) -> None:
        """Count a request."""
        slots, slot = self._kept(key, now_s).slots, int(now_s / SLOT_S)
        slots[slot] = slots.get(slot, 0) + 1

    def in_flight(self, key: str, *, now_s: float) -> int:
        """Return how many requests have begun and not ended."""
        return sum(until_s > now_s for until_s in self._seen(key, now_s).in_flight.values())

    def begin(self, key: str, ticket: str, *, now_s: float, until_s: float) -> None:
        """Note that a request is under way, until ``until_s`` where nobody notices its end before."""
        traffic = self._kept(key, now_s)
        traffic.in_flight = {name: each_s for name, each_s in traffic.in_flight.items() if each_s > now_s}
        traffic.in_flight[ticket] = until_s

    def end(self, key: str, ticket: str) -> None:
        """Note that it has ended."""
        if key in self._traffic:
            self._traffic[key].in_flight.pop(ticket, None)

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
        traffic.slots = {slot: count for slot, count in traffic.slots.items() if _ends_at_s(slot) > now_s}
        return traffic


def _ends_at_s(slot: int) -> float:
    """Return when the window has left a slot behind."""
    return slot * SLOT_S + WINDOW_S
