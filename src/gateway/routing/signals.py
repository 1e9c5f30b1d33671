"""Collects the signals that routing uses: catalogue, latencies, session, budget. All of them are optional."""

from collections.abc import Callable

from gateway.http.frozen import dataclass
from gateway.http.json_values import object_or_empty
from gateway.memory.catalog import Catalog
from gateway.memory.isolate import Memory
from gateway.memory.ports import Ports
from gateway.routing.chain import Candidate
from gateway.routing.expected_latency import expected_ms, slow_first_token_ms


@dataclass(frozen=True, slots=True)
class Usual:
    """How long a stream's first progress usually takes: a high percentile, and which one it is."""

    ms: float
    source: str


def unknown(_: Candidate) -> Usual | None:
    """Return None: nothing is known about the candidate."""
    return None


def no_maker(_: bytes) -> str | None:
    """Return None: nothing is known about the signature."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What is known about models and the caller when a request is planned.

    Attributes:
        now_s: Unix time in seconds.
        catalog: OpenRouter's catalogue; None if it is not available.
        is_fresh: whether the catalogue is recent enough to show with certainty what a model cannot do.
        session_model: the model that served the caller's session last; None if it is unknown.
        expected_ms: returns a candidate's expected time to commit in ms; None if it is unknown.
        expected_tokens: returns the expected length of a model's answer to this caller, in tokens.
        budget_left_usd: what is left of the caller's budgets now, in USD; None if it has no budget.
        budget_unspent_usd: the same, plus what requests in flight hold of it.
        draw: returns a random number, at least 0 and below 1.
        usual_first_token: returns how long a stream's first progress usually takes; None if it is unknown.
        maker_of: returns the model that made a signature, by its digest; None if it is unknown.
        cut_off: the models whose answer to the caller's session was cut off a short time ago.
    """

    now_s: float
    catalog: Catalog | None
    is_fresh: bool
    session_model: str | None
    expected_ms: Callable[[Candidate], float | None]
    expected_tokens: Callable[[str], int]
    budget_left_usd: float | None
    budget_unspent_usd: float | None
    draw: Callable[[], float]
    usual_first_token: Callable[[Candidate], Usual | None] = unknown
    maker_of: Callable[[bytes], str | None] = no_maker
    cut_off: frozenset[str] = frozenset()


def gather_signals(
    ports: Ports,
    memory: Memory,
    catalog: Catalog | None,
    *,
    caller: str,
    ttl_s: float,
    session: str | None,
    stream: bool,
    budget_left_usd: float | None,
    budget_unspent_usd: float | None,
) -> Signals:
    """Return the signals as this isolate has them now.

    Args:
        ports: the clock and the random numbers.
        memory: the latencies, answer lengths, endpoints, sessions and signatures that this isolate remembers.
        catalog: OpenRouter's catalogue, if there is one.
        caller: the name of the caller's key.
        ttl_s: up to which age the catalogue counts as fresh, in seconds.
        session: the caller's session; None if it names none.
        stream: whether a stream is requested; latencies of streams and plain answers differ.
        budget_left_usd: what is left of the caller's budgets now, in USD; None if it has no budget.
        budget_unspent_usd: the same, plus what requests in flight hold of it.
    """
    now_s = ports.now_s()

    def expected(candidate: Candidate) -> float | None:
        measured_ms = memory.latencies.ms(candidate.model, stream=stream, now_s=now_s)
        if measured_ms is not None:
            return measured_ms
        stored = memory.endpoints.get(candidate.asked)
        return expected_ms(object_or_empty(stored.payload["data"]), stream=stream) if stored else None

    def usual(candidate: Candidate) -> Usual | None:
        measured_ms = memory.latencies.p95_ms(candidate.model, now_s=now_s)
        if measured_ms is not None:
            return Usual(measured_ms, "the p95 measured here")
        stored = memory.endpoints.get(candidate.asked)
        slow_ms = slow_first_token_ms(object_or_empty(stored.payload["data"])) if stored else None
        return None if slow_ms is None else Usual(slow_ms, "the p90 of its slowest endpoint at OpenRouter")

    return Signals(
        now_s=now_s,
        catalog=catalog,
        is_fresh=catalog is not None and catalog.age_s(now_s) <= ttl_s,
        session_model=memory.sessions.model_of(session, now_s=now_s) if session else None,
        expected_ms=expected,
        expected_tokens=lambda model: memory.answer_lengths.expected_tokens(caller, model, now_s=now_s),
        budget_left_usd=budget_left_usd,
        budget_unspent_usd=budget_unspent_usd,
        draw=ports.draw,
        usual_first_token=usual,
        maker_of=memory.signatures.maker_of,
        cut_off=memory.sessions.cut_off_in(session, now_s=now_s) if session else frozenset(),
    )
