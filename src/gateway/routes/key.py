"""``GET /v1/key``: the caller's limits, spending and budgets; for admins also OpenRouter's key.

``GET /api/v1/key`` shows the same key in OpenRouter's form.
"""

from gateway.http.body import HttpResponse
from gateway.http.json_bytes import parse_json
from gateway.http.json_values import JsonObject, object_or_empty
from gateway.http.message import TransportError
from gateway.http.responses import OPENROUTER_ERRORS, respond_json
from gateway.memory.get import get
from gateway.memory.spending import EVERYBODY, Spending
from gateway.pipeline.budget import Account, accounts_of
from gateway.pipeline.call import Call
from gateway.pipeline.read_spending import read_spending
from gateway.settings.budget import MICROS, resets_at, shown_time
from gateway.settings.presets import show_limits

NO_STORE = (("cache-control", "no-store"),)
UPSTREAM_TIMEOUT_S = 5.0
# What is shown of OpenRouter's data about the gateway's key: amounts, limits and times, no names, no ids.
# Source: OpenRouter "Get current key".
SHOWN = (
    "limit",
    "limit_remaining",
    "limit_reset",
    "usage",
    "usage_daily",
    "usage_weekly",
    "usage_monthly",
    "is_free_tier",
    "expires_at",
    "free_model_daily_requests",
)


async def show_key(call: Call) -> HttpResponse:
    """``GET /v1/key``: show the caller's own key, never another; under ``/api`` in OpenRouter's form."""
    settings, ports, memory, caller = call.settings, call.ports, call.memory, call.caller
    accounts = accounts_of(caller, settings)
    if caller.lent is not None:
        accounts = ()  # the budgets of the key that lent it are not shown
    await read_spending(accounts, ports, memory.spending, max_unsettled=settings.max_unsettled)
    now_s = ports.now_s()
    own = [account for account in accounts if account.key != EVERYBODY or caller.admin]
    budgets = [row for account in own for row in _budget_rows(account, memory.spending, now_s)]
    if call.frame.errors is OPENROUTER_ERRORS and caller.lent is None:  # the path is OpenRouter's
        from gateway.routes.openrouters_form import key_data  # noqa: PLC0415  # only its SDKs ask for it

        return respond_json(200, {"data": await key_data(call, budgets)}, call.frame, NO_STORE)
    shown: JsonObject = {
        "object": "key",
        "name": caller.name,
        "admin": caller.admin,
        "pays_itself": caller.own_key is not None,
        "models": None if caller.models is None else [*caller.models],
        "options": {**caller.options},
        "limits": show_limits(caller.limits),
        "per_minute": caller.per_minute,
        "concurrent": caller.concurrent,
        # The requests in flight. They are counted only for keys that limit them.
        "under_way": None if caller.concurrent is None else memory.rates.in_flight(caller.name, now_s=now_s),
        "budgets": [*budgets],
        "counted_by": "ledger" if ports.database.bound else "isolate",
    }
    if caller.lent is not None:
        from gateway.routes.lend import lent_state  # noqa: PLC0415  # few keys are lent

        shown["lent"] = await lent_state(call, caller.lent)
    if caller.admin:
        shown["openrouter"] = await _openrouters_key(call)
    return respond_json(200, shown, call.frame, NO_STORE)


def _budget_rows(account: Account, spending: Spending, now_s: float) -> list[JsonObject]:
    rows: list[JsonObject] = []
    for span, limit in account.budget.limits():
        held = spending.held(account.key, now_s=now_s) + spending.reserved(account.key, span, now_s=now_s)
        spent = spending.spent(account.key, span, now_s=now_s) + held
        rows.append(
            {
                "scope": "all_keys" if account.key == EVERYBODY else "key",
                "period": span,
                "limit_usd": limit / MICROS,
                "spent_usd": spent / MICROS,
                "remaining_usd": max(0, limit - spent) / MICROS,
                "resets_at": shown_time(resets_at(span, now_s)),
            }
        )
    return rows


async def _openrouters_key(call: Call) -> JsonObject | None:
    """Return OpenRouter's data about the gateway's key; None if there is no key, or the lookup fails."""
    if not call.settings.upstream.api_key:
        return None
    try:
        async with call.ports.within(UPSTREAM_TIMEOUT_S):
            reply, raw = await get(call.settings.upstream, "/key", call.ports)
        data = object_or_empty(object_or_empty(parse_json(raw)).get("data"))
    except (TimeoutError, TransportError, ValueError):
        return None
    return {name: data[name] for name in SHOWN if name in data} if reply.status == 200 else None
