"""Admits a request: who calls, whether OpenRouter accepts the key, and whether one more request is allowed.

Every route that needs a key calls this before anything else.
"""

from dataclasses import replace

from gateway.access.authorize import authorize, key_in_settings, other_own_caller, tokens_in
from gateway.access.rate_limit import limit_rate
from gateway.http.errors import GatewayError
from gateway.http.frozen import dataclass
from gateway.http.message import HeaderPairs, HttpRequest
from gateway.memory.isolate import Memory
from gateway.memory.ports import Ports
from gateway.memory.stored_keys import TOKEN_PREFIX
from gateway.settings.caller import Caller
from gateway.settings.keys import GatewayKey
from gateway.settings.settings import Settings

# Behind the name of a key, in the counts of its second limit. No key's name has such a character.
APART = "\0apart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """An admitted request.

    Attributes:
        caller: its caller.
        rate_headers: the ``x-ratelimit-*`` headers of its response.
        origin: its origin, if the caller's key allows that; None if the key allows no origins of its own.
    """

    caller: Caller
    rate_headers: HeaderPairs
    origin: str | None


async def admit(
    request: HttpRequest,
    settings: Settings,
    ports: Ports,
    memory: Memory,
    *,
    for_own_keys: bool,
    counted_apart: bool,
) -> Admitted:
    """Authorize a request, and count it.

    Args:
        request: the request. Its body is not read.
        settings: the keys, and who else may call.
        ports: the clock, the rate limiter and the transport.
        memory: the rates, and what the database and OpenRouter said of keys.
        for_own_keys: whether the route is for callers that pay with an OpenRouter key of their own, too.
        counted_apart: whether the request counts toward a second limit of the same size.

    Raises:
        GatewayError: the request has no key that is good for this route, or exceeds a limit.
    """
    key = await _key_in(request, settings, ports, memory)
    caller = authorize(request, settings, key, now_s=ports.now_s())
    origin = request.header("origin") if key is not None and key.origins else None
    if caller.own_key is not None:
        from gateway.access.own_keys import accepted_caller  # noqa: PLC0415  # few gateways let them in

        other = other_own_caller(request, caller)
        caller = await accepted_caller((caller, other), settings.upstream, ports, memory.own_keys)
        if not for_own_keys:
            raise GatewayError(
                "not_allowed", "This route needs one of the gateway's keys, not an OpenRouter key."
            )
    counted = replace(caller, name=caller.name + APART) if counted_apart else caller
    rate_headers = await limit_rate(counted, ports, memory.rates, memory.lent_rates)
    return Admitted(caller=caller, rate_headers=rate_headers, origin=origin)


async def _key_in(
    request: HttpRequest, settings: Settings, ports: Ports, memory: Memory
) -> GatewayKey | None:
    """Return the gateway's key that a request carries: of ``GATEWAY_KEYS``, of the database, or a lent one.

    A key that has expired is returned only if there is no other.

    Raises:
        GatewayError: the database does not answer, or too many unknown tokens are looked up.
    """
    key = key_in_settings(request, settings, now_s=ports.now_s())
    if key is not None and not key.is_expired(ports.now_s()):
        return key
    unavailable: GatewayError | None = None
    for token in [each for each in tokens_in(request) if each.startswith(TOKEN_PREFIX)]:
        from gateway.access.made_key import made_key  # noqa: PLC0415  # GATEWAY_KEYS may be all there is

        try:
            found = await made_key(token, settings, ports, memory.stored_keys)
        except GatewayError as error:  # the other header may hold a key that is remembered
            unavailable = error
            continue
        if found is not None and not found.is_expired(ports.now_s()):
            return found
        key = key or found
    if unavailable is not None:
        raise unavailable
    return key
