"""Deletes old rows from the ledger, a bounded number in each run of the cron trigger."""

from gateway.memory.database import query_database
from gateway.memory.ports import DatabaseError, Ports, Statement
from gateway.settings.budget import period_of

MAX_DELETED_AT_ONCE = 5_000
# How many batches one run deletes at most. Runs are five minutes apart: 333 rows a second can be deleted.
BATCHES_PER_RUN = 20
SPEND_DAYS = 400  # sums are small, and people compare a year with the year before
DAY_S = 86_400.0

_BY_AGE = (
    "DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE at_ms < ? ORDER BY at_ms LIMIT ?) "
    "RETURNING 1 AS deleted"
)
# By their ids, which are given in order: counting the rows would read all of them.
_BY_NUMBER = (
    "DELETE FROM requests WHERE id IN (SELECT id FROM requests "
    "WHERE id <= (SELECT max(id) FROM requests) - ? ORDER BY id LIMIT ?) RETURNING 1 AS deleted"
)

_SESSIONS = (
    "DELETE FROM session_spend WHERE session IN (SELECT session FROM session_spend "
    "WHERE day < ? LIMIT ?) RETURNING 1 AS deleted"
)


def deletion_statements(*, days: int, rows: int, now_s: float) -> list[Statement]:
    """Return the statements that delete rows of requests and of sessions, a part of them.

    Args:
        days: what is older is deleted.
        rows: how many rows may stay.
        now_s: Unix time in seconds.
    """
    return [
        (_BY_AGE, (round((now_s - days * DAY_S) * 1000), MAX_DELETED_AT_ONCE)),
        (_BY_NUMBER, (rows, MAX_DELETED_AT_ONCE)),
        (_SESSIONS, (period_of("day", now_s - days * DAY_S), MAX_DELETED_AT_ONCE)),
    ]


def _sum_statements(now_s: float) -> list[Statement]:
    """Return the statements that delete what is older than ``SPEND_DAYS``: sums by day, and alerts."""
    oldest_day = period_of("day", now_s - SPEND_DAYS * DAY_S)
    return [
        ("DELETE FROM spend WHERE day < ?", (oldest_day,)),
        ("DELETE FROM alerts WHERE period < ?", (oldest_day,)),
    ]


async def forget_old_rows(ports: Ports, *, days: int, rows: int) -> None:
    """Delete rows that are too old or too many, and old sums. Never raises."""
    if not ports.database.bound:
        return
    now_s = ports.now_s()
    try:
        await query_database(_sum_statements(now_s), ports)
        for _ in range(BATCHES_PER_RUN):
            deleted = await query_database(deletion_statements(days=days, rows=rows, now_s=now_s), ports)
            if all(len(each) < MAX_DELETED_AT_ONCE for each in deleted):
                return
    except (DatabaseError, TimeoutError) as error:
        ports.log("ledger_not_settled", error=type(error).__name__)
