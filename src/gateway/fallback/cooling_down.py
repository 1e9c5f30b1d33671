"""Holds the models of one request that are cooling down, and when each is ready again."""

from gateway.routing.chain import Candidate


class CoolingDown:
    """The models of a chain that may still answer once they have cooled down."""

    def __init__(self) -> None:
        self._entries: list[tuple[float, Candidate]] = []

    def __bool__(self) -> bool:
        return bool(self._entries)

    @property
    def in_order(self) -> list[tuple[float, Candidate]]:
        """When each model is ready, in Unix time in seconds, and the model; the first to be ready first."""
        return sorted(self._entries, key=lambda each: each[0])

    def ready_in_s(self, now_s: float) -> float | None:
        """Return in how many seconds the first model is ready; None if there is none."""
        return min((max(0.0, at_s - now_s) for at_s, _ in self._entries), default=None)

    def add(self, candidate: Candidate, *, ready_at_s: float) -> None:
        """Add a model."""
        self._entries.append((ready_at_s, candidate))

    def remove(self, entry: tuple[float, Candidate]) -> None:
        """Remove one entry of ``in_order``."""
        self._entries.remove(entry)

    def forget(self, candidate: Candidate) -> None:
        """Remove all entries of a model."""
        self._entries = [each for each in self._entries if each[1] is not candidate]

    def forget_upstream(self, upstream: str) -> None:
        """Remove all models of an upstream."""
        self._entries = [each for each in self._entries if each[1].upstream != upstream]
