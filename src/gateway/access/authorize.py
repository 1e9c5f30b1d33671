"""authorize: who calls. Closed by default: without keys nobody does."""

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
    "This gateway has no keys, so nobody may call it. Whoever runs it makes one with `make key NAME=…`, and "
    "sets it with `npx wrangler secret put GATEWAY_KEYS`."
)
# What OpenRouter's keys begin with.
OPENROUTERS_KEY = "sk-or-"
OWN_KEY = re.compile(r"[!-~]{1,512}")


def authorize(request: HttpRequest, settings: Settings, *, now_s: float) -> Caller:
    """Return the caller that the request's key names; ``now_s`` is Unix time.

    Raises:
        GatewayError: it has no key, or a wrong one, or this gateway has none at all.
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
        raise GatewayError("expired_key", "This key has expired. Whoever runs this gateway makes new ones.")
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
    )


def _key_of(token: str, settings: Settings) -> GatewayKey:
    digest = sha256(token.encode("utf-8", "surrogatepass")).digest()
    # Every key is compared, whatever the first said: the time taken tells nothing.
    matches = [key for key in settings.gateway_keys if hmac.compare_digest(digest, key.digest)]
    if not matches:
        raise GatewayError("invalid_key", "This gateway does not know that key.")
    return matches[0]


def _with_own_key(token: str) -> Caller:
    """Return a caller who pays: its name tells its requests from others', and is no use for anything else.

    Raises:
        GatewayError: no header can carry the key. The runtime would refuse it later, and log it.
    """
    if not OWN_KEY.fullmatch(token):
        raise GatewayError("invalid_key", "That is no key of OpenRouter's: it has other characters.")
    return Caller(name=f"own-{sha256(token.encode()).hexdigest()[:12]}", own_key=token)


def _token(request: HttpRequest) -> str | None:
    scheme, _, token = (request.header("authorization") or "").strip().partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return (request.header("x-api-key") or "").strip() or None


def _refuse_foreign_page(request: HttpRequest, origins: tuple[str, ...]) -> None:
    """Refuse a web page of an origin that is not among these; what sends none is no page.

    A page that its reader happens to have open must not spend the developer's money.

    Raises:
        GatewayError: the request comes from such a page.
    """
    origin = request.header("origin")
    if origin and "*" not in origins and origin not in origins:
        raise GatewayError(
            "origin_not_allowed",
            "A page of this origin may not call: add it to CORS_ORIGINS, or to its key's origins.",
            param="origin",
        )
