"""How fast models have been here: this isolate's own measurements. Plain data, bounded, forgotten in time."""

from gateway.http.frozen import dataclass

# A newer measurement counts for so much of the average.
WEIGHT = 0.3
# After so long a model gets another chance: it may be faster than it was.
FORGOTTEN_S = 900.0
# What a failed attempt counts as, at the least: an error that comes at once is not fast.
FAILED_MS = 30_000.0
MAX_MODELS = 500


@dataclass(slots=True)
class _Measured:
    ms: float
    at_s: float


class Latencies:
    """Remembers, by model, how long an attempt took to commit: a stream's first word, or a whole answer."""

    def __init__(self) -> None:
        self._measured: dict[tuple[str, bool], _Measured] = {}

    def note(self, model: str, ms: float, *, stream: bool, answered: bool, now_s: float) -> None:
        """Take in what one attempt took."""
        took_ms = ms if answered else max(ms, FAILED_MS)
        key = (model, stream)
        before_ms = self.ms(model, stream=stream, now_s=now_s)
        if before_ms is not None:
            took_ms = before_ms + WEIGHT * (took_ms - before_ms)
        self._measured.pop(key, None)  # so that the one that was measured longest ago comes first
        self._measured[key] = _Measured(took_ms, now_s)
        if len(self._measured) > MAX_MODELS:
            del self._measured[next(iter(self._measured))]

    def ms(self, model: str, *, stream: bool, now_s: float) -> float | None:
        """Return how long the model takes, in ms; None where that is not known, or no longer."""
        measured = self._measured.get((model, stream))
        return measured.ms if measured and now_s - measured.at_s <= FORGOTTEN_S else None
