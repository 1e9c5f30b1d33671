"""Authenticates a caller by its API key.

A gateway without keys refuses every request. The exceptions are ``OPEN_ON_LOOPBACK`` for requests to a
loopback host, and ``ALLOW_CLIENT_KEYS`` for callers that send an OpenRouter key.
"""

import hmac
import re
from hashlib import sha256

from gateway.http.errors import GatewayError
from gateway.http.message import HttpRequest
from gateway.settings.caller import Caller
from gateway.settings.keys import GatewayKey
from gateway.settings.parse_value import LOOPBACK_HOSTS
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
    if settings.allow_client_keys and token and token.startswith(OPENROUTERS_KEY):
        return _with_own_key(token)
    if not settings.gateway_keys:
        if settings.open_on_loopback and request.host in LOOPBACK_HOSTS:
            _refuse_foreign_page(request, settings.cors_origins)
            return Caller(name="loopback", admin=True)
        raise GatewayError("gateway_closed", HOW_TO_OPEN, param="GATEWAY_KEYS")
    if token is None:
        raise GatewayError(
            "missing_key", "Send one of this gateway's keys: `Authorization: Bearer …` or `x-api-key`."
        )
    key = _key_of(token, settings)
    if key.expires_at_s is not None and now_s >= key.expires_at_s:
        raise GatewayError("expired_key", "This key has expired. Ask the gateway's operator for a new one.")
    if key.origins is not None:
        _refuse_foreign_page(request, (*key.origins, *settings.cors_origins))
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


def _key_of(token: str, settings: Settings) -> GatewayKey:
    digest = sha256(token.encode("utf-8", "surrogatepass")).digest()
    # Compare all keys, even after a match, so that the time taken reveals nothing.
    matches = [key for key in settings.gateway_keys if hmac.compare_digest(digest, key.digest)]
    if not matches:
        raise GatewayError("invalid_key", "This gateway does not know this key.")
    return matches[0]


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


def _refuse_foreign_page(request: HttpRequest, origins: tuple[str, ...]) -> None:
    """Refuse a request from a web page whose origin is not in ``origins``.

    Otherwise any page that is open in the developer's browser could spend the developer's money. A request
    without an ``Origin`` header does not come from a web page and passes.

    Raises:
        GatewayError: the origin is not allowed.
    """
    origin = request.header("origin")
    if origin and "*" not in origins and origin not in origins:
        raise GatewayError(
            "origin_not_allowed",
            "Pages of this origin may not call the gateway. Add it to CORS_ORIGINS, or to the key's origins.",
            param="origin",
        )
