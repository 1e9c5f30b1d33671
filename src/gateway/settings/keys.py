"""Reads ``GATEWAY_KEYS``, the keys of the callers, from lines or JSON. Only digests of tokens are stored."""

import re
from collections.abc import Mapping
from dataclasses import field
from hashlib import sha256

from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, list_or_empty, object_or_empty
from gateway.settings.budget import Budget
from gateway.settings.caller import Caller, KeyLimits, Lent
from gateway.settings.key_fields import FIELDS, as_key_name, is_key_name, read_fields, unreserved
from gateway.settings.parse_value import as_lines, read_json

# Short tokens can be guessed, and a caller with a token spends the operator's money.
MIN_TOKEN_CHARACTERS = 16
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayKey:
    """One key of ``GATEWAY_KEYS`` or of the database.

    Attributes:
        name: the name of the key in logs and in the ledger.
        digest: the SHA-256 digest of the token. The token itself is not stored.
        models: the models and tasks that it may use; a name that ends in ``*`` is a prefix. None: all.
        admin: whether it may read the usage of all keys.
        expires_at_s: the Unix time from which it is refused; None: never.
        budget: how much it may spend.
        per_minute: how many requests it may make in a minute; None: no limit.
        concurrent: how many requests it may have in flight at once; None: no limit.
        options: ``gateway`` options for its requests that do not set them.
        limits: ceilings that its requests cannot lift.
        origins: the origins whose web pages may use it, in addition to ``CORS_ORIGINS``; None: the origin is
            not checked.
        id: of a key in the database, what tells it apart from an earlier one of the same name.
        is_revoked: whether it was revoked; it has then expired as well.
        lent: what was lent, if it is a part of another key.
    """

    name: str
    digest: bytes
    models: tuple[str, ...] | None = None
    admin: bool = False
    expires_at_s: float | None = None
    budget: Budget = field(default_factory=Budget)
    per_minute: int | None = None
    concurrent: int | None = None
    options: Mapping[str, Json] = field(default_factory=dict)
    limits: KeyLimits = field(default_factory=KeyLimits)
    origins: tuple[str, ...] | None = None
    id: str | None = field(default=None, repr=False)
    is_revoked: bool = False
    lent: Lent | None = None

    def is_expired(self, now_s: float) -> bool:
        """Return whether it is refused from now on."""
        return self.expires_at_s is not None and now_s >= self.expires_at_s


def as_keys(raw: str) -> tuple[GatewayKey, ...]:
    """Return the keys from lines of ``name:token``, or from a JSON array of objects (see ``FIELDS``).

    Two keys may have the same name, so that a token can be replaced without a gap.

    Raises:
        ValueError: a key is wrong, or two keys have the same token. The message contains no value.
    """
    keys = _of_json(raw) if raw.lstrip().startswith("[") else [_of_line(line) for line in as_lines(raw)]
    if len({key.digest for key in keys}) < len(keys):
        raise ValueError("must not give the same token to two keys")
    return tuple(keys)


def _of_line(line: str) -> GatewayKey:
    before, separator, token = line.partition(":")
    name = unreserved(before.strip())
    if not separator or not is_key_name(name):
        raise ValueError(
            "must consist of `name:token` lines, with a name of letters, digits, . _ and -, and "
            f"a token of at least {MIN_TOKEN_CHARACTERS} characters; or be a JSON array, which begins with ["
        )
    return GatewayKey(name=name, digest=_digest_of(token.strip()))


def _of_json(raw: str) -> list[GatewayKey]:
    try:
        entries = list_or_empty(read_json(raw))
    except (ValueError, RecursionError):
        raise ValueError("must be JSON, as it begins with [, without duplicate names in one object") from None
    keys = []
    for number, entry in enumerate(entries, start=1):
        try:
            keys.append(_of_entry(entry))
        except ValueError as error:
            raise ValueError(f"is wrong at entry {number}: it {error}") from None
    return keys


def _of_entry(entry: Json) -> GatewayKey:
    fields = object_or_empty(entry)
    if not isinstance(entry, dict) or not fields.keys() <= {"name", "token", "sha256", *FIELDS}:
        raise ValueError(f"must be an object of name, token or sha256, {', '.join(FIELDS)}")
    token, digest = fields.get("token"), fields.get("sha256")
    name = as_key_name(fields.get("name"))
    if isinstance(token, str) and digest is None:
        token_digest = _digest_of(token.strip())
    elif token is None and isinstance(digest, str) and _DIGEST.fullmatch(digest.lower()):
        token_digest = bytes.fromhex(digest)
    else:
        raise ValueError("must have either a `token` or its `sha256` of 64 hexadecimal digits")
    return GatewayKey(name=name, digest=token_digest, **read_fields(fields))


def _digest_of(token: str) -> bytes:
    if len(token) < MIN_TOKEN_CHARACTERS:
        raise ValueError(f"must have tokens of at least {MIN_TOKEN_CHARACTERS} characters")
    return sha256(token.encode()).digest()


def allows(caller: Caller, *names: str | None) -> bool:
    """Return whether a key allows a model by at least one of these names; its limit on models must too."""
    return may_use(caller.models, *names) and may_use(caller.limits.models, *names)


def allows_any_under(caller: Caller, beginning: str) -> bool:
    """Return whether a key may allow some name that begins so."""
    return all(
        allowed is None
        or any(
            each.startswith(beginning) or (each.endswith("*") and beginning.startswith(each[:-1]))
            for each in allowed
        )
        for allowed in (caller.models, caller.limits.models)
    )


def may_use(allowed: tuple[str, ...] | None, *names: str | None) -> bool:
    """Return whether a key's ``models`` allow at least one of these names of a model; None allows all."""
    if allowed is None:
        return True
    return any(
        name == each or (each.endswith("*") and name.startswith(each[:-1]))
        for name in names
        if name
        for each in allowed
    )


def narrowed(allowed: tuple[str, ...] | None, wanted: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return the names that both lists of models allow; None allows all."""
    if allowed is None or wanted is None:
        return wanted if allowed is None else allowed
    within = [each for each in wanted if may_use(allowed, each)]
    return (*within, *(each for each in allowed if each not in within and may_use(wanted, each)))
