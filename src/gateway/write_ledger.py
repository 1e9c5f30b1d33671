"""write_ledger: put a request's row into the ledger, after its answer; a lost write is counted and said."""

import asyncio

from gateway.ledger_row import COLUMNS, Row
from gateway.ports import DatabaseError, Ports, Statement

WRITE_TIMEOUT_S = 5.0
# A write that failed, or took too long, is tried again: it changes nothing if the one before got there.
# All of it ends well before the 30 s for which the runtime keeps a request's work alive.
PAUSES_S = (1.0, 3.0)
# When OpenRouter is first asked what an attempt cost: `/generation` knows it after one to eight minutes.
FIRST_ASKED_S = 60.0

_ADD = (
    "INSERT INTO spend (key, day, cost_micros, requests) SELECT ?, ?, ?, 1 "
    "WHERE NOT EXISTS (SELECT 1 FROM requests WHERE ticket = ?) "
    "ON CONFLICT (key, day) DO UPDATE "
    "SET cost_micros = cost_micros + excluded.cost_micros, requests = requests + 1"
)
_OWE = (
    "INSERT INTO unsettled (generation_id, ticket, key, day, worst_micros, tries, next_at_ms) "
    "SELECT ?, ?, ?, ?, ?, 0, ? WHERE NOT EXISTS (SELECT 1 FROM requests WHERE ticket = ?) "
    "ON CONFLICT DO NOTHING"
)
_INSERT = (
    f"INSERT INTO requests ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "  # noqa: S608  # names of our own
    "ON CONFLICT (ticket) DO NOTHING"
)


async def write_ledger(row: Row, ports: Ports) -> bool:
    """Write a row; return whether it is in the ledger. Never raises."""
    asked_at_ms = round((ports.now_s() + FIRST_ASKED_S) * 1000)
    owed: list[Statement] = [
        (_OWE, (part.generation_id, row.ticket, row.key, row.day, part.worst_micros, asked_at_ms, row.ticket))
        for part in row.unsettled
    ]
    added: list[Statement] = [(_ADD, (row.key, row.day, row.cost_micros, row.ticket))] if row.is_ours else []
    statements = [*added, *owed, (_INSERT, row.values)]  # last: that it is there means that the others were
    error = ""
    for pause_s in (*PAUSES_S, None):
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await ports.database.batch(statements)
        except (DatabaseError, TimeoutError) as failure:
            error = type(failure).__name__
        else:
            return True
        if pause_s is not None:
            await asyncio.sleep(pause_s)
    ports.lost_writes.count += 1
    ports.log("ledger_write_lost", error=error, lost=ports.lost_writes.count)
    return False
