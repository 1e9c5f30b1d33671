from datetime import UTC, datetime

import pytest

from gateway.budget import Budget, as_budget, period_of, resets_at, shown_time


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_a_budget_is_whole_micro_dollars() -> None:
    assert as_budget({"day_usd": 0.1, "month_usd": 2}) == Budget(day_micros=100_000, month_micros=2_000_000)
    assert not Budget()
    assert as_budget({"day_usd": 0})


@pytest.mark.parametrize(
    ("now", "day", "month"),
    [
        ("2026-11-24T09:00:00", "2026-11-25T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("2026-12-31T23:59:59", "2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("2028-02-29T00:00:00", "2028-03-01T00:00:00Z", "2028-03-01T00:00:00Z"),
        ("2026-01-31T12:00:00", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z"),
    ],
)
def test_days_and_months_are_utcs(now: str, day: str, month: str) -> None:
    assert shown_time(resets_at("day", at(now))) == day
    assert shown_time(resets_at("month", at(now))) == month
    assert (period_of("day", at(now)), period_of("month", at(now))) == (now[:10], now[:7])
