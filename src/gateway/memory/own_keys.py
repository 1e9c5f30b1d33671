"""What OpenRouter said of callers' own keys: which it accepts, and which it refuses.

Plain data, bounded by ``MAX_KEYS``. Keys are remembered as digests only, in this isolate only.
"""

from enum import Enum
from hashlib import sha256

from gateway.memory.lookups import Lookups

# How many digests are remembered for each verdict: the ones that were noted last.
MAX_KEYS = 1_000
LOOKUPS_PER_MINUTE = 60


class Verdict(Enum):
    """What OpenRouter said of a key; the value is for how many seconds that counts."""

    ACCEPTED = 600.0
    REFUSED = 60.0
    UNANSWERED = 2.0  # it did not say: a pause, before it is asked again


class OwnKeys:
    """Remembers verdicts, and counts the look-ups of keys that were never accepted."""

    def __init__(self) -> None:
        # The verdicts are apart, so that made-up keys cannot evict accepted ones.
        self._until_s: dict[Verdict, dict[bytes, float]] = {verdict: {} for verdict in Verdict}
        self._lookups = Lookups(LOOKUPS_PER_MINUTE)

    def verdict(self, token: str, *, now_s: float) -> Verdict | None:
        """Return what OpenRouter said of a key lately; None if it has to be asked."""
        digest = _digest_of(token)
        return next((each for each, until_s in self._until_s.items() if until_s.get(digest, 0) > now_s), None)

    def note(self, token: str, verdict: Verdict, *, now_s: float) -> None:
        """Remember a verdict from now on. It replaces what was known, unless OpenRouter did not answer."""
        digest = _digest_of(token)
        if verdict is not Verdict.UNANSWERED:
            self.forget(token)
        noted = self._until_s[verdict]
        noted.pop(digest, None)
        if len(noted) >= MAX_KEYS:
            del noted[next(iter(noted))]
        noted[digest] = now_s + verdict.value

    def forget(self, token: str) -> None:
        """Forget what OpenRouter said of a key."""
        for noted in self._until_s.values():
            noted.pop(_digest_of(token), None)

    def wait_s(self, token: str, *, now_s: float) -> float:
        """Return in how many seconds this key may be looked up; 0 if it may be now.

        ``LOOKUPS_PER_MINUTE`` limits the keys that were never accepted, all of them together.
        """
        return 0.0 if self._was_accepted(token) else self._lookups.wait_s(now_s=now_s)

    def is_looked_up(self, token: str, *, now_s: float) -> bool:
        """Return whether a request is looking this key up."""
        return self._lookups.is_in_flight(_digest_of(token), now_s=now_s)

    def begin_lookup(self, token: str, *, now_s: float, until_s: float) -> None:
        """Count a look-up, and say that it goes on until ``until_s`` at most."""
        known = self._was_accepted(token)
        self._lookups.begin(_digest_of(token), now_s=now_s, until_s=until_s, known=known)

    def end_lookup(self, token: str) -> None:
        """Say that a look-up has ended, whatever its outcome."""
        self._lookups.end(_digest_of(token))

    def _was_accepted(self, token: str) -> bool:
        """Return whether OpenRouter accepted a key once, however long ago, and has not refused it since."""
        return _digest_of(token) in self._until_s[Verdict.ACCEPTED]


def _digest_of(token: str) -> bytes:
    return sha256(token.encode()).digest()
