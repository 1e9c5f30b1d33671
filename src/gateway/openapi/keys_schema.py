"""The JSON Schemas of ``/v1/keys``: what makes and changes a key, and how one is shown."""

from gateway.access.key_table import MAX_VALID_S
from gateway.access.lent_key import MAX_LENT_S
from gateway.http.json_values import Json, JsonObject
from gateway.openapi.schemas import reference
from gateway.settings.field_rule import MODEL_ITEM
from gateway.settings.options import OPTIONS
from gateway.settings.parse_value import MAX_BUDGET_USD
from gateway.settings.presets import LIMITS, SETTABLE

NAME: JsonObject = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"}
_TIME: JsonObject = {"type": ["string", "null"]}


def key_request_schema() -> JsonObject:
    """Return the schema of the body that makes a key."""
    return {
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "properties": {"name": NAME, **_fields()},
    }


def key_changes_schema() -> JsonObject:
    """Return the schema of the body that changes a key. Null removes a field."""
    return {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": _fields(),
    }


def rotation_schema() -> JsonObject:
    """Return the schema of the body that rotates a key."""
    valid: JsonObject = {
        "type": ["integer", "null"],
        "minimum": 0,
        "maximum": MAX_VALID_S,
        "description": "For how many seconds the old token stays valid.",
    }
    return {"type": "object", "additionalProperties": False, "properties": {"valid_for_s": valid}}


def stored_key_schema() -> JsonObject:
    """Return the schema of a key as it is shown. It never has its token."""
    properties: JsonObject = {
        "object": {"const": "gateway_key"},
        "name": {"type": "string"},
        "state": {
            "enum": ["active", "expired", "revoked", "in_secret", "invalid"],
            "description": "`in_secret`: a key of this name in GATEWAY_KEYS goes before it.",
        },
        **_fields(),
        "created_at": _TIME,
        "changed_at": _TIME,
        "revoked_at": _TIME,
        "old_token_until": {**_TIME, "description": "Until when the token before the last rotation holds."},
    }
    change: JsonObject = {
        "at": {"type": "string"},
        "by": {"type": "string", "description": "The name of the admin's key."},
        "action": {"enum": ["made", "changed", "rotated", "revoked"]},
        "fields": {"type": "object"},
    }
    history: JsonObject = {
        "type": "array",
        "description": "The last changes, the newest first. For one key only.",
        "items": _object(change),
    }
    return {**_object(properties), "properties": {**properties, "changes": history}}


def new_key_schema() -> JsonObject:
    """Return the schema of a key with a new token."""
    token: JsonObject = {"type": "string", "description": "It is shown this once."}
    fields: JsonObject = {"type": "object", "required": ["token"], "properties": {"token": token}}
    return {"allOf": [reference("StoredKey"), fields]}


def key_list_schema() -> JsonObject:
    """Return the schema of a page of keys."""
    names: JsonObject = {"type": "array", "items": {"type": "string"}}
    return _object(
        {
            "object": {"const": "list"},
            "data": {"type": "array", "items": reference("StoredKey")},
            "next": {
                "type": ["string", "null"],
                "description": "What `after` must be for the next page; null: this is the last.",
            },
            "in_secret": {**names, "description": "The names of the keys in the secret GATEWAY_KEYS."},
        }
    )


def lend_request_schema() -> JsonObject:
    """Return the schema of the body that lends a part of the caller's key."""
    valid: JsonObject = {"type": ["integer", "null"], "minimum": 1, "maximum": MAX_LENT_S}
    fields = _fields()
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "models": fields["models"],
            "per_minute": fields["per_minute"],
            "budget_usd": {"type": ["number", "null"], "exclusiveMinimum": 0},
            "valid_for_s": valid,
        },
    }


def lent_key_schema() -> JsonObject:
    """Return the schema of a lent key with its token."""
    return _object({**lent_properties(), "token": {"type": "string"}})


def lent_properties() -> JsonObject:
    """Return the schemas of what is shown of a lent key."""
    return {
        "object": {"const": "lent_key"},
        "id": {"type": "string"},
        "name": {"type": "string", "description": "The name of the key that lent it."},
        "models": {"type": ["array", "null"], "items": {"type": "string"}},
        "budget_usd": {"type": ["number", "null"]},
        "per_minute": {"type": ["integer", "null"]},
        "expires_at": {"type": "string"},
    }


def _fields() -> JsonObject:
    usd: JsonObject = {"type": ["number", "null"], "minimum": 0, "maximum": MAX_BUDGET_USD}
    count: JsonObject = {"type": ["integer", "null"], "minimum": 1}
    return {
        "models": {"type": ["array", "null"], "minItems": 1, "items": MODEL_ITEM},
        "admin": {"type": ["boolean", "null"]},
        "expires": {"type": ["string", "null"], "description": "A date or a time, in ISO 8601."},
        "budget": _closed({"day_usd": usd, "month_usd": usd}),
        "per_minute": count,
        "concurrent": count,
        "options": _closed({name: _without_null(OPTIONS[name].schema) for name in SETTABLE}),
        "limits": _closed({name: dict(rule.schema) for name, rule in LIMITS.items()}),
        "origins": {"type": ["array", "null"], "minItems": 1, "items": {"type": "string"}},
    }


def _without_null(schema: JsonObject) -> JsonObject:
    """Return the schema of a value that may not be null: of an option, null is no value."""
    return {"allOf": [schema], "not": {"type": "null"}}


def _closed(properties: JsonObject) -> JsonObject:
    return {"type": ["object", "null"], "additionalProperties": False, "properties": properties}


def _object(properties: JsonObject) -> JsonObject:
    required: list[Json] = [*properties]
    return {"type": "object", "required": required, "properties": properties}
