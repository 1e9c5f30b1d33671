"""Lent keys: a part of a key for a sub-agent or a job, as a signed token without a row.

A token says whose part it is, and its bounds. It is signed with a secret that only this gateway can derive:
from ``OPENROUTER_API_KEY``. So made-up tokens are refused without a query. It names the token that lent it by
a digest that nobody else can make, and holds as long as that one: to revoke a key revokes all that it lent.
"""

import hmac
import json
import re
from dataclasses import replace

from gateway.access.stored_key import keys_of_name
from gateway.http.destination import derived_secret
from gateway.http.json_values import Json, JsonObject, list_or_empty, number_or_none, whole_or_none
from gateway.memory.ports import Ports
from gateway.memory.stored_keys import StoredKeys
from gateway.settings.budget import MICROS
from gateway.settings.caller import KeyLimits, Lent
from gateway.settings.keys import GatewayKey, narrowed
from gateway.settings.settings import Settings

PREFIX = "oe-lent-"
# For how many seconds a key may be lent at most.
MAX_LENT_S = 7 * 86_400
# How much a token says at most. Headers have a limit, and so has what is read before the signature is known.
MAX_CLAIMS_BYTES = 1_000
_TOKEN = re.compile(f"{PREFIX}([0-9a-f]{{2,{2 * MAX_CLAIMS_BYTES}}}+)-([0-9a-f]{{64}})")
_PURPOSE = b"openrouter-edge: lent keys"


class TooLongError(ValueError):
    """The token would say more than ``MAX_CLAIMS_BYTES``."""


def lent_token(lent: Lent, name: str, digest: bytes, settings: Settings) -> str:
    """Return the token of a part of a key.

    Args:
        lent: the part.
        name: the name of the key.
        digest: the digest of the token that lends.
        settings: the settings.

    Raises:
        ConfigError: ``OPENROUTER_API_KEY`` is not set.
        TooLongError: it has too many models.
    """
    settings.require_upstream_key()
    secret = derived_secret(settings.upstream, _PURPOSE) or b""
    claims: JsonObject = {
        "name": name,
        "by": _lender(digest, secret),
        "id": lent.id,
        "expires": lent.expires_at_s,
        "models": None if lent.models is None else [*lent.models],
        "micros": lent.budget_micros,
        "per_minute": lent.per_minute,
    }
    text = json.dumps(
        {field: value for field, value in claims.items() if value is not None}, separators=(",", ":")
    ).encode()
    if len(text) > MAX_CLAIMS_BYTES:
        raise TooLongError
    return f"{PREFIX}{text.hex()}-{_signature(text, secret)}"


async def lent_key(token: str, settings: Settings, ports: Ports, keys: StoredKeys) -> GatewayKey | None:
    """Return the key of a lent token; None if this gateway did not sign it. It may have expired.

    It is the key that lent it, with the tighter one of each bound.

    Raises:
        GatewayError: the database of keys does not answer.
    """
    matched, secret = _TOKEN.fullmatch(token), derived_secret(settings.upstream, _PURPOSE)
    if matched is None or len(matched[1]) % 2 or secret is None:
        return None
    text = bytes.fromhex(matched[1])
    if not hmac.compare_digest(_signature(text, secret), matched[2]):
        return None
    claims: JsonObject = json.loads(text)
    name, by = str(claims["name"]), str(claims["by"])
    lenders = [key for key in settings.gateway_keys if key.name == name]
    if not lenders and ports.database.bound:
        lenders = [*await keys_of_name(name, settings, ports, keys)]
    lender = next((key for key in lenders if hmac.compare_digest(_lender(key.digest, secret), by)), None)
    return None if lender is None else _part_of(lender, _lent_in(claims))


def _part_of(key: GatewayKey, lent: Lent) -> GatewayKey:
    ends_at_s = lent.expires_at_s if key.expires_at_s is None else min(key.expires_at_s, lent.expires_at_s)
    return replace(
        key,
        admin=False,
        models=narrowed(key.models, lent.models),
        expires_at_s=ends_at_s,
        limits=_limits_of(key.limits, lent),
        id=f"{key.id or ''}{lent.session}",
        lent=lent,
    )


def _limits_of(limits: KeyLimits, lent: Lent) -> KeyLimits:
    """Return the limits of a lent key. All its requests are one session, so its budget is a session's."""
    budgets = [limits.max_session_usd, None if lent.budget_micros is None else lent.budget_micros / MICROS]
    return replace(limits, max_session_usd=min((each for each in budgets if each is not None), default=None))


def _lent_in(claims: JsonObject) -> Lent:
    models: Json = claims.get("models")
    return Lent(
        id=str(claims["id"]),
        expires_at_s=number_or_none(claims["expires"]) or 0.0,
        models=None if models is None else tuple(str(each) for each in list_or_empty(models)),
        budget_micros=whole_or_none(claims.get("micros")),
        per_minute=whole_or_none(claims.get("per_minute")),
    )


def _lender(digest: bytes, secret: bytes) -> str:
    """Return what names the token that lends. It does not help to guess that token."""
    return hmac.digest(secret, b"by" + digest, "sha256").hex()[:32]


def _signature(text: bytes, secret: bytes) -> str:
    return hmac.digest(secret, b"says" + text, "sha256").hex()
