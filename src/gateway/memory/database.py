"""ask_ledger: statements for the database, in the time that they may take."""

from collections.abc import Sequence

from gateway.http.json_values import JsonObject
from gateway.memory.ports import Ports, Statement

TIMEOUT_S = 10.0  # for what no request waits for


async def query_database(
    statements: Sequence[Statement], ports: Ports, *, within_s: float = TIMEOUT_S
) -> list[list[JsonObject]]:
    """Return the rows of each statement; all are run, or none.

    Raises:
        DatabaseError: the database failed, or there is none.
        TimeoutError: it took too long; they may have been run.
    """
    async with ports.within(within_s):
        return await ports.database.batch(statements)
