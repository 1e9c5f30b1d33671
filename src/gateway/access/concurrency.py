"""Limits how many requests a key may have in flight at once."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.http.errors import GatewayError
from gateway.memory.rates import Rates
from gateway.settings.caller import Caller

# What `Retry-After` suggests. It is a guess: when a request in flight will end is not known.
CONCURRENT_WAIT_S = 1.0

# A request whose end was never recorded (the runtime dropped it) counts as in flight until this long after
# its deadline. Keyed by whether it is a stream: a plain answer has arrived by then, but a stream that has
# committed has no deadline any more.
MAX_BEYOND_DEADLINE_S: Mapping[bool, float] = MappingProxyType({False: 60.0, True: 3_600.0})


def begin(
    caller: Caller, ticket: str, rates: Rates, *, now_s: float, deadline_s: float, stream: bool
) -> None:
    """Count a request as in flight, if its key has a concurrency limit.

    ``ledger.close_request`` ends the count. This function does not await anything between its check and its
    count, so simultaneous requests cannot exceed the limit together.

    Raises:
        GatewayError: the key already has as many requests in flight as it may have.
    """
    if caller.concurrent is None:
        return
    refuse_too_many_in_flight(caller, rates, now_s=now_s)
    until_s = now_s + deadline_s + MAX_BEYOND_DEADLINE_S[stream]
    rates.begin(caller.name, ticket, now_s=now_s, until_s=until_s)


def refuse_too_many_in_flight(caller: Caller, rates: Rates, *, now_s: float) -> None:
    """Raise ``GatewayError`` if the caller has as many requests in flight as its key allows."""
    limit = caller.concurrent
    if limit is not None and rates.in_flight(caller.name, now_s=now_s) >= limit:
        raise too_many_at_once(limit)


def too_many_at_once(limit: int) -> GatewayError:
    """Return the error for a request above the number that a key may have in flight."""
    return GatewayError(
        "too_many_at_once",
        f"This key may have {limit} requests in flight at once. Wait until one has ended.",
        retry_after_s=CONCURRENT_WAIT_S,
        retryable=True,
    )
