"""The errors of a request that is counted for all isolates, in the form that the same limit has in one."""

from gateway.access.concurrency import too_many_at_once
from gateway.access.rate_limit import too_many_a_minute
from gateway.coordination.messages import Refused
from gateway.fallback.admission import Refused as AttemptRefused
from gateway.faults.fault import error_of
from gateway.http.errors import GatewayError
from gateway.memory.spending import Spending
from gateway.pipeline.budget import IN_FLIGHT, Room, budget_spent, fault_in_flight
from gateway.pipeline.session_budget import session_budget_spent
from gateway.pipeline.shared_scopes import SharedScope
from gateway.settings.budget import SESSION
from gateway.settings.caller import Caller

# What `Retry-After` suggests if a coordinator does not answer: one that is restarted is back by then.
WAIT_S = 2.0


def unavailable() -> GatewayError:
    """Return the error if a coordinator does not answer, and all must."""
    return GatewayError(
        "coordination_unavailable",
        "The limits of this key cannot be checked at the moment (COORDINATION=strict). Try again.",
        retry_after_s=WAIT_S,
        retryable=True,
    )


def not_bound() -> GatewayError:
    """Return the error if there are no coordinators, and all must answer."""
    return GatewayError(
        "coordination_unavailable",
        "COORDINATION=strict needs the binding COORDINATOR. Ask the gateway's operator to bind it.",
        param="COORDINATION",
    )


def refusal_of(
    scope: SharedScope, refused: Refused, caller: Caller, spending: Spending, ticket: str, *, now_s: float
) -> GatewayError:
    """Return the error for a request that a coordinator refuses."""
    if refused.code == "too_many_requests":
        return too_many_a_minute(scope.per_minute or 0, refused.wait_ms / 1000)
    if refused.code == "too_many_at_once":
        return too_many_at_once(scope.concurrent or 0)
    room = scope.room(ticket, now_s=now_s)
    if scope.account is None or refused.span is None or room is None:
        return unavailable()  # no coordinator answers so
    if refused.code == "budget_spent":
        limit, spent = scope.limits[refused.span], scope.allowance.spent.get(refused.span, 0)
        if refused.span == SESSION:
            return session_budget_spent(scope.account.key, limit, spent)
        return budget_spent(scope.account, refused.span, spent, now_s=now_s, caller=caller)
    fault = fault_in_flight(room, spending, is_admin=caller.admin)
    return error_of(fault, metadata=fault.details)


def too_little_left(
    refused: Refused, room: Room | None, needed: int, spending: Spending, *, is_admin: bool
) -> AttemptRefused:
    """Return why an attempt may not begin that a coordinator refuses."""
    if refused.code == "budget_in_flight" and room is not None:
        fault = fault_in_flight(room, spending, needed=needed, is_admin=is_admin)
        return AttemptRefused(IN_FLIGHT, fault)
    return AttemptRefused("over_budget")
