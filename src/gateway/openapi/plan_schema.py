"""The JSON Schemas of the responses of ``POST /v1/plan`` and ``GET /health``."""

from gateway.dialects.names import NAMES
from gateway.http.json_values import Json, JsonObject
from gateway.openapi.receipt_schema import resolved_schema, route_schema, time_limit_properties
from gateway.settings.options import MIDSTREAM, ORDERS
from gateway.settings.patience import PATIENCE_NAMES

_NUMBER: JsonObject = {"type": ["number", "null"]}
_COUNT: JsonObject = {"type": ["integer", "null"], "minimum": 0}
_TEXT: JsonObject = {"type": "string"}
_CODES: JsonObject = {"type": "array", "items": _TEXT}
_CATALOG: JsonObject = {
    "type": ["object", "null"],
    "description": "The model list that was used; null if there was none.",
    "required": ["models", "age_s", "fresh"],
    "properties": {"models": _COUNT, "age_s": _COUNT, "fresh": {"type": "boolean"}},
}


def plan_schema() -> JsonObject:
    """Return the schema of a plan."""
    step: JsonObject = {
        "model": _TEXT,
        "upstream": _TEXT,
        "task": {"type": ["string", "null"], "description": "The task route that added the model."},
        "wait_ms": _COUNT,
        "attempt_ms": {**_COUNT, "description": "Its time limit, if all attempts before it fail at once."},
        **time_limit_properties("Of the limits that apply to it, the shortest: "),
        "signed_parts_removed": {
            "type": "integer",
            "minimum": 0,
            "description": "How many signed parts of the messages it does not get.",
        },
        "expected_ms": {**_COUNT, "description": "Expected time until it commits; null if unknown."},
        "estimated_cost_usd": _NUMBER,
        "worst_cost_usd": _NUMBER,
        "held_cost_usd": {**_NUMBER, "description": "What it would hold of a budget; null if unknown."},
        "usd_per_million_tokens": {"type": ["object", "null"]},
    }
    failure: JsonObject = {"code": _TEXT, "status": {"type": "integer"}, "message": _TEXT}
    properties: JsonObject = {
        "object": {"const": "plan"},
        "dialect": {"enum": [*NAMES], "description": "The wire format of the body."},
        "request_id": _TEXT,
        "requested": {"type": "array", "items": _TEXT},
        "resolved": resolved_schema(),
        "route": {**route_schema(), "type": ["object", "null"]},
        "order": {"enum": [*ORDERS]},
        "sticky": {
            "type": "boolean",
            "description": "Whether the first model comes first because it answered the session last.",
        },
        "signed_by": {
            "type": ["string", "null"],
            "description": "The model, or the author, that made the newest signed part of the messages.",
        },
        "chain": {"type": "array", "items": _object(step)},
        "skipped": {"type": "array", "items": {"type": "object", "required": ["model", "reason"]}},
        "notes": {"type": "array", "items": _TEXT},
        "on_midstream": {"enum": [*MIDSTREAM], "description": "What happens if its stream is cut off."},
        "watch": {"type": "boolean", "description": "Whether its plain answer is requested as a stream."},
        "limits": {
            "type": "object",
            "properties": {
                "patience": {"enum": [*PATIENCE_NAMES]},
                "attempt_ms": {**_COUNT, "description": "Null: `patience` decides, for each model."},
                "first_token_ms": {**_COUNT, "description": "Null: `patience` decides, for each model."},
                "retry_first": {"type": "boolean"},
                "stop_on": _CODES,
            },
        },
        "prompt_tokens": _object({"least": _COUNT, "likely": _COUNT, "most": _COUNT}),
        "cost_usd": _object({"estimated": _NUMBER, "worst": _NUMBER}),
        "decided_by": {"type": "object"},
        "catalog": _CATALOG,
        "would_fail_with": {**_object(failure), "type": ["object", "null"]},
    }
    return _object(properties)


def health_schema() -> JsonObject:
    """Return the schema of the health report, with the fields that ``deep=1`` adds."""
    flag: JsonObject = {"type": "boolean"}
    shallow: JsonObject = {
        "status": {"enum": ["ok", "degraded", "incomplete"]},
        "version": _TEXT,
        "python": _TEXT,
        "set": {"type": "object", "properties": {"OPENROUTER_API_KEY": flag, "GATEWAY_KEYS": flag}},
    }
    models: JsonObject = {"type": "array", "items": _TEXT}
    deep: JsonObject = {
        "catalog": _CATALOG,
        "chains": {
            "type": "object",
            "additionalProperties": _object({"models": models, "not_listed": models}),
        },
        "upstreams": models,
        "ledger": _object({"bound": flag, "lost_writes": _COUNT}),
    }
    required: list[Json] = [*shallow]
    return {"type": "object", "required": required, "properties": {**shallow, **deep}}


def _object(properties: JsonObject) -> JsonObject:
    required: list[Json] = [*properties]
    return {"type": "object", "required": required, "properties": properties}
