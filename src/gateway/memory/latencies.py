"""Latencies: how long each model took to commit, as measured in this isolate.

Plain data: bounded by ``MAX_MODELS``, and forgotten after ``FORGOTTEN_S``.
"""

from gateway.http.frozen import dataclass

# The share of the newest measurement in the moving average.
WEIGHT = 0.3
# A measurement is forgotten after this time: the model may have become faster, and gets another chance.
FORGOTTEN_S = 900.0
# A failed attempt counts as at least this long: an immediate error must not count as a fast answer.
FAILED_MS = 30_000.0
MAX_MODELS = 500


@dataclass(slots=True)
class _Measured:
    ms: float
    at_s: float


class Latencies:
    """Remembers, by model, the moving average of the time that an attempt took to commit.

    A stream commits with its first content, a plain answer when it is complete. The two are measured apart.
    """

    def __init__(self) -> None:
        self._measured: dict[tuple[str, bool], _Measured] = {}

    def note(self, model: str, ms: float, *, stream: bool, answered: bool, now_s: float) -> None:
        """Add one measurement to the model's average.

        Args:
            model: the model that was called.
            ms: how long the attempt took until it committed or failed.
            stream: whether a stream was requested.
            answered: whether the attempt succeeded; a failed one counts as at least ``FAILED_MS``.
            now_s: Unix time in seconds.
        """
        took_ms = ms if answered else max(ms, FAILED_MS)
        key = (model, stream)
        before_ms = self.ms(model, stream=stream, now_s=now_s)
        if before_ms is not None:
            took_ms = before_ms + WEIGHT * (took_ms - before_ms)
        self._measured.pop(key, None)  # the model that was measured longest ago comes first
        self._measured[key] = _Measured(took_ms, now_s)
        if len(self._measured) > MAX_MODELS:
            del self._measured[next(iter(self._measured))]

    def ms(self, model: str, *, stream: bool, now_s: float) -> float | None:
        """Return the model's average latency in ms; None if there is none, or it is too old."""
        measured = self._measured.get((model, stream))
        return measured.ms if measured and now_s - measured.at_s <= FORGOTTEN_S else None
