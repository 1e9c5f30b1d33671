"""Times single calls, on any runtime; it uses the standard library only."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

REPEATS = 9
REPEAT_S = 0.01
MAX_CALLS = 10_000


@dataclass(frozen=True, slots=True)
class Cost:
    """A call to time.

    Attributes:
        call: the call; it gets what ``prepare`` returned, or nothing.
        prepare: makes a new argument for each call; it is not timed.
    """

    name: str
    call: Callable[..., Any]
    prepare: Callable[[], Any] | None = None


def micros(cost: Cost) -> float:
    """Return the call's time in microseconds: the median of ``REPEATS``."""
    return median(_once_micros(cost) for _ in range(REPEATS)) if cost.prepare else _many_micros(cost.call)


def _once_micros(cost: Cost) -> float:
    assert cost.prepare is not None
    prepared = cost.prepare()
    began_s = perf_counter()
    cost.call(prepared)
    return (perf_counter() - began_s) * 1e6


def _many_micros(call: Callable[[], Any]) -> float:
    """Time several calls together, so that the clock's resolution and its own cost do not matter."""
    calls, took_s = 1, 0.0
    while took_s < REPEAT_S and calls < MAX_CALLS:
        calls *= 2
        took_s = _took_s(call, calls)
    return median(_took_s(call, calls) for _ in range(REPEATS)) / calls * 1e6


def _took_s(call: Callable[[], Any], calls: int) -> float:
    began_s = perf_counter()
    for _ in range(calls):
        call()
    return perf_counter() - began_s
