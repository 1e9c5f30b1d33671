"""Limits how many requests a key may make in a minute, on all routes together."""

from math import ceil

from gateway.access.concurrency import refuse_too_many_in_flight
from gateway.http.errors import GatewayError
from gateway.http.message import HeaderPairs
from gateway.memory.ports import Ports
from gateway.memory.rates import Rates
from gateway.settings.caller import Caller

# The binding's period is 10 or 60 s; a Worker cannot read which. Source: Cloudflare "Rate limiting binding".
BINDINGS_PERIOD_S = 10.0
# The binding counts all callers with OpenRouter keys of their own under this name. No other key can have
# it: see ``settings.keys.RESERVED``.
OWN_KEYS = "own-keys"


async def limit_rate(caller: Caller, ports: Ports, rates: Rates) -> HeaderPairs:
    """Count a request, and return the ``x-ratelimit-*`` headers, which show how many more are allowed.

    The headers are empty if the key has no ``per_minute`` limit. Each isolate counts its own requests for
    ``per_minute``. With the binding ``RATE_LIMITER``, all isolates of a location also count together, by the
    limit that the binding has, whether or not the key has ``per_minute``. A request that the binding refuses
    has already been counted in this isolate.

    Raises:
        GatewayError: the request exceeds one of these limits, or the key's limit of requests in flight.
    """
    now_s = ports.now_s()
    # Checked first: if it is refused here, its body is not read and it does not count towards `per_minute`.
    refuse_too_many_in_flight(caller, rates, now_s=now_s)
    limit = caller.per_minute
    if limit is not None:
        wait_s = rates.wait_s(caller.name, limit, now_s=now_s)
        if wait_s > 0:
            raise too_many_a_minute(limit, wait_s, _headers(caller, ports, rates))
        rates.count(caller.name, now_s=now_s)  # before the await, during which other requests may arrive
    name = caller.name if caller.own_key is None else OWN_KEYS
    if ports.rate_limiter.bound and not await ports.rate_limiter.allows(name):
        message = "There are more requests than the rate limiter of this location allows."
        raise _too_many(message, BINDINGS_PERIOD_S, _headers(caller, ports, rates))
    return _headers(caller, ports, rates)


def _headers(caller: Caller, ports: Ports, rates: Rates) -> HeaderPairs:
    limit, now_s = caller.per_minute, ports.now_s()
    if limit is None:
        return ()
    remaining = max(0, limit - rates.used(caller.name, now_s=now_s))
    return (
        ("x-ratelimit-limit", str(limit)),
        ("x-ratelimit-remaining", str(remaining)),
        ("x-ratelimit-reset", str(ceil(rates.wait_s(caller.name, limit, now_s=now_s)))),
        ("x-ratelimit-scope", "location" if ports.rate_limiter.bound else "isolate"),
    )


def too_many_a_minute(limit: int, wait_s: float, headers: HeaderPairs = ()) -> GatewayError:
    """Return the error for a request above the number that a key may make in a minute."""
    return _too_many(f"This key may make {limit} requests a minute.", wait_s, headers)


def _too_many(message: str, wait_s: float, headers: HeaderPairs) -> GatewayError:
    return GatewayError(
        "too_many_requests",
        message,
        retry_after_s=wait_s,
        retryable=True,
        headers=headers,
    )
