"""The verdict: what must not grow, or must not be there at all, each with its bound."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.soak.samples import Sample, growth, slope


@dataclass(frozen=True, slots=True)
class Bound:
    """One number and the most that it may be."""

    name: str
    value: float
    most: float

    @property
    def is_kept(self) -> bool:
        """Whether it is within its bound."""
        return self.value <= self.most

    def line(self) -> str:
        """Return it on one line."""
        word = "kept" if self.is_kept else "BROKEN"
        return f"{word:8}{self.name:66}{self.value:>10.1f}   at most {self.most:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds that depend on how long a run is, from the first sample, after the warm-up, to the end.

    Attributes:
        rss_mb: by how much more the process may hold at the end.
        rss_kb: by how much that may rise, in 1000 requests of the second half; None where that is too short.
        heap_kb: the same, of Python's heap.
        objects: the same, of Python's objects.
        timers: the same, of those that the runtime dropped; one request may leave several.
    """

    rss_mb: float
    rss_kb: float | None
    heap_kb: float
    objects: float
    timers: float


FULL = Limits(rss_mb=60, rss_kb=500, heap_kb=20, objects=100, timers=1)
SHORT = Limits(rss_mb=40, rss_kb=None, heap_kb=50, objects=200, timers=20)
"""From 20,000 requests on, and below."""


def bounds(samples: Sequence[Sample], limits: Limits, *, wrong: int, faults: int) -> Iterator[Bound]:
    """Yield every bound; those of growth only where there are samples enough to see any.

    Args:
        samples: of the whole run, in order.
        limits: of growth.
        wrong: how many replies were not what they must be.
        faults: how many lines of the log tell of one.
    """
    yield Bound("replies that were not what they must be", wrong, 0)
    yield Bound("lines of the log that tell of a fault nobody handled", faults, 0)
    if not samples:
        return
    yield Bound("tasks alive when all was over, the most", max(each.tasks for each in samples), 0)
    yield Bound("upstream calls not ended, the most", max(each.open_calls for each in samples), 0)
    if len(samples) < 4:
        return
    yield Bound("proxies not destroyed, more than after the warm-up", growth(samples, "proxies"), 0)
    yield Bound("references to JavaScript's objects, more likewise", growth(samples, "references"), 0)
    yield Bound("timers that the runtime dropped, in 1000 requests", slope(samples, "timers"), limits.timers)
    yield Bound("Python's objects, more in 1000 requests", slope(samples, "objects"), limits.objects)
    yield Bound("Python's heap, KB more in 1000 requests", slope(samples, "heap_mb") * 1000, limits.heap_kb)
    yield Bound(
        "memory of the process, MB more than after the warm-up", growth(samples, "rss_mb"), limits.rss_mb
    )
    if limits.rss_kb is not None:
        yield Bound(
            "memory of the process, KB more in 1000 requests",
            slope(samples, "rss_mb") * 1000,
            limits.rss_kb,
        )
