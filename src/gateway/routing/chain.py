"""Defines the plan of a request: the chain of candidates, the skipped models, and the limits."""

from dataclasses import field

from gateway.dialects.chat.answer_checks import AnswerTest
from gateway.faults.fault import Fault
from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject
from gateway.http.message import OPENROUTER
from gateway.http.sse import MAX_EVENT_BYTES
from gateway.settings.options import Midstream, Order
from gateway.settings.price import Price


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model to try: one entry of the chain.

    Attributes:
        model: its name as the caller, a task route or a setting wrote it. Receipts show this name.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The next attempt: which model to call, when, and for how long at most.

    Attributes:
        candidate: the model to call.
        number: which try of this model it is, from 1.
        wait_s: how many seconds to wait before the attempt starts.
        share_s: the attempt's share of the time left until the deadline, in seconds from the attempt's start.
    """

    candidate: Candidate
    number: int
    wait_s: float
    share_s: float


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
        attempt_s: the time limit of one attempt, until it commits; None for its share of the time left.
        first_token_s: the time limit for a stream's first progress.
        idle_s: the longest time without progress after the commit.
        retries: how many times one model is tried again.
        retry_first: whether a model is tried again before the next one is asked, if a retry may help.
        stop_on: the fault codes at which the chain ends.
        max_attempts: how many attempts the request may make in all, including those that take over a stream.
        guard_events: how many events of a committed stream are watched; None: all.
        hedge_s: after this time without a commit, a second model starts as well; None: never.
        keepalive_s: how often a stream gets a comment while it waits for a model; None: never.
        max_cost_usd: the cost ceiling of all attempts together, in USD; None: there is none.
        max_answer_bytes: the largest plain answer, and the largest event of a stream.
    """

    deadline_s: float
    attempt_s: float | None
    first_token_s: float
    idle_s: float
    retries: int
    retry_first: bool = False
    stop_on: frozenset[str] = frozenset()
    max_attempts: int = 40
    guard_events: int | None = None
    hedge_s: float | None = None
    keepalive_s: float | None = None
    max_cost_usd: float | None = None
    max_answer_bytes: int = MAX_EVENT_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plan of one request, which ``fallback.execute`` runs.

    Attributes:
        requested: every model that was requested, in order, including those of task routes.
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
        list_errors: whether the error of an exhausted chain lists the errors of all attempts.
        openai_usage: whether the caller requested OpenAI's usage chunk, whose ``choices`` are empty.
        watch: whether a plain answer is requested as a stream, and put together by the gateway.
    """

    requested: tuple[str, ...]
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
    list_errors: bool = False
    openai_usage: bool = False
    watch: bool = False
