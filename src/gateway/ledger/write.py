"""Writes a request's row, its spending and its unsettled costs into the ledger, after its answer."""

from enum import Enum

from gateway.ledger.row import COLUMNS, Row
from gateway.ledger.settle import BACK_OFF_S
from gateway.memory.database import query_database
from gateway.memory.isolate import LostWrites
from gateway.memory.ports import DatabaseError, Ports, Statement
from gateway.memory.waiting import pause

WRITE_TIMEOUT_S = 5.0
# The pauses before further tries, if the database is busy or its connection breaks. All tries must fit into
# the 30 s that the runtime allows for background work after a response.
PAUSES_S = (1.0, 3.0)

# A batch that failed may have been written all the same, so a further try must change nothing then. The row
# shows whether it was written, and is therefore the last statement.
_IF_NEW = "WHERE NOT EXISTS (SELECT 1 FROM requests WHERE ticket = ?)"
_ADD_SPEND = (
    f"INSERT INTO spend (key, day, cost_micros, requests) SELECT ?, ?, ?, 1 {_IF_NEW} "
    "ON CONFLICT (key, day) DO UPDATE "
    "SET cost_micros = cost_micros + excluded.cost_micros, requests = requests + 1"
)
_ADD_SESSION = (
    f"INSERT INTO session_spend (session, day, cost_micros) SELECT ?, ?, ? {_IF_NEW} "
    "ON CONFLICT (session) DO UPDATE "
    "SET cost_micros = cost_micros + excluded.cost_micros, day = max(day, excluded.day)"
)
# Two requests with the same generation are the upstream's fault. The ceilings of both count until it is
# settled.
_ADD_UNSETTLED = (
    "INSERT INTO unsettled "
    "(generation_id, ticket, key, day, worst_micros, has_tokens, session, tries, next_at_ms) "
    f"SELECT ?, ?, ?, ?, ?, ?, ?, 0, ? {_IF_NEW} "
    "ON CONFLICT (generation_id) DO UPDATE SET worst_micros = worst_micros + excluded.worst_micros"
)
_RELEASE = "DELETE FROM reservations WHERE ticket = ?"
_INSERT = (
    f"INSERT INTO requests ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "  # noqa: S608  # our own names
    "ON CONFLICT (ticket) DO NOTHING"
)


class Written(Enum):
    """What is in the ledger of a request after its write."""

    ROW = "row"  # everything
    SUMS = "sums"  # what it cost, and what is unsettled, but not its row
    NOTHING = "nothing"
    UNKNOWN = "unknown"  # the write took too long, and may have succeeded all the same


async def write_row(row: Row, ports: Ports, lost: LostWrites) -> Written:
    """Write a row; return what is in the ledger. Never raises.

    If the database refuses the row, because it is full or the row too large, the spending is written without
    it: budgets must not forget money.
    """
    statements = statements_for(row, now_s=ports.now_s())
    for pause_s in (*PAUSES_S, None):
        try:
            await query_database(statements, ports, within_s=WRITE_TIMEOUT_S)
        except TimeoutError:  # a further try would not help a database that is this slow
            count_lost_row("TimeoutError", ports, lost)
            return Written.UNKNOWN
        except DatabaseError as error:
            if pause_s is None:
                count_lost_row(type(error).__name__, ports, lost)
                return await _write_sums(statements[:-1], ports)
            await pause(pause_s, ports)
        else:
            break
    return Written.ROW


async def _write_sums(statements: list[Statement], ports: Ports) -> Written:
    """Write the spending alone, once: without the row a further try would count it twice."""
    if not statements:
        return Written.NOTHING
    try:
        await query_database(statements, ports, within_s=WRITE_TIMEOUT_S)
    except TimeoutError:
        return Written.UNKNOWN
    except DatabaseError:
        return Written.NOTHING
    return Written.SUMS


def statements_for(row: Row, *, now_s: float) -> list[Statement]:
    """Return the statements that write a row, its own last. Written again they change nothing."""
    settle_at_ms = round((now_s + BACK_OFF_S[0]) * 1000)
    spend: list[Statement] = []
    if row.is_ours:
        spend = [(_ADD_SPEND, (row.key, row.day, row.cost_micros, row.ticket)), (_RELEASE, (row.ticket,))]
    if row.session and (row.cost_micros or row.unsettled):
        spend.append((_ADD_SESSION, (row.session, row.day, row.cost_micros, row.ticket)))
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
                row.session,
                settle_at_ms,
                row.ticket,
            ),
        )
        for each in row.unsettled
    ]
    return [*spend, *unsettled, (_INSERT, row.values)]


def count_lost_row(error: str, ports: Ports, lost: LostWrites) -> None:
    """Count a row that is not in the ledger, and log it."""
    lost.count += 1
    ports.log("ledger_write_lost", error=error, lost=lost.count)
