"""Authenticates a caller by its API key.

A gateway without keys refuses every request. The exceptions are ``OPEN_ON_LOOPBACK`` for requests to a
loopback host, and ``ALLOW_CLIENT_KEYS`` for callers that send an OpenRouter key. This module only reads such
a key: ``own_keys.check_own_key`` asks OpenRouter whether it accepts it.
"""

import hmac
import re
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


def authorize(request: HttpRequest, settings: Settings, *, now_s: float) -> Caller:
    """Return the caller that the request's key belongs to; ``now_s`` is Unix time in seconds.

    Raises:
        GatewayError: the request has no key, or one that is unknown or expired; its ``Origin`` is not
            allowed; or the gateway has no keys at all.
    """
    token = _token(request)
    key = _key_of(token, settings) if token else None
    if key is None and settings.allow_client_keys and token and token.startswith(OPENROUTERS_KEY):
        return _with_own_key(token)
    if not settings.gateway_keys:
        return _without_keys(request, settings)
    if token is None:
        raise GatewayError(
            "missing_key", "Send one of this gateway's keys: `Authorization: Bearer …` or `x-api-key`."
        )
    if key is None:
        raise GatewayError(
            "invalid_key",
            "This gateway does not know this key. Check it, or ask the gateway's operator for one.",
        )
    if key.expires_at_s is not None and now_s >= key.expires_at_s:
        raise GatewayError("expired_key", "This key has expired. Ask the gateway's operator for a new one.")
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


def _token(request: HttpRequest) -> str | None:
    scheme, _, token = (request.header("authorization") or "").strip().partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return (request.header("x-api-key") or "").strip() or None
