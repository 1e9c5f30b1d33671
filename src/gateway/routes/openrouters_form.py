"""The form in which OpenRouter shows a key. ``GET /api/v1/key`` has it: OpenRouter's SDKs validate it.

Source: OpenRouter "Get current API key"; its SDKs' ``GetCurrentKeyData`` and ``KeyBudget``.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from gateway.http.json_values import JsonObject, number_or_none
from gateway.memory.database import query_database
from gateway.memory.ports import DatabaseError, Ports, Statement
from gateway.memory.spending import Spending
from gateway.pipeline.call import Call
from gateway.pipeline.read_spending import READ_TIMEOUT_S
from gateway.settings.budget import MICROS, period_of

# OpenRouter's words for the scopes and the periods of budgets.
SCOPES: Mapping[str, str] = MappingProxyType({"key": "key_limit", "all_keys": "workspace"})
INTERVALS: Mapping[str, str] = MappingProxyType({"day": "daily", "month": "monthly"})
NO_RATE_LIMIT = -1
RATE_NOTE = "The requests that this gateway's key may make in a minute. -1: it has no such limit."
_USED = (
    "SELECT sum(cost_micros) AS total, sum(iif(day >= ?2, cost_micros, 0)) AS month, "
    "sum(iif(day >= ?3, cost_micros, 0)) AS week, sum(iif(day >= ?4, cost_micros, 0)) AS today "
    "FROM spend WHERE key = ?1"
)
PERIODS = ("total", "month", "week", "today")


async def key_data(call: Call, rows: list[JsonObject]) -> JsonObject:
    """Return the caller's key as OpenRouter would show it; ``rows`` are its budgets as in ``/v1/key``.

    What the gateway does not know of a key has the value that says the least: null, false or 0.
    """
    caller = call.caller
    total_usd, month_usd, week_usd, today_usd = await _used_usd(caller.name, call.ports, call.memory.spending)
    budgets = [_budget(row) for row in rows]
    own = _tightest([each for each in budgets if each["scope"] == SCOPES["key"]])
    return {
        "label": caller.name,
        "limit": own["limit_usd"] if own else None,
        "limit_remaining": own["remaining_usd"] if own else None,
        "limit_reset": own["reset_interval"] if own else None,
        "usage": total_usd,
        "usage_daily": today_usd,
        "usage_weekly": week_usd,
        "usage_monthly": month_usd,
        "budgets": [*budgets],
        "effective_budget": _tightest(budgets),
        "rate_limit": {
            "requests": caller.per_minute or NO_RATE_LIMIT,
            "interval": "1m",
            "note": RATE_NOTE,
        },
        **_not_the_gateways(),
    }


def _not_the_gateways() -> JsonObject:
    """Return the fields that OpenRouter's SDKs require, and that say nothing of a gateway's key."""
    byok: JsonObject = dict.fromkeys(("byok_usage", "byok_usage_daily", "byok_usage_weekly"), 0.0)
    owners: JsonObject = dict.fromkeys(("creator_user_id", "organization_id", "workspace_id"))
    return {
        **byok,
        "byok_usage_monthly": 0.0,
        "include_byok_in_limit": False,
        "is_free_tier": False,
        "is_management_key": False,
        "is_provisioning_key": False,
        **owners,
        "allowed_data_regions": ["global"],
        "free_model_daily_requests": {"limit": 0, "remaining": 0, "used": 0},
    }


def _budget(row: JsonObject) -> JsonObject:
    return {
        "budget_id": None,
        "guardrail_id": None,
        "include_byok": False,
        "limit_usd": row["limit_usd"],
        "remaining_usd": row["remaining_usd"],
        "spend_usd": row["spent_usd"],
        "reset_interval": INTERVALS[str(row["period"])],
        "resets_at": row["resets_at"],
        "scope": SCOPES[str(row["scope"])],
    }


def _tightest(budgets: list[JsonObject]) -> JsonObject | None:
    return min(budgets, key=lambda each: number_or_none(each["remaining_usd"]) or 0.0, default=None)


async def _used_usd(key: str, ports: Ports, spending: Spending) -> list[float]:
    """Return what a key has used in all, in this month, in this week and today, in USD, by the ledger.

    If the ledger does not answer, it is what this isolate knows of this month and of today.
    """
    now_s = ports.now_s()
    today, month = period_of("day", now_s), period_of("month", now_s)
    now = datetime.fromtimestamp(now_s, UTC)
    monday = (now - timedelta(days=now.weekday())).date().isoformat()
    if ports.database.bound:
        used: Statement = (_USED, (key, f"{month}-01", monday, today))
        try:
            ((row,),) = await query_database([used], ports, within_s=READ_TIMEOUT_S)
            return [(number_or_none(row[period]) or 0.0) / MICROS for period in PERIODS]
        except (DatabaseError, TimeoutError) as error:
            ports.log("budget_not_read", error=type(error).__name__)
    in_month, in_day = (spending.spent(key, span, now_s=now_s) / MICROS for span in ("month", "day"))
    return [in_month, in_month, in_day, in_day]
