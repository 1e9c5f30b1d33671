"""Checks the budgets of a caller before the first call, and counts the cost of each request against them."""

import asyncio

from gateway.fallback.receipt import Receipt
from gateway.http.errors import GatewayError
from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject, number_or_none
from gateway.memory.database import query_database
from gateway.memory.ports import DatabaseError, Ports, Statement
from gateway.memory.spending import EVERYBODY, Spending
from gateway.routing.chain import Plan
from gateway.settings.budget import MICROS, Budget, Span, micros_of, period_of, resets_at, shown_time
from gateway.settings.caller import Caller
from gateway.settings.settings import Settings

READ_TIMEOUT_S = 1.0
POLL_S = 0.02
_SUMS = (
    "SELECT sum(cost_micros) AS month, sum(iif(day = ?, cost_micros, 0)) AS today FROM spend WHERE day >= ?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A budget that applies to a request.

    Attributes:
        key: the name of the key that has the budget; ``EVERYBODY`` for the budget of all keys together.
        budget: its limits.
    """

    key: str
    budget: Budget


def accounts_of(caller: Caller, settings: Settings) -> tuple[Account, ...]:
    """Return the budgets that apply to a caller: its key's, and that of all keys together.

    No budget applies to a caller that pays with its own OpenRouter key.
    """
    if caller.own_key is not None:
        return ()
    both = ((caller.name, caller.budget), (EVERYBODY, settings.budget))
    return tuple(Account(key=key, budget=budget) for key, budget in both if budget)


async def read_spending(accounts: tuple[Account, ...], ports: Ports, spending: Spending) -> None:
    """Read the sums of these budgets from the ledger, unless they are fresh.

    In one isolate only one request at a time reads the sums of a key. Other requests wait for it only if the
    key has no sums from an earlier reading. They read themselves if that request is cancelled or overdue.
    Without a ledger, or while it fails, the isolate counts its own requests on top of the sums it read last.
    """
    if not ports.database.bound:
        return
    keys = [account.key for account in accounts]
    while True:
        now_s = ports.now_s()
        due = [key for key in keys if spending.is_due(key, now_s=now_s)]
        if due:
            await _read(due, ports, spending, now_s)
        elif any(spending.is_first_read(key, now_s=now_s) for key in keys):
            # Poll a number in memory: requests cannot share asyncio objects.
            await asyncio.sleep(POLL_S)
        else:
            return


async def _read(keys: list[str], ports: Ports, spending: Spending, begun_at_s: float) -> None:
    day, month = period_of("day", begun_at_s), period_of("month", begun_at_s)
    for key in keys:
        spending.begin_reading(key, now_s=begun_at_s, until_s=begun_at_s + READ_TIMEOUT_S)
    results: list[list[JsonObject]] | None = None
    try:
        sums = [_sums_of(key, day, month) for key in keys]
        results = await query_database(sums, ports, within_s=READ_TIMEOUT_S)
    except (DatabaseError, TimeoutError) as error:
        ports.log("budget_not_read", error=type(error).__name__)
    except asyncio.CancelledError:
        for key in keys:
            spending.drop_reading(key)
        raise
    for index, key in enumerate(keys):
        found = _sums_in(results[index], day, month) if results is not None else None
        spending.end_reading(key, found, begun_at_s=begun_at_s)


def _sums_of(key: str, day: str, month: str) -> Statement:
    first = f"{month}-01"
    return (_SUMS, (day, first)) if key == EVERYBODY else (f"{_SUMS} AND key = ?", (day, first, key))


def _sums_in(rows: list[JsonObject], day: str, month: str) -> dict[str, int]:
    row = rows[0] if rows else {}
    today, in_month = number_or_none(row.get("today")), number_or_none(row.get("month"))
    return {day: int(today or 0), month: int(in_month or 0)}


def left_usd(accounts: tuple[Account, ...], spending: Spending, *, now_s: float) -> float | None:
    """Return how much may still be spent, in USD, above 0; None if no budget applies.

    It uses the sums in memory and awaits nothing.

    Raises:
        GatewayError: a budget is spent.
    """
    left = []
    for account in accounts:
        for span, limit in account.budget.limits():
            spent = spending.spent(account.key, span, now_s=now_s)
            if spent >= limit:
                raise _budget_spent(account.key, span, limit, spent, now_s)
            left.append((limit - spent) / MICROS)
    return min(left, default=None)


def _budget_spent(key: str, span: Span, limit: int, spent: int, now_s: float) -> GatewayError:
    reset = resets_at(span, now_s)
    whose = "of all keys together" if key == EVERYBODY else "of this key"
    return GatewayError(
        "budget_spent",
        f"The {'daily' if span == 'day' else 'monthly'} budget {whose} is spent.",
        retry_after_s=max(0.0, reset.timestamp() - now_s),
        retryable=True,
        metadata={
            "scope": "all_keys" if key == EVERYBODY else "key",
            "period": span,
            "limit_usd": limit / MICROS,
            "spent_usd": spent / MICROS,
            "resets_at": shown_time(reset),
        },
    )


def hold(
    accounts: tuple[Account, ...], planned: Plan, ticket: str, spending: Spending, *, now_s: float
) -> None:
    """Count a request before its first call, with the worst cost of the most expensive model of its chain."""
    worst_usd = max((each.worst_cost_usd or 0.0 for each in planned.chain), default=0.0)
    for account in accounts:
        spending.hold(account.key, ticket, micros_of(worst_usd), now_s=now_s)


def settle(
    accounts: tuple[Account, ...], receipt: Receipt, ticket: str, spending: Spending, *, now_s: float
) -> None:
    """Count a request that has ended, with its cost. An unknown cost counts as the most it may be."""
    micros = micros_of(receipt.most_usd)
    for account in accounts:
        spending.settle(account.key, ticket, micros, now_s=now_s)
