"""Runs SQL statements in the ledger's database, with a time limit."""

from collections.abc import Sequence

from gateway.http.errors import GatewayError
from gateway.http.json_values import JsonObject
from gateway.memory.ports import DatabaseError, Ports, Statement

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


async def query_for_caller(
    statements: Sequence[Statement], ports: Ports, *, failed: str = "The ledger does not answer."
) -> list[list[JsonObject]]:
    """Run the statements of a request that is about the database itself; return the rows of each.

    Raises:
        GatewayError: the database failed, or did not answer in time. ``failed`` is the message.
    """
    try:
        return await query_database(statements, ports)
    except (DatabaseError, TimeoutError) as error:
        ports.log("ledger_not_read", error=type(error).__name__)
        raise GatewayError("ledger_unavailable", failed, retry_after_s=TIMEOUT_S, retryable=True) from None
