from datetime import UTC, datetime

import pytest

from gateway.http.json_values import Json
from gateway.settings.budget import (
    MAX_MICROS,
    Budget,
    as_budget,
    micros_of,
    period_of,
    resets_at,
    shown_time,
    shown_usd,
)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_a_budget_is_read_in_whole_micro_dollars() -> None:
    assert as_budget({"day_usd": 0.1, "month_usd": 2}) == Budget(day_micros=100_000, month_micros=2_000_000)
    assert not Budget()
    assert as_budget({"day_usd": 0})


@pytest.mark.parametrize("usd", [1e305, 1e10, 0.000_000_1, 0.000_000_999, -1, "1", True])
def test_an_invalid_budget_is_refused(usd: Json) -> None:
    for name in ("day_usd", "month_usd"):
        with pytest.raises(ValueError, match="must have a `budget` of numbers"):
            as_budget({name: usd})


def test_the_smallest_and_the_largest_budget_are_accepted() -> None:
    assert as_budget({"day_usd": 0.000_001, "month_usd": 1e9}) == Budget(day_micros=1, month_micros=10**15)


@pytest.mark.parametrize(
    ("now", "day", "month"),
    [
        ("2026-11-24T09:00:00", "2026-11-25T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("2026-12-31T23:59:59", "2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("2028-02-29T00:00:00", "2028-03-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        ("2026-01-31T12:00:00", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z"),
    ],
)
def test_days_and_months_are_in_utc(now: str, day: str, month: str) -> None:
    assert shown_time(resets_at("day", at(now))) == day
    assert shown_time(resets_at("month", at(now))) == month
    assert (period_of("day", at(now)), period_of("month", at(now))) == (now[:10], now[:7])


@pytest.mark.parametrize(
    ("usd", "micros"),
    [
        (0.0, 0),
        (0.000_000_4, 0),
        (0.000_000_5, 1),
        (0.000_002_5, 3),
        (0.000_001_005, 1),
        (0.000_020_5, 21),  # 20.499999999999996 as a float
        (1.0, 1_000_000),
        (-1.0, 0),
        (1e308, MAX_MICROS),
        (float("inf"), MAX_MICROS),
        (float("nan"), 0),
    ],
)
def test_amounts_are_rounded_to_whole_micro_dollars_halves_up(usd: float, micros: int) -> None:
    assert micros_of(usd) == micros


@pytest.mark.parametrize(
    ("micros", "shown"),
    [
        (0, "$0.00"),
        (1, "$0.000001"),
        (400, "$0.0004"),
        (1_000, "$0.001"),
        (100_000, "$0.10"),
        (999_999, "$0.999999"),
        (1_000_000, "$1.00"),
        (12_345_000, "$12.35"),
        (10**15, "$1,000,000,000.00"),
    ],
)
def test_an_amount_is_shown_with_the_digits_that_it_needs(micros: int, shown: str) -> None:
    assert shown_usd(micros) == shown
