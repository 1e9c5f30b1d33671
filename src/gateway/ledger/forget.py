"""Deletes old rows from the ledger, a limited number of requests at a time."""

from gateway.memory.database import query_database
from gateway.memory.ports import DatabaseError, Ports, Statement
from gateway.settings.budget import period_of

MAX_DELETED_AT_ONCE = 5_000
SPEND_DAYS = 400  # daily sums are small, and people compare one year with the next
DAY_S = 86_400.0

_DELETE_REQUESTS = (
    "DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE at_ms < ? ORDER BY at_ms LIMIT ?)"
)


def deletion_statements(days: int, *, now_s: float) -> list[Statement]:
    """Return the statements that delete old rows; ``now_s`` is Unix time in seconds.

    They delete at most ``MAX_DELETED_AT_ONCE`` requests that are older than ``days`` days, and all daily sums
    and alerts that are older than ``SPEND_DAYS`` days.
    """
    oldest_day = period_of("day", now_s - SPEND_DAYS * DAY_S)
    return [
        (_DELETE_REQUESTS, (round((now_s - days * DAY_S) * 1000), MAX_DELETED_AT_ONCE)),
        ("DELETE FROM spend WHERE day < ?", (oldest_day,)),
        ("DELETE FROM alerts WHERE period < ?", (oldest_day,)),
    ]


async def forget_old_rows(days: int, ports: Ports) -> None:
    """Delete old rows, see ``deletion_statements``; without a ledger do nothing. Never raises."""
    if not ports.database.bound:
        return
    try:
        await query_database(deletion_statements(days, now_s=ports.now_s()), ports)
    except (DatabaseError, TimeoutError) as error:
        ports.log("ledger_not_settled", error=type(error).__name__)
