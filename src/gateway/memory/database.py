"""Runs SQL statements in the ledger's database, with a time limit."""

from collections.abc import Sequence

from gateway.http.json_values import JsonObject
from gateway.memory.ports import Ports, Statement

TIMEOUT_S = 10.0  # the default, for statements that no request of a model waits for


async def query_database(
    statements: Sequence[Statement], ports: Ports, *, within_s: float = TIMEOUT_S
) -> list[list[JsonObject]]:
    """Run the statements in one transaction, and return the rows of each.

    Args:
        statements: SQL with its parameters.
        ports: the ports of the request.
        within_s: the time limit, in seconds.

    Raises:
        DatabaseError: the database failed, or none is bound.
        TimeoutError: the time limit has passed; the statements may have run all the same.
    """
    async with ports.within(within_s):
        return await ports.database.batch(statements)
