"""The ``Fault`` of a failed attempt, and how long to wait after it."""

from dataclasses import field, replace

from gateway.faults.policy import RULES, Rule, Scope, Verdict
from gateway.http.errors import ErrorKind, GatewayError
from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, JsonObject

# 4xx statuses after which the same request may succeed later. All 5xx statuses count too.
PASSING_STATUSES = frozenset({408, 425, 429})
# The statuses that say that the request is at fault.
STATUSES_OF_REQUESTS = frozenset({400, 404, 413, 422})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedError:
    """What an upstream said of its error. Only the caller of the failed request may see it.

    Attributes:
        message: its message, cleaned (see ``faults.upstream_message``); None if there is none to show.
        code: its own code, or the HTTP status; None if there is neither.
    """

    message: str | None = None
    code: str | int | None = None

    @property
    def says_nothing(self) -> bool:
        """Whether the message only says that there was an error. Source: OpenRouter's recorded errors."""
        return (self.message or "").rstrip(".").lower() in ("", "provider returned error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The reason why one attempt failed.

    Attributes:
        code: a key of ``faults.policy.RULES``.
        status: the upstream's HTTP status; for an error inside a 200 response, the error's own code; or None.
        retry_after_s: the pause that the upstream requested, in seconds; None if it requested none.
        cost_usd: the cost of the failed attempt as OpenRouter reports it; None if it reports none.
        details: further facts that are safe to show (see ``faults.details``).
        reported: what the upstream said; None if it reported no error, for example if it did not answer.
        told: what happened and what to do, in the gateway's words, with amounts; empty: the rule's message.
    """

    code: str
    status: int | None = None
    retry_after_s: float | None = None
    cost_usd: float | None = None
    details: dict[str, Json] = field(default_factory=dict)
    reported: ReportedError | None = None
    told: str = ""

    @property
    def rule(self) -> Rule:
        """The row of the fault table for this fault."""
        return RULES[self.code]

    @property
    def message(self) -> str:
        """What happened and what to do, in the gateway's words."""
        return self.told or self.rule.message

    @property
    def kind(self) -> ErrorKind:
        """The status, type and source of an error response for this fault."""
        return ErrorKind(self.shown_status, self.rule.type, self.rule.source)

    @property
    def is_slowness(self) -> bool:
        """Whether the fault counts as slowness of the model: the model was slow, overloaded or failed.

        Faults of the request and of an account do not count.
        """
        rule = self.rule
        is_models = rule.scope is Scope.MODEL and rule.source in ("provider", "openrouter")
        return is_models and (rule.verdict is Verdict.RETRY or rule.status in (429, 502, 504))

    @property
    def is_refusal(self) -> bool:
        """Whether the upstream refused the model before any work: too busy, or broken.

        Other faults may come from the request itself: its length, its limits, its own timers.
        """
        return self.is_slowness and self.rule.billed == "no"

    @property
    def may_pass(self) -> bool:
        """Whether the same request may succeed at a later time."""
        status = self.shown_status
        return self.rule.verdict is not Verdict.STOP and (status in PASSING_STATUSES or status >= 500)

    @property
    def may_pass_after_pause(self) -> bool:
        """Whether the upstream named a pause after which the same model may answer."""
        passes = self.rule.verdict is Verdict.RETRY or self.rule.type == "rate_limit_error"
        return passes and self.retry_after_s is not None

    @property
    def is_told_in_full(self) -> bool:
        """Whether the error's message repeats that of the upstream: only the caller can mend the request.

        The same applies to an account. The message must say more than that there was an error.
        """
        if self.reported is None or self.reported.message is None or self.reported.says_nothing:
            return False
        rule = self.rule
        statuses = {self.shown_status, rule.status}
        is_requests = bool(statuses & STATUSES_OF_REQUESTS) or rule.verdict is Verdict.STOP
        return is_requests or rule.scope is Scope.ACCOUNT

    @property
    def shown_status(self) -> int:
        """The HTTP status for the caller: the upstream's own if it is an error status, else the table's."""
        if self.status is None or self.rule.own_status or not 400 <= self.status < 600:
            return self.rule.status
        return self.status


def fault_of_own_key(fault: Fault) -> Fault:
    """Return a fault as it applies to a call with a caller's own key: it is not the gateway's that failed."""
    return replace(fault, code="own_key_rejected") if fault.code == "upstream_key_rejected" else fault


def error_of(fault: Fault, *, message: str = "", metadata: JsonObject | None = None) -> GatewayError:
    """Return the error response for a fault; without a ``message`` it has that of the fault."""
    return GatewayError(
        fault.code,
        message or fault.message,
        kind=fault.kind,
        retry_after_s=fault.retry_after_s,
        retryable=fault.may_pass,
        metadata=metadata,
    )


class AttemptFailedError(Exception):
    """One attempt failed before it committed; the rule of its fault decides what happens next.

    Attributes:
        fault: why it failed.
        withheld: the complete answer, if it says nothing but that it was filtered. The caller gets it if no
            model answers after it. None for every other failure.
    """

    def __init__(self, fault: Fault, *, withheld: object = None) -> None:
        super().__init__(fault.code)
        self.fault = fault
        self.withheld = withheld


RETRY_BASE_S = 0.25
RETRY_CAP_S = 2.0
DAY_S = 86_400.0
MINUTE_S = 60.0


def jitter_s(tries: int, *, draw: float) -> float:
    """Return the wait before a retry of the same model, in seconds.

    It is exponential back-off with full jitter: from 0 to a limit that starts at ``RETRY_BASE_S``, doubles
    with each try, and is at most ``RETRY_CAP_S``.

    Args:
        tries: how often the model has been called, 1 or more.
        draw: a random number from 0 to 1.
    """
    return draw * min(RETRY_CAP_S, RETRY_BASE_S * 2.0 ** (tries - 1))


def pause_s(fault: Fault, *, now_s: float) -> float | None:
    """Return how long the fault's scope must cool down, in seconds; None if no pause is required.

    Source: OpenRouter "Limits": free limits are per minute, and per day until 00:00 UTC.
    """
    if fault.retry_after_s is not None:
        return fault.retry_after_s
    if fault.code == "free_limit_daily":
        return DAY_S - now_s % DAY_S
    return MINUTE_S if fault.code == "free_limit_minute" else None
