"""The table of keys in the ledger's database: its SQL, and how a row becomes a key.

Each change is one transaction with its row in ``key_changes``: neither is written without the other.
"""

import json
from collections.abc import Iterable
from dataclasses import replace

from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, JsonObject, number_or_none
from gateway.memory.ports import Statement
from gateway.settings.key_fields import read_fields
from gateway.settings.keys import GatewayKey

# How many of a key's changes are shown: the last ones.
SHOWN_CHANGES = 20
# How many keys one page of the list has at most.
MAX_PAGE = 200
# How many keys with origins count for preflights: the first ones by name.
MAX_WITH_ORIGINS = 200
# For how many seconds at most the old token of a key stays valid after a rotation.
MAX_VALID_S = 30 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a key, for its row in ``key_changes``.

    Attributes:
        id: a new id.
        at_ms: when, in Unix milliseconds.
        by: the name of the admin's key.
        name: the name of the key.
        fields: the new values of the fields that are set; None removes one.
    """

    id: str
    at_ms: int
    by: str
    name: str
    fields: JsonObject

    def noted_as(self, action: str) -> Statement:
        """Return the statement that notes the change, if the statement before it has changed the key."""
        return (
            "INSERT INTO key_changes (at_ms, changed_by, key, action, fields) "
            "SELECT ?, ?, name, ?, ? FROM keys WHERE name = ? AND last_change = ?",
            (self.at_ms, self.by, action, json.dumps(self.fields), self.name, self.id),
        )


def find(digest: bytes) -> Statement:
    """Return the statement that finds the key of a token, by the token's digest."""
    return (
        "SELECT * FROM keys WHERE sha256 = ?1 OR old_sha256 = ?1",
        (digest.hex(),),
    )


def find_name(name: str) -> Statement:
    """Return the statement that finds a key by its name."""
    return "SELECT * FROM keys WHERE name = ?", (name,)


def with_origins() -> Statement:
    """Return the statement that finds the keys that web pages of some origins may use."""
    return (
        "SELECT * FROM keys WHERE json_type(bounds, '$.origins') IS NOT NULL AND revoked_at_ms IS NULL "
        "ORDER BY name LIMIT ?",
        (MAX_WITH_ORIGINS,),
    )


def keys_in(row: JsonObject) -> tuple[GatewayKey, ...]:
    """Return the key of a row, once for each token that it has: of today, and of before the last rotation.

    Raises:
        ValueError: the row's bounds are wrong.
    """
    read, is_revoked = read_fields(bounds_in(row)), row["revoked_at_ms"] is not None
    if is_revoked:
        read["expires_at_s"] = 0.0  # at once: the clock of whoever revoked it may be ahead
    key = GatewayKey(
        name=str(row["name"]),
        digest=bytes.fromhex(str(row["sha256"])),
        id=str(row["id"]),
        is_revoked=is_revoked,
        **read,
    )
    old, until_ms = row["old_sha256"], number_or_none(row["old_until_ms"])
    if not isinstance(old, str) or until_ms is None:
        return (key,)
    ends_at_s = until_ms / 1000
    earlier_s = ends_at_s if key.expires_at_s is None else min(key.expires_at_s, ends_at_s)
    return key, replace(key, digest=bytes.fromhex(old), expires_at_s=earlier_s)


def bounds_in(row: JsonObject) -> JsonObject:
    """Return the fields of a key that are set, as they were sent.

    Raises:
        ValueError: the row does not hold JSON.
    """
    bounds: JsonObject = json.loads(str(row["bounds"]))
    return bounds


def page(after: str, limit: int) -> list[Statement]:
    """Return the statement that reads the keys whose names come after one, in the order of names."""
    return [("SELECT * FROM keys WHERE name > ? ORDER BY name LIMIT ?", (after, limit))]


def one(name: str) -> list[Statement]:
    """Return two statements that read a key, and its last changes."""
    return [
        find_name(name),
        ("SELECT * FROM key_changes WHERE key = ? ORDER BY id DESC LIMIT ?", (name, SHOWN_CHANGES)),
    ]


def make(change: Change, *, key_id: str, digest: bytes) -> list[Statement]:
    """Return the statements that make a key. The name must be free, or that of a revoked key."""
    made = (
        "INSERT INTO keys (name, id, sha256, bounds, created_at_ms, changed_at_ms, last_change) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6) ON CONFLICT (name) DO UPDATE SET "
        "id = excluded.id, sha256 = excluded.sha256, old_sha256 = NULL, old_until_ms = NULL, "
        "bounds = excluded.bounds, created_at_ms = excluded.created_at_ms, "
        "changed_at_ms = excluded.changed_at_ms, revoked_at_ms = NULL, last_change = excluded.last_change "
        "WHERE revoked_at_ms IS NOT NULL RETURNING *"
    )
    values = (change.name, key_id, digest.hex(), json.dumps(change.fields), change.at_ms, change.id)
    return [(made, values), change.noted_as("made")]


def set_fields(change: Change) -> list[Statement]:
    """Return the statements that set and remove fields of a key. A field that is set replaces the old one."""
    paths = _paths(change.fields)
    kept: dict[str, Json] = {name: value for name, value in change.fields.items() if value is not None}
    text = (
        f"UPDATE keys SET bounds = json_patch(json_remove(bounds, {paths}), ?), "  # noqa: S608  # names of FIELDS
        "changed_at_ms = ?, last_change = ? WHERE name = ? AND revoked_at_ms IS NULL "
        "RETURNING *"
    )
    values = (json.dumps(kept), change.at_ms, change.id, change.name)
    return [(text, values), change.noted_as("changed")]


def _paths(names: Iterable[str]) -> str:
    return ", ".join(f"'$.{name}'" for name in names)


def rotate(change: Change, *, digest: bytes, old_until_ms: int | None) -> list[Statement]:
    """Return the statements that give a key another token.

    Args:
        change: the change.
        digest: the digest of the new token.
        old_until_ms: until when the token of today goes on; None: it ends at once. One before it ends.
    """
    text = (
        "UPDATE keys SET old_sha256 = CASE WHEN ?1 IS NULL THEN NULL ELSE sha256 END, old_until_ms = ?1, "
        "sha256 = ?2, changed_at_ms = ?3, last_change = ?4 WHERE name = ?5 AND revoked_at_ms IS NULL "
        "RETURNING *"
    )
    values = (old_until_ms, digest.hex(), change.at_ms, change.id, change.name)
    return [(text, values), change.noted_as("rotated")]


def revoke(change: Change) -> list[Statement]:
    """Return the statements that revoke a key. For one that is revoked they change nothing."""
    text = (
        "UPDATE keys SET revoked_at_ms = coalesce(revoked_at_ms, ?1), "
        "changed_at_ms = CASE WHEN revoked_at_ms IS NULL THEN ?1 ELSE changed_at_ms END, "
        "last_change = CASE WHEN revoked_at_ms IS NULL THEN ?2 ELSE last_change END "
        "WHERE name = ?3 RETURNING *"
    )
    return [(text, (change.at_ms, change.id, change.name)), change.noted_as("revoked")]
