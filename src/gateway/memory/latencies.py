"""Latencies: how long each model took to commit, as measured in this isolate.

Plain data: bounded by ``MAX_MODELS``, and forgotten after ``FORGOTTEN_S``.
"""

from dataclasses import field
from math import ceil, inf

from gateway.http.frozen import dataclass

# The share of the newest measurement in the moving average.
WEIGHT = 0.3
# A measurement is forgotten after this time: the model may have become faster, and gets another chance.
FORGOTTEN_S = 900.0
# A failed attempt counts as at least this long: an immediate error must not count as a fast answer.
FAILED_MS = 30_000.0
MAX_MODELS = 500
# How many of a model's last streams count, and how many must, before they show what is usual.
MAX_STREAMS, LEAST_STREAMS = 50, 20
P95 = 0.95


@dataclass(slots=True)
class _Measured:
    ms: float
    at_s: float
    # Of streams: when each was measured, and how long it took; infinity for one that took too long.
    last: list[tuple[float, float]] = field(default_factory=list)


class Latencies:
    """Remembers, by model, the moving average of the time that an attempt took to commit.

    A stream commits with its first content, a plain answer when it is complete. The two are measured apart.
    """

    def __init__(self) -> None:
        self._measured: dict[tuple[str, bool], _Measured] = {}

    def note(
        self,
        model: str,
        ms: float,
        *,
        stream: bool,
        answered: bool,
        now_s: float,
        is_too_slow: bool = False,
    ) -> None:
        """Add one measurement to the model's average, and to its last streams.

        Args:
            model: the model that was called.
            ms: how long the attempt took until it committed or failed.
            stream: whether a stream was requested.
            answered: whether the attempt succeeded; a failed one counts as at least ``FAILED_MS``.
            now_s: Unix time in seconds.
            is_too_slow: whether it failed because it took longer than is usual.
        """
        took_ms = ms if answered else max(ms, FAILED_MS)
        key = (model, stream)
        before_ms = self.ms(model, stream=stream, now_s=now_s)
        if before_ms is not None:
            took_ms = before_ms + WEIGHT * (took_ms - before_ms)
        # The model that was measured longest ago comes first.
        measured = self._measured.pop(key, None) or _Measured(took_ms, now_s)
        measured.ms, measured.at_s = took_ms, now_s
        self._measured[key] = measured
        if stream and (answered or is_too_slow):
            measured.last.append((now_s, ms if answered else inf))
            del measured.last[:-MAX_STREAMS]
        if len(self._measured) > MAX_MODELS:
            del self._measured[next(iter(self._measured))]

    def ms(self, model: str, *, stream: bool, now_s: float) -> float | None:
        """Return the model's average latency in ms; None if there is none, or it is too old."""
        measured = self._measured.get((model, stream))
        return measured.ms if measured and now_s - measured.at_s <= FORGOTTEN_S else None

    def p95_ms(self, model: str, *, now_s: float) -> float | None:
        """Return the time within which 95 % of the model's last streams made their first progress, in ms.

        None if fewer than ``LEAST_STREAMS`` were measured lately, or if more than 5 % were ended because
        they took too long: nobody knows how long they would have taken.
        """
        measured = self._measured.get((model, True))
        if measured is None or len(measured.last) < LEAST_STREAMS:
            return None
        times_ms = sorted(ms for at_s, ms in measured.last if now_s - at_s <= FORGOTTEN_S)
        if len(times_ms) < LEAST_STREAMS:
            return None
        p95_ms = times_ms[ceil(P95 * len(times_ms)) - 1]
        return None if p95_ms == inf else p95_ms
