"""The JSON Schema of what ``GET /v1/usage`` shows, and its query parameters."""

from gateway.usage import GROUPS
from gateway.wire import Json, JsonObject


def usage_schema() -> JsonObject:
    """Return the schema of a key's usage, or everybody's."""
    count: JsonObject = {"type": "integer", "minimum": 0}
    maybe: JsonObject = {"type": ["integer", "null"], "minimum": 0}
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
        "mean_ms": maybe,
        "cost_usd": {"type": "number", "minimum": 0},
    }
    rate: JsonObject = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
    totals: JsonObject = {**sums, "fallback_rate": rate, "p50_ms": maybe, "p95_ms": maybe}
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
            "totals": {**_object(totals), "type": ["object", "null"]},
            "series": {"type": "array", "items": _object(series)},
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
