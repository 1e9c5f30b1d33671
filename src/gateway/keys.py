"""The keys of those who may call: ``GATEWAY_KEYS``, as lines or as JSON, kept as digests alone."""

import json
import re
from dataclasses import dataclass
from hashlib import sha256

from gateway.casts import as_lines, as_model
from gateway.wire import Json, list_or_empty, object_or_empty

# Short tokens can be guessed, and this Worker spends money for whoever holds one.
MIN_TOKEN_CHARACTERS = 16
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")
_FIELDS = ("name", "token", "sha256", "models")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayKey:
    """One key.

    Attributes:
        name: who holds it; it stands in logs.
        digest: the SHA-256 digest of the token, which itself is kept nowhere.
        models: what it may ask for: names of models and tasks, or beginnings of names that end in ``*``;
            None: everything.
    """

    name: str
    digest: bytes
    models: tuple[str, ...] | None = None


def as_keys(raw: str) -> tuple[GatewayKey, ...]:
    """Return the keys: lines of ``name:token``, or a JSON array of objects.

    An object has a ``name``, a ``token`` or its ``sha256`` in hexadecimal, and, if it likes, ``models``.
    """
    return _of_json(raw) if raw.lstrip().startswith("[") else tuple(_of_line(line) for line in as_lines(raw))


def _of_line(line: str) -> GatewayKey:
    name, separator, token = line.partition(":")
    if not separator or not name.strip():
        raise ValueError(
            f"must hold `name:token` lines, each token of at least {MIN_TOKEN_CHARACTERS} characters"
        )
    return GatewayKey(name=name.strip(), digest=_digest_of(token.strip()))


def _of_json(raw: str) -> tuple[GatewayKey, ...]:
    try:
        entries: Json = json.loads(raw)
    except (ValueError, RecursionError):
        raise ValueError("must be JSON, as it begins with [") from None
    return tuple(_of_entry(entry) for entry in list_or_empty(entries))


def _of_entry(entry: Json) -> GatewayKey:
    fields = object_or_empty(entry)
    name, token, digest = fields.get("name"), fields.get("token"), fields.get("sha256")
    if not isinstance(entry, dict) or not fields.keys() <= set(_FIELDS):
        raise ValueError(f"must hold objects of {', '.join(_FIELDS)}")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError("must give each key a `name`: letters, digits, . _ and -")
    if isinstance(token, str) and digest is None:
        return GatewayKey(name=name, digest=_digest_of(token.strip()), models=_models(fields.get("models")))
    if token is None and isinstance(digest, str) and _DIGEST.fullmatch(digest.lower()):
        return GatewayKey(name=name, digest=bytes.fromhex(digest), models=_models(fields.get("models")))
    raise ValueError("must give each key a `token`, or its `sha256` of 64 hexadecimal digits")


def _digest_of(token: str) -> bytes:
    if len(token) < MIN_TOKEN_CHARACTERS:
        raise ValueError(f"must hold tokens of at least {MIN_TOKEN_CHARACTERS} characters")
    return sha256(token.encode()).digest()


def _models(value: Json) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not value:
        raise ValueError("must have as `models` a list of names, at least one")
    return tuple(as_model(each if isinstance(each, str) else "") for each in value)


def may_use(allowed: tuple[str, ...] | None, *names: str | None) -> bool:
    """Return whether a key's ``models`` allow something that is known by any of these names."""
    if allowed is None:
        return True
    return any(
        name == each or (each.endswith("*") and name.startswith(each[:-1]))
        for name in names
        if name
        for each in allowed
    )
