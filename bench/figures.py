"""The arithmetic: percentiles, medians over rounds, and ratios between contenders within a round."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The numbers of one series of requests; ``cpu_ms`` is per request, of the Worker's process only."""

    per_s: float
    p50_ms: float
    p99_ms: float
    first_event_ms: float | None = None
    events_per_s: float | None = None
    cpu_ms: float


NUMBERS = ("per_s", "p50_ms", "p99_ms", "first_event_ms", "events_per_s", "cpu_ms")


def percentile(ascending: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least ``percent`` of the values do not exceed (nearest rank).

    Raises:
        ValueError: there are no values.
    """
    if not ascending:
        raise ValueError("no values")
    rank = max(1, ceil(len(ascending) * percent / 100))
    return ascending[rank - 1]


def median_of(rounds: Sequence[Series], number: str) -> float | None:
    """Return the median of one number over the rounds; None if the rounds do not have it."""
    values = [value for each in rounds if (value := getattr(each, number)) is not None]
    return median(values) if values else None


def ratio(rounds: Sequence[Series], others: Sequence[Series], number: str) -> float | None:
    """Return the median over the rounds of one contender's number divided by another's in the same round.

    Within a round they run one after the other, so other load on the machine affects both.
    """
    pairs = [
        (getattr(mine, number), getattr(other, number)) for mine, other in zip(rounds, others, strict=True)
    ]
    quotients = [mine / other for mine, other in pairs if mine is not None and other]
    return median(quotients) if quotients else None


def difference(rounds: Sequence[Series], others: Sequence[Series], number: str) -> float | None:
    """Return the median over the rounds of one contender's number minus another's in the same round."""
    pairs = [
        (getattr(mine, number), getattr(other, number)) for mine, other in zip(rounds, others, strict=True)
    ]
    differences = [mine - other for mine, other in pairs if mine is not None and other is not None]
    return median(differences) if differences else None
