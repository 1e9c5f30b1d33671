"""Limits how many requests a key may make in a minute."""

from math import ceil

from gateway.access.concurrency import refuse_too_many_in_flight
from gateway.http.errors import GatewayError
from gateway.http.message import HeaderPairs
from gateway.memory.ports import Ports
from gateway.memory.rates import Rates
from gateway.settings.caller import Caller

# The binding's period is 10 or 60 s; a Worker cannot read which. Source: Cloudflare "Rate limiting binding".
BINDINGS_PERIOD_S = 10.0


async def limit_rate(caller: Caller, ports: Ports, rates: Rates) -> HeaderPairs:
    """Count a request, and return the ``x-ratelimit-*`` headers, which show how many more are allowed.

    The headers are empty if the key has no ``per_minute`` limit. Each isolate counts its own requests for
    ``per_minute``. With the binding ``RATE_LIMITER``, all isolates of a location also count together, by the
    limit that the binding has. A request that the binding refuses has already been counted in this isolate.

    Raises:
        GatewayError: the request exceeds one of these limits, or the key's limit of requests in flight.
    """
    now_s = ports.now_s()
    # Checked first: if it is refused here, its body is not read and it does not count towards `per_minute`.
    refuse_too_many_in_flight(caller, rates, now_s=now_s)
    if caller.per_minute is None:
        return ()
    wait_s = rates.wait_s(caller.name, caller.per_minute, now_s=now_s)
    if wait_s > 0:
        raise _too_many(caller, wait_s, _headers(caller, ports, rates))
    rates.count(caller.name, now_s=now_s)  # before the await, during which other requests may arrive
    if ports.rate_limiter.bound and not await ports.rate_limiter.allows(caller.name):
        raise _too_many(caller, BINDINGS_PERIOD_S, _headers(caller, ports, rates))
    return _headers(caller, ports, rates)


def _headers(caller: Caller, ports: Ports, rates: Rates) -> HeaderPairs:
    limit, now_s = caller.per_minute or 0, ports.now_s()
    remaining = max(0, limit - rates.used(caller.name, now_s=now_s))
    return (
        ("x-ratelimit-limit", str(limit)),
        ("x-ratelimit-remaining", str(remaining)),
        ("x-ratelimit-reset", str(ceil(rates.wait_s(caller.name, limit, now_s=now_s)))),
        ("x-ratelimit-scope", "location" if ports.rate_limiter.bound else "isolate"),
    )


def _too_many(caller: Caller, wait_s: float, headers: HeaderPairs) -> GatewayError:
    return GatewayError(
        "too_many_requests",
        f"This key may make {caller.per_minute} requests a minute.",
        retry_after_s=wait_s,
        retryable=True,
        headers=headers,
    )
