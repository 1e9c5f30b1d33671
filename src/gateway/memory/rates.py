"""Rates: for each key, the requests of the last minute and the requests in flight, in this isolate.

Plain data. A key is remembered only when a request of it is counted: a query about a key stores nothing.
"""

from dataclasses import field

from gateway.http.frozen import dataclass

WINDOW_S = 60.0
# Requests are counted in slots of this many seconds, so that a key's memory is bounded at any rate of calls.
SLOT_S = 0.25
# How many keys are remembered: the ones that called last.
MAX_KEYS = 1_000


@dataclass(slots=True)
class _Traffic:
    """The requests of one key.

    Attributes:
        slots: how many requests each slot of the window has, the oldest slot first.
        in_flight: for each request in flight, until when at most it counts, in Unix time.
    """

    slots: dict[int, int] = field(default_factory=dict)
    in_flight: dict[str, float] = field(default_factory=dict)


class Rates:
    """Counts the requests of each key, over a sliding window of ``WINDOW_S``."""

    def __init__(self) -> None:
        self._traffic: dict[str, _Traffic] = {}

    def used(self, key: str, *, now_s: float) -> int:
        """Return how many requests the key made in the last minute.

        Slots leave the window as a unit, so a request may drop out up to ``SLOT_S`` early.
        """
        return sum(self._current(key, now_s).slots.values())

    def wait_s(self, key: str, limit: int, *, now_s: float) -> float:
        """Return in how many seconds another request is within ``limit``; 0 if it is now."""
        slots = self._current(key, now_s).slots
        too_many = sum(slots.values()) + 1 - limit
        if too_many <= 0:
            return 0.0
        for slot, count in slots.items():
            too_many -= count
            if too_many <= 0:
                return _ends_at_s(slot) - now_s
        return WINDOW_S  # the limit is 0: no request is ever within it

    def count(self, key: str, *, now_s: float) -> None:
        """Count a request that arrives now."""
        slots, slot = self._stored(key, now_s).slots, int(now_s / SLOT_S)
        slots[slot] = slots.get(slot, 0) + 1

    def in_flight(self, key: str, *, now_s: float) -> int:
        """Return how many requests of the key are in flight."""
        return sum(until_s > now_s for until_s in self._current(key, now_s).in_flight.values())

    def begin(self, key: str, ticket: str, *, now_s: float, until_s: float) -> None:
        """Count a request as in flight, until ``end`` is called for it.

        It counts until ``until_s`` at most, in case ``end`` is never called.
        """
        traffic = self._stored(key, now_s)
        traffic.in_flight = {name: each_s for name, each_s in traffic.in_flight.items() if each_s > now_s}
        traffic.in_flight[ticket] = until_s

    def end(self, key: str, ticket: str) -> None:
        """Count a request as ended."""
        if key in self._traffic:
            self._traffic[key].in_flight.pop(ticket, None)

    def _stored(self, key: str, now_s: float) -> _Traffic:
        """Return a key's traffic to count in, and store it. The least recent key is dropped if needed."""
        traffic = self._current(key, now_s)
        self._traffic.pop(key, None)
        if len(self._traffic) >= MAX_KEYS:
            del self._traffic[next(iter(self._traffic))]
        self._traffic[key] = traffic
        return traffic

    def _current(self, key: str, now_s: float) -> _Traffic:
        """Return a key's traffic with current slots only, without storing a key that is new."""
        traffic = self._traffic.get(key) or _Traffic()
        traffic.slots = {slot: count for slot, count in traffic.slots.items() if _ends_at_s(slot) > now_s}
        return traffic


def _ends_at_s(slot: int) -> float:
    """Return when a slot leaves the window."""
    return slot * SLOT_S + WINDOW_S
