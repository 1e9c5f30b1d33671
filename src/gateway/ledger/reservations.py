"""Closes reservations whose request never wrote its row: they count as spent at the most that it may cost."""

from gateway.memory.database import query_database
from gateway.memory.ports import DatabaseError, Ports

# Longer than any request: a deadline is an hour at most, and a row is written within half a minute.
MAX_AGE_S = 7_200.0
# The columns of a request of which nothing is known but its reservation.
_ROWS = (
    "INSERT INTO requests (ticket, at_ms, request_id, key, requested, attempts, outcome, stream, "
    "prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens, cost_micros, estimated_micros, "
    "cost_state, billed_failures, total_ms) "
    "SELECT ticket, at_ms, request_id, key, '', 0, 'lost', 0, 0, 0, 0, 0, "
    "max(micros, worst_micros), max(micros, worst_micros), 'estimated', 0, 0 "
    "FROM reservations WHERE at_ms < ? ON CONFLICT (ticket) DO NOTHING"
)
_SPEND = (
    "INSERT INTO spend (key, day, cost_micros, requests) "
    "SELECT key, day, sum(max(micros, worst_micros)), count(*) FROM reservations WHERE at_ms < ? "
    "GROUP BY key, day "
    "ON CONFLICT (key, day) DO UPDATE "
    "SET cost_micros = cost_micros + excluded.cost_micros, requests = requests + excluded.requests"
)
_SESSIONS = (
    "INSERT INTO session_spend (session, day, cost_micros) "
    "SELECT session, max(day), sum(max(micros, worst_micros)) FROM reservations "
    "WHERE at_ms < ? AND session IS NOT NULL GROUP BY session ON CONFLICT (session) DO UPDATE "
    "SET cost_micros = cost_micros + excluded.cost_micros, day = max(day, excluded.day)"
)
_DELETE = "DELETE FROM reservations WHERE at_ms < ?"


async def close_reservations(ports: Ports) -> None:
    """Record old reservations as spent, with rows of the outcome ``lost``. Never raises.

    A row that arrives later changes nothing: its ticket is there.
    """
    if not ports.database.bound:
        return
    oldest_ms = round((ports.now_s() - MAX_AGE_S) * 1000)
    try:
        await query_database([(sql, (oldest_ms,)) for sql in (_SPEND, _SESSIONS, _ROWS, _DELETE)], ports)
    except (DatabaseError, TimeoutError) as error:
        ports.log("ledger_not_settled", error=type(error).__name__)
