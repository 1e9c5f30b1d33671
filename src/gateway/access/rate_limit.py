"""Limits how many requests a key may make in a minute, on all routes together."""

from math import ceil

from gateway.access.concurrency import refuse_too_many_in_flight
from gateway.http.errors import GatewayError
from gateway.http.frozen import dataclass
from gateway.http.message import HeaderPairs
from gateway.memory.ports import Ports
from gateway.memory.rates import Rates
from gateway.settings.caller import Caller

# The binding's period is 10 or 60 s; a Worker cannot read which. Source: Cloudflare "Rate limiting binding".
BINDINGS_PERIOD_S = 10.0
# The binding counts all callers with OpenRouter keys of their own under this name. No other key can have
# it: see ``settings.key_fields.RESERVED``.
OWN_KEYS = "own-keys"


async def limit_rate(caller: Caller, ports: Ports, rates: Rates, lent_rates: Rates) -> HeaderPairs:
    """Count a request, and return the ``x-ratelimit-*`` headers, which show how many more are allowed.

    The headers are empty if the key has no ``per_minute`` limit. Each isolate counts its own requests for
    ``per_minute``. With the binding ``RATE_LIMITER``, all isolates of a location also count together, by the
    limit that the binding has, whether or not the key has ``per_minute``. A request that the binding refuses
    has already been counted in this isolate. A request of a lent key counts for that key, and for the one
    that lent it.

    Raises:
        GatewayError: the request exceeds one of these limits, or the key's limit of requests in flight.
    """
    now_s = ports.now_s()
    # Checked first: if it is refused here, its body is not read and it does not count towards `per_minute`.
    refuse_too_many_in_flight(caller, rates, now_s=now_s)
    counts = _counts_of(caller, rates, lent_rates)
    for each in counts:
        wait_s = each.wait_s(now_s)
        if wait_s > 0:
            raise too_many_a_minute(each.limit, wait_s, _headers(counts, ports))
    for each in counts:
        each.rates.count(each.name, now_s=now_s)  # before the await, during which other requests may arrive
    name = caller.name if caller.own_key is None else OWN_KEYS
    if ports.rate_limiter.bound and not await ports.rate_limiter.allows(name):
        message = "There are more requests than the rate limiter of this location allows."
        raise _too_many(message, BINDINGS_PERIOD_S, _headers(counts, ports))
    return _headers(counts, ports)


@dataclass(frozen=True, slots=True)
class _Count:
    """One ``per_minute`` that a request counts for: where its key is counted, under which name, its limit."""

    rates: Rates
    name: str
    limit: int

    def wait_s(self, now_s: float) -> float:
        """Return in how many seconds another request is within the limit."""
        return self.rates.wait_s(self.name, self.limit, now_s=now_s)

    def remaining(self, now_s: float) -> int:
        """Return how many more requests are within the limit."""
        return max(0, self.limit - self.rates.used(self.name, now_s=now_s))


def _counts_of(caller: Caller, rates: Rates, lent_rates: Rates) -> list[_Count]:
    counts = []
    if caller.lent is not None and caller.lent.per_minute is not None:
        counts.append(_Count(lent_rates, f"{caller.name}\0{caller.lent.id}", caller.lent.per_minute))
    if caller.per_minute is not None:
        counts.append(_Count(rates, caller.name, caller.per_minute))
    return counts


def _headers(counts: list[_Count], ports: Ports) -> HeaderPairs:
    """Return the headers of the limit that has the fewest requests left."""
    if not counts:
        return ()
    now_s = ports.now_s()
    tightest = min(counts, key=lambda each: each.remaining(now_s))
    return (
        ("x-ratelimit-limit", str(tightest.limit)),
        ("x-ratelimit-remaining", str(tightest.remaining(now_s))),
        ("x-ratelimit-reset", str(ceil(tightest.wait_s(now_s)))),
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
