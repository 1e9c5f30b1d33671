"""Defines the plan of a request: the chain of candidates, the skipped models, and the limits."""

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Literal, TypeAlias

from gateway.dialects.answer_test import AnswerTest
from gateway.faults.fault import Fault
from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject
from gateway.http.message import OPENROUTER
from gateway.http.sse import MAX_EVENT_BYTES
from gateway.routing.makers import SignedReasoning
from gateway.settings.options import Midstream, Order
from gateway.settings.patience import NORMAL, Patience
from gateway.settings.price import Price


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model to try: one entry of the chain.

    Attributes:
        model: its name as the caller, a task route or a setting wrote it, or what that is at OpenRouter.
            Receipts show this name.
        upstream: where it is called: ``openrouter``, or the name of a direct upstream.
        asked: its name at that upstream.
        task: the task route that it belongs to; None if the model itself was named.
        estimated_cost_usd: the likely cost of one attempt; None if its price is unknown.
        worst_cost_usd: the upper bound of one attempt's cost; None if a price, length or fee is unknown.
        held_cost_usd: what one attempt holds of a budget; None if its worst cost is unknown.
        price: the price at a direct upstream, which does not state costs; None if it is unknown, and for
            OpenRouter.
        max_price: the price ceiling of its task route, for OpenRouter's choice of a provider.
        takes_prefill: whether it continues a message of its own; if not, an instruction asks for that.
        without: the signed parts of the request that it does not get, by position.
        takes_signed: whether it may still be asked again without more of them.
    """

    model: str
    upstream: str = OPENROUTER
    asked: str
    task: str | None = None
    estimated_cost_usd: float | None = None
    worst_cost_usd: float | None = None
    held_cost_usd: float | None = None
    price: Price | None = None
    max_price: Price | None = None
    takes_prefill: bool = True
    without: tuple[int, ...] = ()
    takes_signed: bool = True


LimitName: TypeAlias = Literal["first_token", "attempt", "deadline", "idle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimit:
    """How long an attempt may take.

    Attributes:
        name: what is limited: the time until a stream's first progress, until the attempt commits, until the
            chain's deadline, or without progress after the commit.
        s: the limit, in seconds.
        because: where the limit comes from, for the caller to read.
    """

    name: LimitName
    s: float
    because: str

    def to_json(self) -> JsonObject:
        """Return the limit in the form of a receipt and a plan."""
        return {"limit": self.name, "limit_ms": round(self.s * 1000), "because": self.because}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The next attempt: which model to call, when, and for how long at most.

    Attributes:
        candidate: the model to call.
        number: which try of this model it is, from 1.
        wait_s: how many seconds to wait before the attempt starts.
        limit: the attempt's time limit, counted from its start.
    """

    candidate: Candidate
    number: int
    wait_s: float
    limit: TimeLimit


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A model that is not called.

    Attributes:
        model: its name.
        reason: why it is not called, as the receipt shows it.
        details: details of the reason, for the receipt.
    """

    model: str
    reason: str
    details: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one request: times in seconds, attempts, and cost.

    Attributes:
        deadline_s: the time limit of the complete chain, until a model commits.
        shares_deadline: whether the models that are left share the time that is left, because somebody has
            set the deadline. If not, each may take half of it.
        attempt_s: the time limit of one attempt, until it commits; None if ``patience`` decides.
        first_token_s: the time limit for a stream's first progress; None if ``patience`` decides.
        idle_s: the longest time without progress after the commit.
        idle_because: where ``idle_s`` comes from.
        max_wait_s: how long the request may wait in all, for cooldowns and before retries.
        patience: the level of patience.
        retries: how many times one model is tried again.
        retry_first: whether a model is tried again before the next one is asked, if a retry may help.
        stop_on: the fault codes at which the chain ends.
        max_attempts: how many attempts the request may make in all, including those that take over a stream.
        guard_events: how many events of a committed stream are watched; None: all.
        hedge_s: after this time without a commit, a second model starts as well; None: never.
        keepalive_s: how often a stream gets a comment while it waits for a model; None: never.
        max_cost_usd: the cost ceiling of all attempts together, in USD; None: there is none.
        stops_if_billed: whether the chain ends after an attempt that failed and may have been billed.
        max_answer_bytes: the largest plain answer, and the largest event of a stream.
    """

    deadline_s: float
    shares_deadline: bool = False
    attempt_s: float | None
    first_token_s: float | None
    idle_s: float
    idle_because: str = f"patience: {NORMAL.name}"
    retries: int
    max_wait_s: float = 5.0
    patience: Patience = field(default_factory=lambda: NORMAL)
    retry_first: bool = False
    stop_on: frozenset[str] = frozenset()
    max_attempts: int = 40
    guard_events: int | None = None
    hedge_s: float | None = None
    keepalive_s: float | None = None
    max_cost_usd: float | None = None
    stops_if_billed: bool = False
    max_answer_bytes: int = MAX_EVENT_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plan of one request, which ``fallback.execute`` runs.

    Attributes:
        requested: every model that was requested, in order, including those of task routes.
        resolved: by the name that a caller, a task route or a setting wrote, what it stands for.
        route: the task route that a condition has chosen, and the condition; None if none has.
        chain: the candidates to try, in order.
        skipped: the models that are not tried, and why.
        order: the order of the complete chain.
        by_latency: whether the chain, or a route in it, is ordered by latency (``fastest``).
        session_model: the model that comes first because it served the session last; None if there is none.
        notes: notes about the plan, for the caller to read.
        nothing_left: the fault if the chain has no candidates; None if it has some.
        limits: the limits on time, attempts and cost.
        answer_test: what a plain answer must satisfy.
        cache_ttl_s: how old a cached answer may be, in seconds; None: no cached answer is used or stored.
        on_midstream: what happens if a committed stream is cut off.
        shown_model: the name that the answer must state as its model; None: that of the upstream.
        list_errors: whether the error of an exhausted chain lists the errors of all attempts.
        watch: whether a plain answer is requested as a stream, and put together by the gateway.
        stream: whether the answer is requested as a stream, be it to watch it.
        signed: the signed parts of the request's messages, by who made them; None if there are none.
        first_token_of: returns how long a candidate's first progress is waited for while another model is
            ready; None if no stream is requested.
    """

    requested: tuple[str, ...]
    resolved: Mapping[str, str] = field(default_factory=dict)
    route: JsonObject | None = None
    chain: tuple[Candidate, ...]
    skipped: tuple[Skipped, ...] = ()
    order: Order = "given"
    by_latency: bool = False
    session_model: str | None = None
    notes: tuple[str, ...] = ()
    nothing_left: Fault | None = None
    limits: Limits
    answer_test: AnswerTest
    cache_ttl_s: int | None = None
    on_midstream: Midstream = "error"
    shown_model: str | None = None
    list_errors: bool = False
    watch: bool = False
    stream: bool = False
    signed: SignedReasoning | None = field(default=None, compare=False)
    first_token_of: Callable[[Candidate], TimeLimit] | None = field(default=None, compare=False)

    @property
    def signed_by(self) -> str | None:
        """Who made the newest signed part of the messages: a model or an author; None if nobody knows."""
        return None if self.signed is None else self.signed.shown_maker(self.requested)
