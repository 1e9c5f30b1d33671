"""write_ledger: put a request's row into the ledger, after its answer; a lost write is counted and said."""

import asyncio

from gateway.ledger.row import COLUMNS, Row
from gateway.ledger.settle import BACK_OFF_S
from gateway.memory.database import query_database
from gateway.memory.isolate import LostWrites
from gateway.memory.ports import DatabaseError, Ports, Statement

WRITE_TIMEOUT_S = 5.0
# A database that was busy, or whose connection broke, is tried again after so long. All of it must fit into
# the 30 s that the runtime leaves to work beside a response.
PAUSES_S = (1.0, 3.0)

# A batch that failed may have been written all the same: what is written again must change nothing. So the
# row, by which that is told, is the last.
_IF_NEW = "WHERE NOT EXISTS (SELECT 1 FROM requests WHERE ticket = ?)"
_ADD = (
    f"INSERT INTO spend (key, day, cost_micros, requests) SELECT ?, ?, ?, 1 {_IF_NEW} "
    "ON CONFLICT (key, day) DO UPDATE "
    "SET cost_micros = cost_micros + excluded.cost_micros, requests = requests + 1"
)
_OWE = (
    "INSERT INTO unsettled (generation_id, ticket, key, day, worst_micros, has_tokens, tries, next_at_ms) "
    f"SELECT ?, ?, ?, ?, ?, ?, 0, ? {_IF_NEW} ON CONFLICT DO NOTHING"
)
_INSERT = (
    f"INSERT INTO requests ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "  # noqa: S608  # our own names
    "ON CONFLICT (ticket) DO NOTHING"
)


async def write_row(row: Row, ports: Ports, lost: LostWrites) -> bool:
    """Write a row; return whether it is in the ledger. Never raises."""
    statements = statements_for(row, now_s=ports.now_s())
    for pause_s in (*PAUSES_S, None):
        try:
            await query_database(statements, ports, within_s=WRITE_TIMEOUT_S)
        except TimeoutError:
            count_lost_row(
                "TimeoutError", ports, lost
            )  # one that is this slow is not helped by more of the same
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
    """Return the statements that write a row; the same again writes nothing."""
    asked_at_ms = round((now_s + BACK_OFF_S[0]) * 1000)
    spend: list[Statement] = [(_ADD, (row.key, row.day, row.cost_micros, row.ticket))] if row.is_ours else []
    owed: list[Statement] = [
        (
            _OWE,
            (
                each.generation_id,
                row.ticket,
                row.key,
                row.day,
                each.worst_micros,
                int(each.has_tokens),
                asked_at_ms,
                row.ticket,
            ),
        )
        for each in row.unsettled
    ]
    return [*spend, *owed, (_INSERT, row.values)]


def count_lost_row(error: str, ports: Ports, lost: LostWrites) -> None:
    """Count a row that is not in the ledger, and say so."""
    lost.count += 1
    ports.log("ledger_write_lost", error=error, lost=lost.count)
