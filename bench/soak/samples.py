"""The samples, taken while no request is in flight, and the calculation of growth."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The counts of what is alive after a number of requests, once all of them have ended.

    Attributes:
        requests: the requests so far.
        per_s: requests per second since the sample before, without the wait for their end.
        rss_mb: the memory of the Worker's process: its code, and the heaps of Python and JavaScript.
        heap_mb: the used part of Python's heap.
        objects: Python's objects that its garbage collector tracks.
        timers: callbacks and timers of the event loop; those that the runtime dropped with their request
            stay for ever.
        proxies: JavaScript proxies of Python objects that were not destroyed.
        references: JavaScript objects that Python holds.
        tasks: asyncio tasks.
        open_calls: calls at the upstream that have not ended.
    """

    requests: int
    per_s: float
    rss_mb: float
    heap_mb: float
    objects: int
    timers: int
    proxies: int
    references: int
    tasks: int
    open_calls: int


def growth(samples: Sequence[Sample], number: str) -> float:
    """Return by how much the number has grown since the first sample, which follows the warm-up.

    The final value is the median of the last three samples, so one odd sample does not matter.
    """
    values = [float(getattr(sample, number)) for sample in samples]
    return median(values[-3:]) - values[0]


def slope(samples: Sequence[Sample], number: str) -> float:
    """Return the growth of the number per 1000 requests in the second half of the run, by least squares.

    Raises:
        ValueError: the second half has fewer than two samples.
    """
    half = samples[len(samples) // 2 :]
    if len(half) < 2:
        raise ValueError("a slope needs two samples")
    xs = [sample.requests / 1000 for sample in half]
    ys = [float(getattr(sample, number)) for sample in half]
    mean_x, mean_y = fmean(xs), fmean(ys)
    over = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    return over / sum((x - mean_x) ** 2 for x in xs)
