"""authorize: who calls. Closed by default: without keys nobody does."""

import hmac
from hashlib import sha256

from gateway.casts import LOOPBACK_HOSTS
from gateway.chat import Caller
from gateway.config import Settings
from gateway.errors import GatewayError
from gateway.wire import HttpRequest

HOW_TO_OPEN = (
    "This gateway has no keys, so nobody may call it. Whoever runs it sets some with "
    "`npx wrangler secret put GATEWAY_KEYS` (lines of `name:token`)."
)


def authorize(request: HttpRequest, settings: Settings) -> Caller:
    """Return the caller that the request's key names.

    Raises:
        GatewayError: it has no key, or a wrong one, or this gateway has none at all.
    """
    if not settings.gateway_keys:
        if settings.open_on_loopback and request.host in LOOPBACK_HOSTS:
            _refuse_foreign_page(request, settings)
            return Caller(name="loopback")
        raise GatewayError("gateway_closed", HOW_TO_OPEN, param="GATEWAY_KEYS")
    token = _token(request)
    if token is None:
        raise GatewayError(
            "missing_key", "Send one of this gateway's keys: `Authorization: Bearer …` or `x-api-key`."
        )
    digest = sha256(token.encode("utf-8", "surrogatepass")).digest()
    # Every key is compared, whatever the first said: the time taken tells nothing.
    matches = [key for key in settings.gateway_keys if hmac.compare_digest(digest, key.digest)]
    if not matches:
        raise GatewayError("invalid_key", "This gateway does not know that key.")
    return Caller(name=matches[0].name, models=matches[0].models)


def _token(request: HttpRequest) -> str | None:
    scheme, _, token = (request.header("authorization") or "").strip().partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return (request.header("x-api-key") or "").strip() or None


def _refuse_foreign_page(request: HttpRequest, settings: Settings) -> None:
    """A web page that its reader happens to have open must not spend the developer's money."""
    origin = request.header("origin")
    if origin and "*" not in settings.cors_origins and origin not in settings.cors_origins:
        raise GatewayError(
            "origin_not_allowed",
            "A page of this origin may not call: add it to CORS_ORIGINS.",
            param="origin",
        )
