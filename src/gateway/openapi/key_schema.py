"""The JSON Schema of the response of ``GET /v1/key``."""

from gateway.http.json_values import Json, JsonObject


def key_schema() -> JsonObject:
    """Return the schema of a key's state."""
    usd: JsonObject = {"type": "number", "minimum": 0}
    count: JsonObject = {"type": ["integer", "null"], "minimum": 0}
    budget: JsonObject = {
        "scope": {"enum": ["key", "all_keys"]},
        "period": {"enum": ["day", "month"]},
        "limit_usd": usd,
        "spent_usd": {**usd, "description": "Includes what is held for requests in flight."},
        "remaining_usd": usd,
        "resets_at": {"type": "string"},
    }
    properties: JsonObject = {
        "object": {"const": "key"},
        "name": {"type": "string"},
        "admin": {"type": "boolean"},
        "pays_itself": {
            "type": "boolean",
            "description": "Whether the caller pays with its own OpenRouter key.",
        },
        "models": {"type": ["array", "null"], "items": {"type": "string"}},
        "options": {"type": "object"},
        "limits": {"type": "object", "description": "The ceilings that are set; a request cannot lift them."},
        "per_minute": count,
        "concurrent": count,
        "under_way": {
            **count,
            "description": "Requests in flight in this isolate; null for a key without `concurrent`.",
        },
        "budgets": {"type": "array", "items": _object(budget)},
        "counted_by": {"enum": ["ledger", "isolate"]},
    }
    shown = _object(properties)
    openrouters: JsonObject = {
        "type": ["object", "null"],
        "description": "Only for admins: OpenRouter's data about the gateway's key.",
    }
    return {**shown, "properties": {**properties, "openrouter": openrouters}}


def _object(properties: JsonObject) -> JsonObject:
    required: list[Json] = [*properties]
    return {"type": "object", "required": required, "properties": properties}
