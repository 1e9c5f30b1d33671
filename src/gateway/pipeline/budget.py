"""Budgets: which ones bind a caller, what was spent of them, and what is left."""

import asyncio
import json

from gateway.faults.fault import error_of
from gateway.http.errors import GatewayError
from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject, number_or_none
from gateway.memory.database import query_database
from gateway.memory.ports import DatabaseError, Ports, Statement
from gateway.memory.spending import EVERYBODY, Spending
from gateway.routing.eligibility import fault_of_empty_chain
from gateway.settings.budget import MICROS, Budget, Span, period_of, resets_at, shown_time
from gateway.settings.caller import Caller
from gateway.settings.settings import Settings

READ_TIMEOUT_S = 1.0
POLL_S = 0.02
# The ledger's sums: what was spent, what is unsettled at its ceiling, and what other isolates have reserved.
_SUMS = (
    "SELECT sum(micros) AS month, sum(iif(day = ?1, micros, 0)) AS today FROM ("
    "SELECT key, day, cost_micros AS micros FROM spend WHERE day >= ?2 {mine} "
    "UNION ALL SELECT key, day, worst_micros FROM unsettled WHERE day >= ?2 {mine} "
    "UNION ALL SELECT key, day, micros FROM reservations WHERE day >= ?2 AND isolate <> ?3 {mine})"
)
_BACKLOG = "SELECT count(*) AS unsettled FROM (SELECT 1 FROM unsettled LIMIT ?)"
_FOUND = "SELECT ticket FROM requests WHERE ticket IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One budget that binds a request.

    Attributes:
        key: the name of the key whose budget it is; ``EVERYBODY`` for the budget of all keys together.
    """

    key: str
    budget: Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What is left of the budgets that bind a request, in micro-dollars. The smallest budget counts.

    Attributes:
        left: what is neither spent nor held for other requests in flight.
        unspent: what is not spent.
        is_alone: whether no other request in flight holds anything of these budgets.
    """

    left: int
    unspent: int
    is_alone: bool


def accounts_of(caller: Caller, settings: Settings) -> tuple[Account, ...]:
    """Return the budgets that bind a caller: its own and that of all keys.

    No budget binds a caller that pays with an OpenRouter key of its own.
    """
    if caller.own_key is not None:
        return ()
    both = ((caller.name, caller.budget), (EVERYBODY, settings.budget))
    return tuple(Account(key=key, budget=budget) for key, budget in both if budget)


async def read_spending(
    accounts: tuple[Account, ...], ports: Ports, spending: Spending, *, max_unsettled: int
) -> None:
    """Read the ledger's sums that are no longer fresh.

    One request of an isolate reads at a time. While no sums are known yet the others wait for it, and one of
    them takes over if the reading is cancelled or overdue. Without a ledger, or while it fails, an isolate
    counts what it has seen itself.
    """
    if not ports.database.bound:
        return
    while True:
        now_s = ports.now_s()
        due = [each.key for each in accounts if _is_due(each, spending, now_s)]
        if due:
            await _read(due, ports, spending, now_s, max_unsettled)
        elif any(spending.is_first_read(each.key, now_s=now_s) for each in accounts):
            # Requests cannot share asyncio objects, but they can share a number.
            await asyncio.sleep(POLL_S)
        else:
            return


def _is_due(account: Account, spending: Spending, now_s: float) -> bool:
    unspent = [
        limit - spending.spent(account.key, span, now_s=now_s) for span, limit in account.budget.limits()
    ]
    left = max(0, min(unspent, default=0) - spending.held(account.key, now_s=now_s))
    return spending.is_due(account.key, now_s=now_s, left_micros=left)


async def _read(
    keys: list[str], ports: Ports, spending: Spending, begun_at_s: float, max_unsettled: int
) -> None:
    day, month = period_of("day", begun_at_s), period_of("month", begun_at_s)
    isolate = spending.isolate(ports.new_id)
    looked_for = {key: spending.looked_for(key) for key in keys}
    for key in keys:
        spending.begin_reading(key, now_s=begun_at_s, until_s=begun_at_s + READ_TIMEOUT_S)
    statements = [_sums_of(key, day, month, isolate) for key in keys]
    statements += [(_FOUND, (json.dumps(looked_for[key]),)) for key in keys]
    statements.append((_BACKLOG, (max_unsettled,)))
    results: list[list[JsonObject]] | None = None
    try:
        results = await query_database(statements, ports, within_s=READ_TIMEOUT_S)
    except (DatabaseError, TimeoutError) as error:
        ports.log("budget_not_read", error=type(error).__name__)
    except asyncio.CancelledError:
        for key in keys:
            spending.drop_reading(key)
        raise
    for index, key in enumerate(keys):
        if results is None:
            spending.end_reading(key, None, begun_at_s=begun_at_s)
            continue
        found = tuple(str(row["ticket"]) for row in results[len(keys) + index])
        sums = _sums_in(results[index], day, month)
        spending.end_reading(key, sums, begun_at_s=begun_at_s, found=found)
    if results is not None:
        spending.backlog = int(number_or_none(results[-1][0]["unsettled"]) or 0)


def _sums_of(key: str, day: str, month: str, isolate: str) -> Statement:
    parameters = (day, f"{month}-01", isolate)
    if key == EVERYBODY:
        return _SUMS.format(mine=""), parameters
    return _SUMS.format(mine="AND key = ?4"), (*parameters, key)


def _sums_in(rows: list[JsonObject], day: str, month: str) -> dict[str, int]:
    row = rows[0] if rows else {}
    today, in_month = number_or_none(row.get("today")), number_or_none(row.get("month"))
    return {day: int(today or 0), month: int(in_month or 0)}


def room_in(
    accounts: tuple[Account, ...], spending: Spending, *, now_s: float, ticket: str | None = None
) -> Room | None:
    """Return what is left of budgets; None if there are none. What ``ticket`` holds itself counts as left."""
    rooms = []
    for account in accounts:
        held = spending.held(account.key, now_s=now_s, but=ticket)
        for span, limit in account.budget.limits():
            unspent = limit - spending.spent(account.key, span, now_s=now_s)
            rooms.append(Room(left=unspent - held, unspent=unspent, is_alone=not held))
    if not rooms:
        return None
    return Room(
        left=min(each.left for each in rooms),
        unspent=min(each.unspent for each in rooms),
        is_alone=all(each.is_alone for each in rooms),
    )


def check_budgets(
    accounts: tuple[Account, ...], caller: Caller, spending: Spending, *, now_s: float, max_unsettled: int
) -> None:
    """Raise an error if a budget has nothing left for a request, by what is known now. Does not wait.

    Raises:
        GatewayError: a budget is spent (402), or what is left of it is held by requests in flight (429), or
            the ledger waits for too many costs (503).
    """
    if accounts and spending.backlog >= max_unsettled:
        raise GatewayError(
            "ledger_backlog",
            "Too many costs are not settled yet. The cron trigger settles them.",
            retry_after_s=60.0,
            retryable=True,
        )
    for account in accounts:
        for span, limit in account.budget.limits():
            spent = spending.spent(account.key, span, now_s=now_s)
            if spent >= limit:
                raise _spent(account, span, spent, now_s=now_s, caller=caller)
            if spent + spending.held(account.key, now_s=now_s) >= limit:
                raise error_of(fault_of_empty_chain(["budget_held"]))


def _spent(account: Account, span: Span, spent: int, *, now_s: float, caller: Caller) -> GatewayError:
    """Return the error for a spent budget; only an admin is told the amounts of the budget of all keys."""
    reset = resets_at(span, now_s)
    is_common = account.key == EVERYBODY
    limit = dict(account.budget.limits())[span]
    amounts: JsonObject = {"limit_usd": limit / MICROS, "spent_usd": spent / MICROS}
    return GatewayError(
        "budget_spent",
        f"The {'daily' if span == 'day' else 'monthly'} budget "
        f"{'of all keys together' if is_common else 'of this key'} is spent.",
        retry_after_s=max(0.0, reset.timestamp() - now_s),
        retryable=True,
        metadata={
            "scope": "all_keys" if is_common else "key",
            "period": span,
            **(amounts if caller.admin or not is_common else {}),
            "resets_at": shown_time(reset),
        },
    )
