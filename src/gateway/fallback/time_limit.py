"""The time limit of one attempt: the shortest of the limits that apply to it."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from gateway.routing.chain import Candidate, LimitName, Plan, TimeLimit

# The fault code of an attempt that such a limit ends. A deadline that ends an attempt is a timeout of it.
CODES: Mapping[LimitName, str] = MappingProxyType(
    {
        "attempt": "attempt_timeout",
        "deadline": "attempt_timeout",
        "first_token": "first_token_timeout",
        "idle": "idle_timeout",
    }
)
TIMEOUTS = frozenset({CODES["attempt"], CODES["first_token"]})
# Why a limit applies that a request, a key, a task route or a setting has set.
ATTEMPT_MS, FIRST_TOKEN_MS = "attempt_ms", "first_token_ms"
SHARE, REST = "its share of deadline_ms", "what was left of deadline_ms"
SET_BY_PEOPLE = frozenset({ATTEMPT_MS, FIRST_TOKEN_MS, SHARE, REST})


def time_limit(plan: Plan, candidate: Candidate, *, left_s: float, others: int) -> TimeLimit:
    """Return the time limit of the next attempt.

    Args:
        plan: the plan of the request.
        candidate: the model to call.
        left_s: the time left until the deadline, in seconds.
        others: how many other models are ready. If there are none, the model gets all the time that is left.
    """
    limits = plan.limits
    if limits.stops_if_billed or limits.stop_on & TIMEOUTS:  # no other model would be asked
        others = 0
    # The other lane of a hedge takes one of them, whether or not this attempt ends.
    is_last = others <= (0 if limits.hedge_s is None else 1)
    return min(_limits(plan, candidate, left_s, others, is_last=is_last), key=lambda each: each.s)


def _limits(
    plan: Plan, candidate: Candidate, left_s: float, others: int, *, is_last: bool
) -> Iterator[TimeLimit]:
    limits = plan.limits
    if others and limits.shares_deadline:
        yield TimeLimit(name="attempt", s=left_s / (1 + others), because=SHARE)
    elif is_last:
        because = REST if limits.shares_deadline else "all the time that was left"
        yield TimeLimit(name="deadline", s=left_s, because=because)
    else:
        yield TimeLimit(name="attempt", s=left_s / 2, because="half of the time that was left")
    if limits.attempt_s is not None:
        yield TimeLimit(name="attempt", s=limits.attempt_s, because=ATTEMPT_MS)
    if plan.stream and limits.first_token_s is not None:
        yield TimeLimit(name="first_token", s=limits.first_token_s, because=FIRST_TOKEN_MS)
    elif not is_last and limits.attempt_s is None:
        yield _by_patience(plan, candidate)


def _by_patience(plan: Plan, candidate: Candidate) -> TimeLimit:
    if plan.first_token_of is not None:
        return plan.first_token_of(candidate)
    patience = plan.limits.patience
    return TimeLimit(name="attempt", s=patience.plain_s, because=f"patience: {patience.name}")
