"""How many requests a key may have in flight at once."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.http.errors import GatewayError
from gateway.memory.rates import Rates
from gateway.settings.caller import Caller

# How soon a request under way may have ended; nothing says.
CONCURRENT_WAIT_S = 1.0


# A request whose end nobody noticed (the runtime dropped it) counts so long beyond its own deadline, by
# whether it is a stream: a plain answer is there by then, a stream that has committed has no deadline more.
MAX_BEYOND_DEADLINE_S: Mapping[bool, float] = MappingProxyType({False: 60.0, True: 3_600.0})


def begin(
    caller: Caller, ticket: str, rates: Rates, *, now_s: float, deadline_s: float, stream: bool
) -> None:
    """Count a request as under way, where its key may have so many only; ``close`` ends that.

    Waits for nothing: of requests that come at once no more begin than there may be.

    Raises:
        GatewayError: it was one too many.
    """
    if caller.concurrent is None:
        return
    refuse_too_many_in_flight(caller, rates, now_s=now_s)
    until_s = now_s + deadline_s + MAX_BEYOND_DEADLINE_S[stream]
    rates.begin(caller.name, ticket, now_s=now_s, until_s=until_s)


def refuse_too_many_in_flight(caller: Caller, rates: Rates, *, now_s: float) -> None:
    """Raise ``GatewayError`` where the caller has as many requests in flight as its key allows."""
    most = caller.concurrent
    if most is not None and rates.in_flight(caller.name, now_s=now_s) >= most:
        raise GatewayError(
            "too_many_at_once",
            f"This key may have {most} requests in flight at once.",
            retry_after_s=CONCURRENT_WAIT_S,
            retryable=True,
        )
