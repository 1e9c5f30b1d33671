"""Builds the ledger queries of ``GET /v1/usage`` and formats their rows.

Each query is limited to ``MAX_DAYS`` and ``MAX_GROUPS``, and uses an index.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

from gateway.http.errors import GatewayError
from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, JsonObject, number_or_none
from gateway.memory.ports import Statement
from gateway.settings.budget import MICROS

DEFAULT_DAYS = 30
MAX_DAYS = 92
# No ledger has rows of other years. At the ends of Python's calendar the day before or after does not exist.
YEARS = range(2000, 3000)
MAX_GROUPS = 1_000
# What a series can be grouped by: for each name a column or an SQL expression.
GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "day": "strftime('%Y-%m-%d', at_ms / 1000, 'unixepoch')",
        "model": "coalesce(served, requested)",
        "key": "key",
        "outcome": "outcome",
        "route": "coalesce(route, '')",
        "provider": "coalesce(provider, '')",
    }
)
# Percentiles are exact, by nearest rank: the shortest time within which that percentage of answers was given.
PERCENTILES = (50, 95)
_SUMS = (
    "count(*) AS requests, coalesce(sum(is_answer), 0) AS answered, "
    "coalesce(sum(is_answer AND attempts > 1), 0) AS fallbacks, "
    "coalesce(sum(cost_micros), 0) AS cost_micros, coalesce(sum(estimated_micros), 0) AS estimated_micros, "
    "coalesce(sum(cost_state <> 'known'), 0) AS unsettled, "
    "coalesce(sum(billed_failures), 0) AS billed_failures, coalesce(sum(prompt_tokens), 0) AS prompt_tokens, "
    "coalesce(sum(completion_tokens), 0) AS completion_tokens, "
    "coalesce(sum(reasoning_tokens), 0) AS reasoning_tokens, "
    "coalesce(sum(cached_tokens), 0) AS cached_tokens, "
    "cast(avg(CASE WHEN is_answer THEN total_ms END) AS INTEGER) AS mean_ms, "
) + ", ".join(
    f"min(CASE WHEN is_answer AND place * 100 >= answers * {percent} THEN total_ms END) AS p{percent}_ms"
    for percent in PERCENTILES
)
# Within each group answers come before failures, and fast answers before slow ones.
_RANKED = (
    "SELECT *, outcome = 'answered' AS is_answer, {name} AS name, "
    "row_number() OVER (PARTITION BY {name} ORDER BY outcome <> 'answered', total_ms) AS place, "
    "sum(outcome = 'answered') OVER (PARTITION BY {name}) AS answers FROM requests WHERE {where}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What a usage query covers.

    Attributes:
        first: the first day, in UTC.
        last: the last day, in UTC; it is included.
        key: the name of the key whose requests count; None: all keys.
        by: what the series is grouped by, a name in ``GROUPS``.
    """

    first: date
    last: date
    key: str | None
    by: str

    @property
    def where(self) -> tuple[str, tuple[int | str, ...]]:
        """The SQL condition, in a form for which the ledger has an index, and its parameters."""
        from_ms, to_ms = _midnight_ms(self.first), _midnight_ms(self.last + timedelta(days=1))
        if self.key is None:
            return "at_ms >= ? AND at_ms < ?", (from_ms, to_ms)
        return "key = ? AND at_ms >= ? AND at_ms < ?", (self.key, from_ms, to_ms)


def span_of(query: Mapping[str, str], *, key: str, admin: bool, now_s: float) -> Span:
    """Return the span that a request's query parameters describe.

    Args:
        query: the query parameters.
        key: the name of the caller's key.
        admin: whether the caller may see other keys.
        now_s: Unix time in seconds.

    Raises:
        GatewayError: a parameter is unknown, its value is invalid, or ``key`` is not the caller's own.
    """
    unknown = query.keys() - {"from", "to", "by", "key", "format"}
    if unknown:
        raise GatewayError(
            "unknown_option", "Unknown parameter. Use one of from, to, by, key, format.", param="query"
        )
    today = datetime.fromtimestamp(now_s, UTC).date()
    last = _day(query, "to", today)
    first = _day(query, "from", last - timedelta(days=DEFAULT_DAYS - 1))
    if not 0 <= (last - first).days < MAX_DAYS:
        raise GatewayError("invalid_field", f"`from` to `to` must be 1 to {MAX_DAYS} days.", param="from")
    by = query.get("by", "day")
    if by not in GROUPS:
        raise GatewayError("invalid_field", f"`by` must be one of {', '.join(GROUPS)}.", param="by")
    wanted_key = query.get("key")
    if not admin and wanted_key not in (None, key):
        raise GatewayError("not_allowed", "Only an admin key may see the usage of other keys.", param="key")
    return Span(first=first, last=last, key=wanted_key if admin else key, by=by)


def _day(query: Mapping[str, str], name: str, default: date) -> date:
    if name not in query:
        return default
    try:
        day = date.fromisoformat(query[name])
    except ValueError:
        raise GatewayError("invalid_field", f"`{name}` must be a date: 2026-11-24.", param=name) from None
    if day.year not in YEARS:
        years = f"the years {YEARS[0]} to {YEARS[-1]}"
        raise GatewayError("invalid_field", f"`{name}` must be a date in {years}.", param=name)
    return day


def _midnight_ms(day: date) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


def statements_for(span: Span) -> list[Statement]:
    """Return two statements: for the totals, and for the series. Each reads every row of the span once."""
    where, parameters = span.where
    order = "name" if span.by == "day" else "cost_micros DESC, requests DESC, name"
    all_ranked, ranked = (_RANKED.format(name=name, where=where) for name in ("1", GROUPS[span.by]))
    return [
        (f"SELECT {_SUMS} FROM ({all_ranked})", parameters),  # noqa: S608  # our own text
        (
            f"SELECT name, {_SUMS} FROM ({ranked}) GROUP BY name ORDER BY {order} LIMIT {MAX_GROUPS + 1}",  # noqa: S608  # our own text
            parameters,
        ),
    ]


def shown(row: JsonObject) -> JsonObject:
    """Return a row of sums for the response: amounts in USD, and the share of answers after a fallback."""
    answered = number_or_none(row["answered"]) or 0.0
    fallbacks = number_or_none(row["fallbacks"]) or 0.0
    unchanged = {name: value for name, value in row.items() if not name.endswith("_micros")}
    return {
        **unchanged,
        "fallback_rate": round(fallbacks / answered, 4) if answered else None,
        "cost_usd": _usd(row["cost_micros"]),
        "estimated_usd": _usd(row["estimated_micros"]),
    }


def _usd(micros: Json) -> float:
    return (number_or_none(micros) or 0.0) / MICROS
