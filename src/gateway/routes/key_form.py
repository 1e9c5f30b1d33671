"""The form in which a key of the database is shown: never with its token or its digest."""

import json
from datetime import UTC, datetime

from gateway.access.key_table import bounds_in
from gateway.http.json_values import Json, JsonObject, number_or_none
from gateway.pipeline.call import Call
from gateway.routes.key_call import is_in_secret
from gateway.settings.budget import shown_time
from gateway.settings.key_fields import FIELDS, read_fields


def key_form(row: JsonObject, call: Call) -> JsonObject:
    """Return a key: its fields as they were set, null for those that are not, and its state."""
    bounds, now_ms = bounds_in(row), call.ports.now_s() * 1000
    old_until_ms = number_or_none(row["old_until_ms"])
    return {
        "object": "gateway_key",
        "name": row["name"],
        "state": _state(row, bounds, call),
        **{field: bounds.get(field) for field in FIELDS},
        "created_at": time_form(row["created_at_ms"]),
        "changed_at": time_form(row["changed_at_ms"]),
        "revoked_at": time_form(row["revoked_at_ms"]),
        "old_token_until": time_form(old_until_ms) if old_until_ms and old_until_ms > now_ms else None,
    }


def change_form(row: JsonObject) -> JsonObject:
    """Return a change of a key: when, by which admin's key, and the new values."""
    fields: Json = json.loads(str(row["fields"]))
    return {
        "at": time_form(row["at_ms"]),
        "by": row["changed_by"],
        "action": row["action"],
        "fields": fields,
    }


def _state(row: JsonObject, bounds: JsonObject, call: Call) -> str:
    if row["revoked_at_ms"] is not None:
        return "revoked"
    if is_in_secret(str(row["name"]), call):
        return "in_secret"
    try:
        expires_at_s = read_fields(bounds).get("expires_at_s")
    except ValueError:
        return "invalid"
    is_over = expires_at_s is not None and call.ports.now_s() >= expires_at_s
    return "expired" if is_over else "active"


def time_form(at_ms: Json) -> str | None:
    """Return a time in Unix milliseconds as text, in whole seconds; None for None."""
    ms = number_or_none(at_ms)
    return None if ms is None else shown_time(datetime.fromtimestamp(ms // 1000, UTC))
