"""write_ledger: put a request's row into the ledger, after its answer; a lost write is counted and said."""

import asyncio

from gateway.ledger_row import COLUMNS, Row
from gateway.ports import DatabaseError, Ports, Statement

WRITE_TIMEOUT_S = 5.0
# When OpenRouter is first asked what an attempt cost: `/generation` knows it after one to eight minutes.
FIRST_ASKED_S = 60.0

_INSERT = f"INSERT INTO requests ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608  # names of our own
_ADD = (
    "INSERT INTO spend (key, day, cost_micros, requests) VALUES (?, ?, ?, 1) "
    "ON CONFLICT (key, day) DO UPDATE "
    "SET cost_micros = cost_micros + excluded.cost_micros, requests = requests + 1"
)
_OWE = (
    "INSERT INTO unsettled (generation_id, ticket, key, day, worst_micros, tries, next_at_ms) "
    "VALUES (?, ?, ?, ?, ?, 0, ?) ON CONFLICT DO NOTHING"
)


async def write_ledger(row: Row, ports: Ports) -> bool:
    """Write a row; return whether it is in the ledger. Never raises."""
    asked_at_ms = round((ports.now_s() + FIRST_ASKED_S) * 1000)
    statements: list[Statement] = [
        (_INSERT, row.values),
        *([(_ADD, (row.key, row.day, row.cost_micros))] if row.is_ours else []),
        *(
            (_OWE, (each.generation_id, row.ticket, row.key, row.day, each.worst_micros, asked_at_ms))
            for each in row.unsettled
        ),
    ]
    try:
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await ports.database.batch(statements)
    except (DatabaseError, TimeoutError) as error:
        ports.lost_writes.count += 1
        ports.log("ledger_write_lost", error=type(error).__name__, lost=ports.lost_writes.count)
        return False
    return True
