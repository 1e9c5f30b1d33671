"""limit_rate: how often a key may call, and how many requests it may have under way."""

from math import ceil

from gateway.access.concurrency import refuse_too_many_in_flight
from gateway.http.errors import GatewayError
from gateway.http.message import HeaderPairs
from gateway.memory.ports import Ports
from gateway.memory.rates import Rates
from gateway.settings.caller import Caller

# The binding's period is 10 or 60 s and not to be seen from here. Source: Cloudflare "Rate limiting binding".
BINDINGS_PERIOD_S = 10.0


async def limit_rate(caller: Caller, ports: Ports, rates: Rates) -> HeaderPairs:
    """Count a request, and return the headers that say how many more there may be.

    With the binding ``RATE_LIMITER`` all isolates of a location count together, by the limit that it was
    bound with; without it, and for ``per_minute``, each isolate counts its own. One that the binding refuses
    has counted here.

    Raises:
        GatewayError: it was one too many.
    """
    now_s = ports.now_s()
    # Now: a request that is refused here costs no reading of its body, and none of the minute's requests.
    refuse_too_many_in_flight(caller, rates, now_s=now_s)
    if caller.per_minute is None:
        return ()
    wait_s = rates.wait_s(caller.name, caller.per_minute, now_s=now_s)
    if wait_s > 0:
        raise _too_many(caller, wait_s, _headers(caller, ports, rates))
    rates.count(caller.name, now_s=now_s)  # at once: others come while the binding is asked
    if ports.rate_limiter.bound and not await ports.rate_limiter.allows(caller.name):
        raise _too_many(caller, BINDINGS_PERIOD_S, _headers(caller, ports, rates))
    return _headers(caller, ports, rates)


def _headers(caller: Caller, ports: Ports, rates: Rates) -> HeaderPairs:
    limit, now_s = caller.per_minute or 0, ports.now_s()
    left = max(0, limit - rates.used(caller.name, now_s=now_s))
    return (
        ("x-ratelimit-limit", str(limit)),
        ("x-ratelimit-remaining", str(left)),
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
