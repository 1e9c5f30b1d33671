"""Counts the work that an input makes: calls, and CPU beside an input of the same kind that is smaller.

No test has a limit in seconds. What is compared was measured in the same run, and the margins are wide.
"""

import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeAlias

Work: TypeAlias = Callable[[], object]

REPEATS = 3
GROWTH = 4
# Four times the input may take ten times the CPU. Where work is quadratic it takes sixteen times as much.
MOST = 10.0
# What a busy machine may add to any measurement.
NOISE_S = 0.01


def calls_of(work: Work) -> int:
    """Return how many calls of functions, in Python and in C, some work makes."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


def cpu_s(work: Work) -> float:
    """Return the CPU that some work takes in seconds: the least of a few runs."""
    return min(_once_s(work) for _ in range(REPEATS))


def _once_s(work: Work) -> float:
    began_s = time.process_time()
    work()
    return time.process_time() - began_s


def check_growth(work_of: Callable[[int], Work], size: int) -> None:
    """Fail if the CPU of some work grows faster than its input.

    Args:
        work_of: returns the work for an input of a size.
        size: the smaller one of the two that are compared.
    """
    small_s, large_s = cpu_s(work_of(size)), cpu_s(work_of(GROWTH * size))
    assert large_s <= MOST * small_s + NOISE_S, f"{small_s * 1e3:.1f} ms grew to {large_s * 1e3:.1f} ms"
