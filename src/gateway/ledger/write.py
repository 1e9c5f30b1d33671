"""Writes a request's row to the ledger, after its answer. A lost write is counted and logged."""

import asyncio

from gateway.ledger.row import COLUMNS, Row
from gateway.ledger.settle import BACK_OFF_S
from gateway.memory.database import query_database
from gateway.memory.isolate import LostWrites
from gateway.memory.ports import DatabaseError, Ports, Statement

WRITE_TIMEOUT_S = 5.0
# The pauses before each retry of a database that was busy or lost its connection. All tries together must fit
# into the 30 s that the runtime allows for work after a response.
PAUSES_S = (1.0, 3.0)

# A batch may have been written although it failed, so a retry must change nothing. Each statement checks that
# the request has no row yet. Therefore that row is inserted last.
_IF_NEW = "WHERE NOT EXISTS (SELECT 1 FROM requests WHERE ticket = ?)"
_ADD_COST = (
    f"INSERT INTO spend (key, day, cost_micros, requests) SELECT ?, ?, ?, 1 {_IF_NEW} "
    "ON CONFLICT (key, day) DO UPDATE "
    "SET cost_micros = cost_micros + excluded.cost_micros, requests = requests + 1"
)
_ADD_UNSETTLED = (
    "INSERT INTO unsettled (generation_id, ticket, key, day, worst_micros, has_tokens, tries, next_at_ms) "
    f"SELECT ?, ?, ?, ?, ?, ?, 0, ? {_IF_NEW} ON CONFLICT DO NOTHING"
)
_INSERT_REQUEST = (
    f"INSERT INTO requests ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "  # noqa: S608  # names from `COLUMNS`
    "ON CONFLICT (ticket) DO NOTHING"
)


async def write_row(row: Row, ports: Ports, lost: LostWrites) -> bool:
    """Write a row, with retries; return whether it is in the ledger. Never raises."""
    statements = statements_for(row, now_s=ports.now_s())
    for pause_s in (*PAUSES_S, None):
        try:
            await query_database(statements, ports, within_s=WRITE_TIMEOUT_S)
        except TimeoutError:
            # A retry would not help a database that is this slow.
            count_lost_row("TimeoutError", ports, lost)
            return False
        except DatabaseError as error:
            if pause_s is None:
                count_lost_row(type(error).__name__, ports, lost)
                return False
            await asyncio.sleep(pause_s)
        else:
            break
    return True


def statements_for(row: Row, *, now_s: float) -> list[Statement]:
    """Return the statements that write a row. Running them a second time changes nothing."""
    first_try_at_ms = round((now_s + BACK_OFF_S[0]) * 1000)
    spend: list[Statement] = (
        [(_ADD_COST, (row.key, row.day, row.cost_micros, row.ticket))] if row.is_ours else []
    )
    unsettled: list[Statement] = [
        (
            _ADD_UNSETTLED,
            (
                each.generation_id,
                row.ticket,
                row.key,
                row.day,
                each.worst_micros,
                int(each.has_tokens),
                first_try_at_ms,
                row.ticket,
            ),
        )
        for each in row.unsettled
    ]
    return [*spend, *unsettled, (_INSERT_REQUEST, row.values)]


def count_lost_row(error: str, ports: Ports, lost: LostWrites) -> None:
    """Count and log a row that is not in the ledger."""
    lost.count += 1
    ports.log("ledger_write_lost", error=error, lost=lost.count)
