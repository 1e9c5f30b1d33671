"""The JSON Schemas of ``GET /v1/usage``: of its response and of its query parameters."""

from gateway.http.json_values import Json, JsonObject
from gateway.ledger.usage_query import GROUPS, MAX_GROUPS


def usage_schema() -> JsonObject:
    """Return the schema of the usage of one key, or of all keys."""
    count: JsonObject = {"type": "integer", "minimum": 0}
    ms: JsonObject = {
        "type": ["integer", "null"],
        "minimum": 0,
        "description": "Only answers count; null if there are none.",
    }
    usd: JsonObject = {"type": "number", "minimum": 0}
    rate: JsonObject = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
    sums: JsonObject = {
        "requests": count,
        "answered": count,
        "fallbacks": {**count, "description": "Answered, but not by the first attempt."},
        "unsettled": {**count, "description": "Requests whose cost is pending or includes an estimate."},
        "billed_failures": count,
        "prompt_tokens": count,
        "completion_tokens": count,
        "reasoning_tokens": count,
        "cached_tokens": count,
        "mean_ms": ms,
        "p50_ms": ms,
        "p95_ms": ms,
        "fallback_rate": {**rate, "description": "The share of answered requests that are fallbacks."},
        "cost_usd": usd,
        "estimated_usd": {**usd, "description": "The part of the cost that is an upper bound."},
    }
    series: JsonObject = {"name": {"type": "string"}, **sums}
    text: JsonObject = {"type": "string"}
    return _object(
        {
            "object": {"const": "usage"},
            "ledger": text,
            "from": text,
            "to": text,
            "key": {"type": ["string", "null"], "description": "Null: all keys."},
            "by": {"enum": [*GROUPS]},
            "totals": {**_object(sums), "type": ["object", "null"]},
            "series": {"type": "array", "items": _object(series)},
            "truncated": {"type": "boolean", "description": f"There are more than {MAX_GROUPS} names."},
            "lost_writes": {**count, "description": "Rows that this isolate could not write."},
        }
    )


def usage_parameters() -> list[Json]:
    """Return the query parameters in OpenAPI's form."""
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
