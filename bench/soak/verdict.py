"""The verdict: the numbers that must not grow or must be zero, each with its bound."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.soak.samples import Sample, growth, slope


@dataclass(frozen=True, slots=True)
class Bound:
    """A number and its maximum."""

    name: str
    value: float
    most: float

    @property
    def is_met(self) -> bool:
        """Whether the number is within its bound."""
        return self.value <= self.most

    def line(self) -> str:
        """Return it as one line of text."""
        word = "kept" if self.is_met else "BROKEN"
        return f"{word:8}{self.name:66}{self.value:>10.1f}   at most {self.most:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds that depend on a run's length. Growth is from the first sample (after the warm-up) on.

    Attributes:
        rss_mb: the growth of the process's memory, in MB.
        rss_kb: its growth in KB per 1000 requests of the second half; None for short runs.
        heap_kb: the same for Python's heap.
        objects: the same for the number of Python's objects.
        timers: the same for callbacks and timers of the event loop that the runtime dropped.
    """

    rss_mb: float
    rss_kb: float | None
    heap_kb: float
    objects: float
    timers: float


FULL = Limits(rss_mb=60, rss_kb=500, heap_kb=20, objects=100, timers=0.1)
SHORT = Limits(rss_mb=40, rss_kb=None, heap_kb=100, objects=300, timers=1)
"""``FULL`` is for runs from 20,000 requests on, ``SHORT`` for shorter ones.

In a short run an isolate still fills what it remembers: 2,000 sessions, 500 models. The mix has new ones.
"""


def bounds(samples: Sequence[Sample], limits: Limits, *, wrong: int, faults: int) -> Iterator[Bound]:
    """Yield every bound; those of growth only if there are enough samples.

    Args:
        samples: the samples of the complete run, in order.
        limits: the bounds of growth.
        wrong: how many replies were wrong.
        faults: how many lines of the log report a fault.
    """
    yield Bound("wrong replies", wrong, 0)
    yield Bound("log lines that report an unhandled fault", faults, 0)
    if not samples:
        return
    yield Bound("tasks alive after all requests, maximum", max(each.tasks for each in samples), 0)
    yield Bound("upstream calls not ended, maximum", max(each.open_calls for each in samples), 0)
    if len(samples) < 4:
        return
    yield Bound("proxies not destroyed, more than after the warm-up", growth(samples, "proxies"), 0)
    yield Bound(
        "references to JavaScript's objects, more than after the warm-up", growth(samples, "references"), 0
    )
    yield Bound("callbacks that were dropped, per 1000 requests", slope(samples, "timers"), limits.timers)
    yield Bound("Python's objects, more per 1000 requests", slope(samples, "objects"), limits.objects)
    yield Bound("Python's heap, KB more per 1000 requests", slope(samples, "heap_mb") * 1000, limits.heap_kb)
    yield Bound(
        "memory of the process, MB more than after the warm-up", growth(samples, "rss_mb"), limits.rss_mb
    )
    if limits.rss_kb is not None:
        yield Bound(
            "memory of the process, KB more per 1000 requests",
            slope(samples, "rss_mb") * 1000,
            limits.rss_kb,
        )
