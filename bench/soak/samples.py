"""What is sampled while nothing is under way, and the arithmetic of growth."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was alive after so many requests, once all of them were over.

    Attributes:
        requests: so far.
        per_s: requests a second since the sample before, without the wait for their end.
        rss_mb: what the Worker's process holds, its code and both its languages' heaps.
        heap_mb: what is in use of Python's heap.
        objects: Python's, of those that its garbage collector knows.
        timers: of the event loop's: those that the runtime dropped with their request stay for ever.
        proxies: of Python's objects in JavaScript, made and not destroyed.
        references: to JavaScript's objects, held by Python.
        tasks: of asyncio.
        open_calls: at the upstream.
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
    """Return how much more the number is at the end than at the first sample, which comes after the warm-up.

    The end is the median of the last three, so that one odd sample decides nothing.
    """
    values = [float(getattr(sample, number)) for sample in samples]
    return median(values[-3:]) - values[0]


def slope(samples: Sequence[Sample], number: str) -> float:
    """Return by how much the number rises in 1000 requests, over the second half: the least squares' line.

    Raises:
        ValueError: the second half is no more than one sample.
    """
    half = samples[len(samples) // 2 :]
    if len(half) < 2:
        raise ValueError("a slope needs two samples")
    xs = [sample.requests / 1000 for sample in half]
    ys = [float(getattr(sample, number)) for sample in half]
    mean_x, mean_y = fmean(xs), fmean(ys)
    over = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    return over / sum((x - mean_x) ** 2 for x in xs)
