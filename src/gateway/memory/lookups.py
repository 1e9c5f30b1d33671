"""The look-ups of keys: which are in flight, and how many keys that are not known were looked up lately.

Plain data. Requests with the same key share one look-up: the others wait until it has ended. A bound on keys
that are not known keeps guessing from flooding whoever is asked.
"""

from gateway.memory.rates import Rates

_UNKNOWN = "unknown"


class Lookups:
    """The look-ups of one kind in this isolate; keys are given as digests or names, never as tokens."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._until_s: dict[str | bytes, float] = {}
        self._unknown = Rates()

    def wait_s(self, *, now_s: float) -> float:
        """Return in how many seconds a key that is not known may be looked up; 0 if one may be now."""
        return self._unknown.wait_s(_UNKNOWN, self._per_minute, now_s=now_s)

    def is_in_flight(self, key: str | bytes, *, now_s: float) -> bool:
        """Return whether a request is looking this key up."""
        return self._until_s.get(key, 0.0) > now_s

    def begin(self, key: str | bytes, *, now_s: float, until_s: float, known: bool) -> None:
        """Note that a look-up begins, and that it goes on until ``until_s`` at most; count an unknown key."""
        if not known:
            self._unknown.count(_UNKNOWN, now_s=now_s)
        in_flight = {each: each_s for each, each_s in self._until_s.items() if each_s > now_s}
        self._until_s = {**in_flight, key: until_s}

    def end(self, key: str | bytes) -> None:
        """Note that a look-up has ended, whatever its outcome."""
        self._until_s.pop(key, None)
