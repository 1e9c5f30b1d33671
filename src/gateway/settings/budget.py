"""Budgets: the limits for a UTC day, a UTC month and a session, and when each period resets."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import floor
from typing import Literal, TypeAlias

from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, number_or_none, object_or_empty
from gateway.settings.parse_value import BUDGETS, is_budget

MICROS = 1_000_000  # micro-dollars in a USD
# No request costs this much. The cap keeps a wrong cost of an upstream from spoiling the sums.
MAX_MICROS = 1_000_000 * MICROS
Span: TypeAlias = Literal["day", "month", "session"]
SESSION: Literal["session"] = "session"  # the span of a session, and the name of its only period


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The spending limits in whole micro-dollars; None: no limit. It is false if there is no limit at all."""

    day_micros: int | None = None
    month_micros: int | None = None
    session_micros: int | None = None

    def limits(self) -> Iterator[tuple[Span, int]]:
        """Yield each limit that is set, with its span."""
        if self.day_micros is not None:
            yield "day", self.day_micros
        if self.month_micros is not None:
            yield "month", self.month_micros
        if self.session_micros is not None:
            yield SESSION, self.session_micros

    def __bool__(self) -> bool:
        return any(True for _ in self.limits())


def micros_of(usd: float) -> int:
    """Return an amount in whole micro-dollars, halves rounded up, from 0 to ``MAX_MICROS``; NaN becomes 0."""
    micros = usd * MICROS
    if not 0 < micros < MAX_MICROS:
        return MAX_MICROS if micros > 0 else 0
    return floor(round(micros, 3) + 0.5)  # a half rounds up, although as a float it may be slightly less


def shown_usd(micros: int) -> str:
    """Return an amount as text: with two decimals, or below one dollar with as many as it needs, at most six.

    An amount above nothing is never shown as nothing.
    """
    if micros <= 0 or micros >= MICROS:
        return f"${max(0, micros) / MICROS:,.2f}"
    whole, _, decimals = f"{micros / MICROS:.6f}".partition(".")
    return f"${whole}.{decimals.rstrip('0'):0<2}"


def as_budget(value: Json) -> Budget:
    """Return the budget from its JSON form: ``{"day_usd": …, "month_usd": …}``.

    Raises:
        ValueError: it is not a budget. The message does not contain the value.
    """
    fields = object_or_empty(value)
    if not isinstance(value, dict) or not fields.keys() <= {"day_usd", "month_usd"}:
        raise ValueError('must have a `budget` of the form {"day_usd": …, "month_usd": …}')
    return Budget(day_micros=_micros(fields.get("day_usd")), month_micros=_micros(fields.get("month_usd")))


def _micros(value: Json) -> int | None:
    usd = number_or_none(value)
    if value is not None and (usd is None or not is_budget(usd)):
        raise ValueError(f"must have a `budget` of numbers: {BUDGETS}")
    return None if usd is None else round(usd * MICROS)


def period_of(span: Span, now_s: float) -> str:
    """Return the name of the current UTC day or month, ``YYYY-MM-DD`` or ``YYYY-MM``, or ``session``."""
    if span == SESSION:
        return SESSION
    return _utc(now_s).strftime("%Y-%m-%d" if span == "day" else "%Y-%m")


def resets_at(span: Span, now_s: float) -> datetime:
    """Return when the next UTC day or month begins. The budget of a session does not reset."""
    midnight = _utc(now_s).replace(hour=0, minute=0, second=0, microsecond=0)
    if span == "day":
        return midnight + timedelta(days=1)
    return (midnight.replace(day=1) + timedelta(days=32)).replace(day=1)


def shown_time(moment: datetime) -> str:
    """Return a UTC time in OpenRouter's format: ``2026-11-24T00:00:00Z``."""
    return moment.isoformat().replace("+00:00", "Z")


def _utc(now_s: float) -> datetime:
    return datetime.fromtimestamp(now_s, UTC)
