"""The budget of a session: what all its requests may cost together, and the error when that is spent."""

from gateway.http.errors import GatewayError
from gateway.memory.ports import Statement
from gateway.memory.session_accounts import SESSION_PREFIX
from gateway.settings.budget import MICROS, shown_usd
from gateway.settings.caller import LENT

# The ledger's sums: what was spent, with unsettled costs at their ceiling, and what other isolates hold.
_SUMS = (
    "SELECT sum(micros) AS session, sum(held) AS held_session FROM ("
    "SELECT cost_micros AS micros, 0 AS held FROM session_spend WHERE session = ?1 "
    "UNION ALL SELECT worst_micros, 0 FROM unsettled WHERE session = ?1 "
    "UNION ALL SELECT 0, micros FROM reservations WHERE session = ?1 AND isolate <> ?2)"
)


def is_session(key: str) -> bool:
    """Return whether an account is that of a session, and not that of a key."""
    return key.startswith(SESSION_PREFIX)


def sums_of_session(key: str, isolate: str) -> Statement:
    """Return the statement that reads what a session has spent, and what other isolates hold of it."""
    return _SUMS, (key.removeprefix(SESSION_PREFIX), isolate)


def is_of_lent_key(key: str) -> bool:
    """Return whether an account is that of a lent key."""
    return key.startswith(SESSION_PREFIX + LENT)


def session_budget_spent(key: str, limit: int, spent: int) -> GatewayError:
    """Return the error for a session or a lent key that has spent its budget, in micro-dollars."""
    amounts = f"has spent {shown_usd(spent)} of its {shown_usd(limit)}"
    message, param = (
        (f"This lent key {amounts}. Ask whoever lent it for another one.", None)
        if is_of_lent_key(key)
        else (
            f"This session {amounts} (max_session_usd). Begin another session, or raise the limit.",
            "gateway.max_session_usd",
        )
    )
    return GatewayError(
        "session_budget_spent",
        message,
        param=param,
        metadata={"limit_usd": limit / MICROS, "spent_usd": spent / MICROS},
    )
