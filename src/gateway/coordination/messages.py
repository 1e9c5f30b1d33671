"""The messages between an isolate and a coordinator. A message holds no prompt and no key."""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal, TypeAlias

from gateway.http.frozen import dataclass
from gateway.settings.budget import Span

Refusal: TypeAlias = Literal[
    "budget_spent", "budget_in_flight", "over_budget", "too_many_requests", "too_many_at_once", "released"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What an isolate asks for, for one request. Amounts are micro-dollars.

    Attributes:
        id: identifies the grant. A repeated message has the same one.
        limits: the budgets of the scope.
        micros: how much is wanted; less may be granted.
        least: how much is needed; if less is left, the request is refused.
        per_minute: how many requests a minute may have; None: any number.
        concurrent: how many requests may be in flight at once; None: any number.
        counts: whether a request is counted: false if the request was counted before and needs more money.
        lease: whether the isolate can use more than the request needs, for requests of the next seconds.
        strict: whether a budget that is nearly spent is granted request by request.
    """

    id: str
    limits: Mapping[Span, int] = field(default_factory=dict)
    micros: int = 0
    least: int = 0
    per_minute: int | None = None
    concurrent: int | None = None
    counts: bool = True
    lease: bool = True
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a grant has been used so far. A later report of the same grant has a higher number.

    Attributes:
        id: the grant's.
        number: from 1.
        at_ms: when the isolate asked for the grant.
        spent: what its requests have cost, in micro-dollars.
        held: what the isolate still holds of it, in micro-dollars.
        unused: how many requests it was granted and has not made, and will not make.
        busy: whether its request is in flight, if the scope limits such requests.
    """

    id: str
    number: int
    at_ms: int
    spent: int
    held: int = 0
    unused: int = 0
    busy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cooldown:
    """What is known of a model's cooldown: it goes on, or it has ended. Times are Unix times in ms.

    Attributes:
        place: whose cooldown it is, and of which model, as text.
        began_ms: when it began; if it has ended, when that was.
        until_ms: when it ends; 0 if it has ended because the model answered.
        probed_ms: until when other requests wait for a probe; 0 without a probe.
    """

    place: str
    began_ms: int
    until_ms: int
    probed_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What an isolate sends.

    Attributes:
        ask: what it asks for; None if it only reports.
        reports: how earlier grants have been used.
        learned: the cooldowns that it has learned of since its last message.
        seen: the number of the last change of cooldowns that it has been told.
    """

    ask: Ask | None = None
    reports: tuple[Report, ...] = ()
    learned: tuple[Cooldown, ...] = ()
    seen: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a request may use. It may begin.

    Attributes:
        micros: micro-dollars that the coordinator holds for the isolate.
        requests: how many requests the isolate may begin, this one included.
        for_ms: for how long other requests of the isolate may use it; 0: they may not.
    """

    micros: int = 0
    requests: int = 1
    for_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why a request may not begin.

    Attributes:
        code: the reason.
        span: the budget's span, if a budget is the reason.
        wait_ms: after how long a request may begin, if the rate is the reason.
    """

    code: Refusal
    span: Span | None = None
    wait_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a coordinator answers.

    Attributes:
        outcome: what it grants or refuses; None if nothing was asked for.
        spent: micro-dollars that are spent, by span.
        held: micro-dollars that the coordinator holds for all isolates, without this grant.
        learned: the cooldowns that have changed since ``seen``.
        seen: the number of the last change.
    """

    outcome: Granted | Refused | None = None
    spent: Mapping[Span, int] = field(default_factory=dict)
    held: int = 0
    learned: tuple[Cooldown, ...] = ()
    seen: int = 0
