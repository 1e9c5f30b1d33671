"""A fault: why one attempt failed, as a row of the fault table and what the upstream said."""

from dataclasses import field

from gateway.faults.policy import RULES, Rule, Scope, Verdict
from gateway.http.errors import ErrorKind
from gateway.http.frozen import dataclass
from gateway.http.json_values import Json

PASSING_STATUSES = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why one attempt failed.

    Attributes:
        code: a key of ``RULES``.
        status: the HTTP status that the upstream gave, or None; inside a 200, the error's own code.
        retry_after_s: how long its scope asked to be left alone, in seconds; None when it did not say.
        cost_usd: what OpenRouter says that the attempt cost all the same; None when it did not say.
        details: what is known beyond the code, safe to show (see ``details``).
    """

    code: str
    status: int | None = None
    retry_after_s: float | None = None
    cost_usd: float | None = None
    details: dict[str, Json] = field(default_factory=dict)

    @property
    def rule(self) -> Rule:
        """The row of the table that this fault falls under."""
        return RULES[self.code]

    @property
    def kind(self) -> ErrorKind:
        """What an error response for this fault has: the status for the caller, the type, the source."""
        return ErrorKind(self.shown_status, self.rule.type, self.rule.source)

    @property
    def is_slowness(self) -> bool:
        """Whether the model was slow or broke, as against a fault of the request or of an account."""
        rule = self.rule
        is_models = rule.scope is Scope.MODEL and rule.source in ("provider", "openrouter")
        return is_models and (rule.verdict is Verdict.RETRY or rule.status in (429, 502, 504))

    @property
    def may_pass(self) -> bool:
        """Whether the same request may be answered at another time."""
        status = self.shown_status
        return self.rule.verdict is not Verdict.STOP and (status in PASSING_STATUSES or status >= 500)

    @property
    def shown_status(self) -> int:
        """The HTTP status for the caller: the upstream's own where it is an error, else the table's."""
        if self.status is None or self.rule.own_status or not 400 <= self.status < 600:
            return self.rule.status
        return self.status


class AttemptFailedError(Exception):
    """One attempt failed before it committed; the chain decides what that means."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


RETRY_BASE_S = 0.25


RETRY_CAP_S = 2.0


DAY_S = 86_400.0


MINUTE_S = 60.0


def jitter_s(tries: int, *, draw: float) -> float:
    """Return how long to wait before a model is asked once more: full jitter, from 0 up to a growing cap.

    Args:
        tries: how often it has been asked, 1 or more.
        draw: from 0 up to 1.
    """
    return draw * min(RETRY_CAP_S, RETRY_BASE_S * 2.0 ** (tries - 1))


def pause_s(fault: Fault, *, now_s: float) -> float | None:
    """Return how long a fault's scope rests, in seconds; None where nothing asked for a pause.

    Source: OpenRouter "Limits": free limits are per minute, and per day until 00:00 UTC.
    """
    if fault.retry_after_s is not None:
        return fault.retry_after_s
    if fault.code == "free_limit_daily":
        return DAY_S - now_s % DAY_S
    return MINUTE_S if fault.code == "free_limit_minute" else None
