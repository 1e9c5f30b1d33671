"""Refuses the request of an agent that goes round in circles, before it costs anything."""

import re

from gateway.dialects.dialect import Dialect
from gateway.dialects.repeated_calls import Repetition
from gateway.http.errors import GatewayError
from gateway.http.json_members import Members
from gateway.http.json_values import JsonObject
from gateway.memory.session_accounts import account_of
from gateway.memory.spending import Spending
from gateway.settings.budget import MICROS, SESSION, shown_usd

MAX_NAME_CHARACTERS = 64
MAX_NAMES = 3
# OpenAI accepts no other characters in a function's name. An error repeats no other text of a caller.
_OTHER = re.compile(r"[^A-Za-z0-9_.:-]++")


def check_loop(
    fields: Members,
    dialect: Dialect,
    limit: int,
    spending: Spending,
    *,
    session: str | None,
    now_s: float,
) -> None:
    """Raise an error if the transcript ends with ``limit`` repetitions of a tool call, or of a tool's error.

    Args:
        fields: the body's fields.
        dialect: their wire format.
        limit: how many repetitions are too many, 1 or more.
        spending: what the session has cost, for the message.
        session: the digest of the session; None if the request names none.
        now_s: Unix time in seconds.

    Raises:
        GatewayError: the agent goes round in circles.
    """
    found = dialect.repetition_in(fields)
    if found is None or found.count < limit:
        return
    micros = None
    if session is not None:
        account = account_of(session)
        micros = spending.spent(account, SESSION, now_s=now_s) + spending.held(account, now_s=now_s)
    raise _agent_loop(found, limit, micros)


def _agent_loop(found: Repetition, limit: int, session_micros: int | None) -> GatewayError:
    names = [shown_name(name) for name in found.names[:MAX_NAMES]]
    called = " and ".join(f"`{name}`" for name in names) + (
        " and others" if len(found.names) > MAX_NAMES else ""
    )
    what = "got the same error from" if found.is_error else "called"
    how = "" if found.is_error else " with the same arguments"
    cost = "" if session_micros is None else f" This session has cost {shown_usd(session_micros)} here."
    details: JsonObject = {
        "tool": names[0],
        "repetitions": found.count,
        "loop_limit": limit,
        "session_usd": None if session_micros is None else session_micros / MICROS,
    }
    return GatewayError(
        "agent_loop",
        f"The agent goes round in circles: it {what} {called}{how} {found.count} times without progress. "
        f"The limit is {limit} (loop_limit).{cost}",
        param="messages",
        metadata=details,
    )


def shown_name(name: str) -> str:
    """Return a function's name as an error may show it: cut, and without characters that no name has."""
    return _OTHER.sub("_", name[:MAX_NAME_CHARACTERS]) or "?"
