"""What is known of models when a request is planned; none of it is a condition for planning."""

from collections.abc import Callable

from gateway.http.frozen import dataclass
from gateway.http.json_values import object_or_empty
from gateway.memory.catalog import Catalog
from gateway.memory.isolate import Memory
from gateway.memory.ports import Ports
from gateway.routing.chain import Candidate
from gateway.routing.expected_latency import expected_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What planning goes by.

    Attributes:
        now_s: Unix time.
        catalog: None where there is none at hand.
        is_fresh: whether the catalogue is recent enough to say for sure what a model cannot do.
        session_model: what served the caller's session last; None where that is not known.
        expected_ms: how long a model takes to commit; None where nobody knows.
        budget_left_usd: what the caller may still spend; None where no budget binds it.
        draw: a random number from 0 up to 1.
    """

    now_s: float
    catalog: Catalog | None
    is_fresh: bool
    session_model: str | None
    expected_ms: Callable[[Candidate], float | None]
    budget_left_usd: float | None
    draw: Callable[[], float]


def gather_signals(
    ports: Ports,
    memory: Memory,
    catalog: Catalog | None,
    *,
    ttl_s: float,
    session: str | None,
    stream: bool,
    budget_left_usd: float | None,
) -> Signals:
    """Return what this isolate knows now."""
    now_s = ports.now_s()

    def expected(candidate: Candidate) -> float | None:
        measured_ms = memory.latencies.ms(candidate.model, stream=stream, now_s=now_s)
        if measured_ms is not None:
            return measured_ms
        known = memory.endpoints.get(candidate.asked)
        return expected_ms(object_or_empty(known.payload["data"]), stream=stream) if known else None

    return Signals(
        now_s=now_s,
        catalog=catalog,
        is_fresh=catalog is not None and catalog.age_s(now_s) <= ttl_s,
        session_model=memory.sessions.model_of(session, now_s=now_s) if session else None,
        expected_ms=expected,
        budget_left_usd=budget_left_usd,
        draw=ports.draw,
    )
