"""The JSON Schemas of the responses of ``GET /v1/key`` and ``GET /api/v1/key``."""

from gateway.http.json_values import Json, JsonObject
from gateway.openapi.keys_schema import lent_properties


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
    lent = {
        **_object({**lent_properties(), "spent_usd": {"type": ["number", "null"]}}),
        "description": "Only for a lent key: its part of the key that lent it, and what it has spent of it.",
    }
    return {**shown, "properties": {**properties, "openrouter": openrouters, "lent": lent}}


def openrouters_key_schema() -> JsonObject:
    """Return the schema of a key's state in OpenRouter's form. Source: its SDKs' ``GetCurrentKeyData``."""
    usd: JsonObject = {"type": "number"}
    limit: JsonObject = {"type": ["number", "null"]}
    nothing: JsonObject = {"type": "null"}
    no: JsonObject = {"const": False}
    budget = _object(
        {
            "budget_id": nothing,
            "guardrail_id": nothing,
            "include_byok": no,
            "limit_usd": usd,
            "remaining_usd": usd,
            "spend_usd": usd,
            "reset_interval": {"enum": ["daily", "monthly"]},
            "resets_at": {"type": "string"},
            "scope": {"enum": ["key_limit", "workspace"]},
        }
    )
    whole: JsonObject = {"type": "integer"}
    data: JsonObject = {
        "label": {"type": "string"},
        "limit": limit,
        "limit_remaining": limit,
        "limit_reset": {"enum": ["daily", "monthly", None]},
        "usage": usd,
        "usage_daily": usd,
        "usage_weekly": usd,
        "usage_monthly": usd,
        "byok_usage": usd,
        "byok_usage_daily": usd,
        "byok_usage_weekly": usd,
        "byok_usage_monthly": usd,
        "budgets": {"type": "array", "items": budget},
        "effective_budget": {"oneOf": [budget, nothing]},
        "rate_limit": _object(
            {"requests": whole, "interval": {"type": "string"}, "note": {"type": "string"}}
        ),
        "include_byok_in_limit": no,
        "is_free_tier": no,
        "is_management_key": no,
        "is_provisioning_key": no,
        "creator_user_id": nothing,
        "organization_id": nothing,
        "workspace_id": nothing,
        "allowed_data_regions": {"type": "array", "items": {"type": "string"}},
        "free_model_daily_requests": _object({"limit": whole, "remaining": whole, "used": whole}),
    }
    return _object({"data": _object(data)})


def _object(properties: JsonObject) -> JsonObject:
    required: list[Json] = [*properties]
    return {"type": "object", "required": required, "properties": properties}
