"""Reads the ledger's sums of the budgets that bind a request, if those that an isolate has are too old."""

import asyncio
import json

from gateway.http.json_values import JsonObject, number_or_none
from gateway.memory.database import query_database
from gateway.memory.ports import DatabaseError, Ports, Statement
from gateway.memory.spending import EVERYBODY, Spending
from gateway.memory.waiting import pause
from gateway.pipeline.budget import Account, room_in
from gateway.pipeline.session_budget import is_session, sums_of_session
from gateway.settings.budget import SESSION, period_of

READ_TIMEOUT_S = 1.0
POLL_S = 0.02
# The ledger's sums: what was spent, with unsettled costs at their ceiling, and what other isolates hold.
_SUMS = (
    "SELECT sum(micros) AS month, sum(iif(day = ?1, micros, 0)) AS today, "
    "sum(held) AS held_month, sum(iif(day = ?1, held, 0)) AS held_today FROM ("
    "SELECT key, day, cost_micros AS micros, 0 AS held FROM spend WHERE day >= ?2 {mine} "
    "UNION ALL SELECT key, day, worst_micros, 0 FROM unsettled WHERE day >= ?2 {mine} "
    "UNION ALL SELECT key, day, 0, micros FROM reservations WHERE day >= ?2 AND isolate <> ?3 {mine})"
)
# The keys with too many unsettled costs. However many there are, it reads a limited number of rows.
_BACKLOG = (
    "SELECT key FROM (SELECT key FROM unsettled ORDER BY key LIMIT 10 * ?1) "
    "GROUP BY key HAVING count(*) >= ?1"
)
_FOUND = "SELECT ticket FROM requests WHERE ticket IN (SELECT value FROM json_each(?))"


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
            await pause(POLL_S, ports)
        else:
            return


def _is_due(account: Account, spending: Spending, now_s: float) -> bool:
    room = room_in((account,), spending, now_s=now_s)
    left = 0 if room is None else max(0, room.left)
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
        row = results[index][0] if results[index] else {}
        columns = {SESSION: "session"} if is_session(key) else {day: "today", month: "month"}
        spending.end_reading(
            key,
            {period: _whole_in(row, column) for period, column in columns.items()},
            begun_at_s=begun_at_s,
            reserved={period: _whole_in(row, f"held_{column}") for period, column in columns.items()},
            found=found,
        )
    if results is not None:
        spending.backlogged = frozenset(str(row["key"]) for row in results[-1])


def _sums_of(key: str, day: str, month: str, isolate: str) -> Statement:
    if is_session(key):
        return sums_of_session(key, isolate)
    parameters = (day, f"{month}-01", isolate)
    if key == EVERYBODY:
        return _SUMS.format(mine=""), parameters
    return _SUMS.format(mine="AND key = ?4"), (*parameters, key)


def _whole_in(row: JsonObject, name: str) -> int:
    return int(number_or_none(row.get(name)) or 0)
