"""The JSON Schema of what ``GET /v1/usage`` shows, and its query parameters."""

from gateway.http.json_values import Json, JsonObject
from gateway.ledger.usage_query import GROUPS, MAX_GROUPS


def usage_schema() -> JsonObject:
    """Return the schema of a key's usage, or everybody's."""
    count: JsonObject = {"type": "integer", "minimum": 0}
    ms: JsonObject = {
        "type": ["integer", "null"],
        "minimum": 0,
        "description": "Of answers; null without any.",
    }
    usd: JsonObject = {"type": "number", "minimum": 0}
    rate: JsonObject = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
    sums: JsonObject = {
        "requests": count,
        "answered": count,
        "fallbacks": {**count, "description": "Answered, but not at the first attempt."},
        "unsettled": {**count, "description": "Whose cost is pending, or holds an estimate."},
        "billed_failures": count,
        "prompt_tokens": count,
        "completion_tokens": count,
        "reasoning_tokens": count,
        "cached_tokens": count,
        "mean_ms": ms,
        "p50_ms": ms,
        "p95_ms": ms,
        "fallback_rate": {**rate, "description": "Fallbacks among what was answered."},
        "cost_usd": usd,
        "estimated_usd": {**usd, "description": "What of it is an upper bound."},
    }
    series: JsonObject = {"name": {"type": "string"}, **sums}
    text: JsonObject = {"type": "string"}
    return _object(
        {
            "object": {"const": "usage"},
            "ledger": text,
            "from": text,
            "to": text,
            "key": {"type": ["string", "null"], "description": "Null: everybody's."},
            "by": {"enum": [*GROUPS]},
            "totals": {**_object(sums), "type": ["object", "null"]},
            "series": {"type": "array", "items": _object(series)},
            "truncated": {"type": "boolean", "description": f"There are more than {MAX_GROUPS} names."},
            "lost_writes": {**count, "description": "Rows that this isolate could not write."},
        }
    )


def usage_parameters() -> list[Json]:
    """Return the query's parameters."""
    day: JsonObject = {"type": "string", "format": "date"}
    schemas: dict[str, JsonObject] = {
        "from": day,
        "to": day,
        "by": {"enum": [*GROUPS]},
        "key": {"type": "string"},
        "format": {"enum": ["json", "csv"]},
    }
    return [{"name": name, "in": "query", "schema": schema} for name, schema in schemas.items()]


def _object(properties: JsonObject) -> JsonObject:
    required: list[Json] = [*properties]
    return {"type": "object", "required": required, "properties": properties}
