"""Authenticates a caller by its API key.

A gateway without keys refuses every request. The exceptions are ``OPEN_ON_LOOPBACK`` for requests to a
loopback host, and ``ALLOW_CLIENT_KEYS`` for callers that send an OpenRouter key. This module only reads such
a key: ``own_keys.check_own_key`` asks OpenRouter whether it accepts it. The keys of ``GATEWAY_KEYS`` are
compared here; ``stored_key`` finds those of the database.

A request may carry one key in ``Authorization`` and another one in ``x-api-key``. A key of the gateway's goes
before an OpenRouter key, and ``Authorization`` before ``x-api-key``. A wrong key beside a right one is
ignored.
"""

import hmac
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256

from gateway.access.origins import refuse_foreign_page
from gateway.http.errors import GatewayError
from gateway.http.message import HttpRequest
from gateway.settings.caller import Caller
from gateway.settings.keys import GatewayKey
from gateway.settings.settings import Settings

HOW_TO_OPEN = (
    "This gateway has no keys, so it refuses every request. Its operator creates a key with "
    "`make key NAME=…` and sets it with `npx wrangler secret put GATEWAY_KEYS`."
)
# The prefix of OpenRouter's keys.
OPENROUTERS_KEY = "sk-or-"
OWN_KEY = re.compile(r"[!-~]{1,512}")


def authorize(request: HttpRequest, settings: Settings, key: GatewayKey | None, *, now_s: float) -> Caller:
    """Return the caller of a request.

    Args:
        request: the request.
        settings: who may call.
        key: the gateway's key that the request carries, if there is one; it may have expired.
        now_s: Unix time in seconds.

    Raises:
        GatewayError: the request has no key, or one that is unknown or expired; its ``Origin`` is not
            allowed; or the gateway has no keys at all.
    """
    if key is None or key.is_expired(now_s):
        return _without_gateway_key(request, settings, expired=key)
    if key.origins is not None:
        refuse_foreign_page(request, (*key.origins, *settings.cors_origins))
    return Caller(
        name=key.name,
        models=key.models,
        admin=key.admin,
        budget=key.budget,
        per_minute=key.per_minute,
        concurrent=key.concurrent,
        options=key.options,
        limits=key.limits,
        key_id=key.id,
        digest=key.digest,
        lent=key.lent,
    )


def _without_gateway_key(request: HttpRequest, settings: Settings, expired: GatewayKey | None) -> Caller:
    """Return the caller of a request without a valid key of the gateway's, if the settings let it in.

    Raises:
        GatewayError: they do not.
    """
    tokens = [*tokens_in(request)]
    if settings.allow_client_keys and (own := _own_keys(tokens)):
        return _with_own_key(own[0])
    if expired is not None and expired.is_revoked:
        raise GatewayError("revoked_key", "This key was revoked. Ask the gateway's operator for a new one.")
    if expired is not None:
        raise GatewayError("expired_key", "This key has expired. Ask the gateway's operator for a new one.")
    if not settings.gateway_keys:
        return _without_keys(request, settings)
    if not tokens:
        raise GatewayError(
            "missing_key", "Send one of this gateway's keys: `Authorization: Bearer …` or `x-api-key`."
        )
    raise GatewayError(
        "invalid_key",
        "This gateway does not know this key. Check it, or ask the gateway's operator for one.",
    )


def _without_keys(request: HttpRequest, settings: Settings) -> Caller:
    """Return the caller of a gateway that has no keys: whoever calls from this machine, if that is allowed.

    Raises:
        GatewayError: it is not allowed, or the request comes from elsewhere or from a web page.
    """
    if settings.open_on_loopback:
        from gateway.access.loopback import is_local, refuse_any_foreign_page  # noqa: PLC0415  # development

        if is_local(request):
            refuse_any_foreign_page(request, settings.cors_origins)
            return Caller(name="loopback", admin=True)
    raise GatewayError("gateway_closed", HOW_TO_OPEN, param="GATEWAY_KEYS")


def other_own_caller(request: HttpRequest, caller: Caller) -> Caller | None:
    """Return the caller by the other OpenRouter key of a request that carries two; None if it carries one."""
    own = [token for token in _own_keys(tokens_in(request)) if OWN_KEY.fullmatch(token)]
    other = next((token for token in own if token != caller.own_key), None)
    return _with_own_key(other) if other else None


def key_in_settings(request: HttpRequest, settings: Settings, *, now_s: float) -> GatewayKey | None:
    """Return the key of ``GATEWAY_KEYS`` that a request carries; an expired one only if it has no other."""
    expired = None
    for token in tokens_in(request):
        key = _key_of(token, settings)
        if key is not None and not key.is_expired(now_s):
            return key
        expired = expired or key
    return expired


def _own_keys(tokens: Iterable[str]) -> list[str]:
    """Return the tokens that look like OpenRouter's keys, those that a header can carry first."""
    own = [token for token in tokens if token.startswith(OPENROUTERS_KEY)]
    return sorted(own, key=lambda token: OWN_KEY.fullmatch(token) is None)


def _key_of(token: str, settings: Settings) -> GatewayKey | None:
    digest = sha256(token.encode("utf-8", "surrogatepass")).digest()
    # Compare all keys, even after a match, so that the time taken reveals nothing.
    matches = [key for key in settings.gateway_keys if hmac.compare_digest(digest, key.digest)]
    return matches[0] if matches else None


def _with_own_key(token: str) -> Caller:
    """Return a caller that pays with its own OpenRouter key.

    The caller's name is a hash of the key. It serves only to tell the requests of different callers apart.

    Raises:
        GatewayError: a header cannot carry the key. The runtime would refuse it later, and would log it.
    """
    if not OWN_KEY.fullmatch(token):
        raise GatewayError("invalid_key", "This is not an OpenRouter key: it has invalid characters.")
    return Caller(name=f"own-{sha256(token.encode()).hexdigest()[:12]}", own_key=token)


def tokens_in(request: HttpRequest) -> Iterator[str]:
    """Yield what a request carries as its key: in ``Authorization`` first, then in ``x-api-key``.

    A client that gets its key from a command sends it in both, or beside another one. The second header is
    read only if the first one has no key of the gateway's.
    Source: Claude Code 2.1 with ``apiKeyHelper``, as observed.
    """
    scheme, _, token = (request.header("authorization") or "").strip().partition(" ")
    if scheme.lower() == "bearer" and (token := token.strip()):
        yield token
    if token := (request.header("x-api-key") or "").strip():
        yield token
