"""limit_rate: how often a key may call, and how many requests it may have under way."""

from collections.abc import Mapping
from math import ceil
from types import MappingProxyType

from gateway.chat import Caller
from gateway.errors import GatewayError
from gateway.ports import Ports
from gateway.wire import HeaderPairs

# The binding's period is 10 or 60 s and not to be seen from here. Source: Cloudflare "Rate limiting binding".
BINDINGS_PERIOD_S = 10.0
# How soon a request under way may have ended; nothing says.
CONCURRENT_WAIT_S = 1.0
# A request whose end nobody noticed (the runtime dropped it) counts so long beyond its own deadline, by
# whether it is a stream: a plain answer is there by then, a stream that has committed has no deadline more.
MOST_BEYOND_DEADLINE_S: Mapping[bool, float] = MappingProxyType({False: 60.0, True: 3_600.0})


async def limit_rate(caller: Caller, ports: Ports) -> HeaderPairs:
    """Count a request, and return the headers that say how many more there may be.

    With the binding ``RATE_LIMITER`` all isolates of a location count together, by the limit that it was
    bound with; without it, and for ``per_minute``, each isolate counts its own. One that the binding refuses
    has counted here.

    Raises:
        GatewayError: it was one too many.
    """
    _refuse_too_many_at_once(caller, ports)  # seen now it costs neither a body nor one of the minute's
    if caller.per_minute is None:
        return ()
    now_s = ports.now_s()
    wait_s = ports.rates.wait_s(caller.name, caller.per_minute, now_s=now_s)
    if wait_s > 0:
        raise _too_many(caller, wait_s, _headers(caller, ports))
    ports.rates.count(caller.name, now_s=now_s)  # at once: others come while the binding is asked
    if ports.rate_limiter.bound and not await ports.rate_limiter.allows(caller.name):
        raise _too_many(caller, BINDINGS_PERIOD_S, _headers(caller, ports))
    return _headers(caller, ports)


def begin(caller: Caller, ticket: str, ports: Ports, *, deadline_s: float, stream: bool) -> None:
    """Count a request as under way, where its key may have so many only; ``close`` ends that.

    Waits for nothing: of requests that come at once no more begin than there may be.

    Raises:
        GatewayError: it was one too many.
    """
    if caller.concurrent is None:
        return
    _refuse_too_many_at_once(caller, ports)
    now_s = ports.now_s()
    until_s = now_s + deadline_s + MOST_BEYOND_DEADLINE_S[stream]
    ports.rates.begin(caller.name, ticket, now_s=now_s, until_s=until_s)


def _refuse_too_many_at_once(caller: Caller, ports: Ports) -> None:
    most = caller.concurrent
    if most is not None and ports.rates.under_way(caller.name, now_s=ports.now_s()) >= most:
        raise GatewayError(
            "too_many_at_once",
            f"This key may have {most} requests under way at once.",
            retry_after_s=CONCURRENT_WAIT_S,
            retryable=True,
        )


def _headers(caller: Caller, ports: Ports) -> HeaderPairs:
    limit, now_s = caller.per_minute or 0, ports.now_s()
    left = max(0, limit - ports.rates.used(caller.name, now_s=now_s))
    return (
        ("x-ratelimit-limit", str(limit)),
        ("x-ratelimit-remaining", str(left)),
        ("x-ratelimit-reset", str(ceil(ports.rates.wait_s(caller.name, limit, now_s=now_s)))),
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
