"""The JSON Schema of an error response."""

from gateway.faults.policy import RULES
from gateway.faults.upstream_message import MAX_CHARACTERS
from gateway.http.errors import KINDS
from gateway.http.json_values import JsonObject
from gateway.openapi.schemas import reference
from gateway.pipeline.budget import WOULD_HELP


def reported_schema() -> JsonObject:
    """Return the schema of what an upstream said of its error."""
    return {
        "type": "object",
        "description": "What the upstream said of its error, without secrets. Null: it did not say.",
        "required": ["message", "code", "provider", "model"],
        "properties": {
            "message": {"type": ["string", "null"], "maxLength": MAX_CHARACTERS},
            "code": {"type": ["string", "integer", "null"]},
            "provider": {"type": ["string", "null"]},
            "model": {"type": "string"},
        },
    }


def error_schema() -> JsonObject:
    """Return the schema of an error response; all errors have this format."""
    usd: JsonObject = {"type": "number", "minimum": 0}
    metadata: JsonObject = {
        "type": "object",
        "required": ["code", "source", "retryable", "retry_after_s"],
        "properties": {
            "code": {"enum": [*KINDS, *RULES]},
            "source": {"enum": ["client", "gateway", "openrouter", "provider"]},
            "retryable": {"type": "boolean"},
            "retry_after_s": {"type": ["number", "null"]},
            "upstream": reported_schema(),
            "errors": {
                "type": "array",
                "description": 'The error of every attempt, if `gateway.errors` was "all".',
                "items": {
                    "type": "object",
                    "required": ["model", "code", "source", "status", "message", "upstream"],
                    "properties": {
                        "model": {"type": "string"},
                        "code": {"enum": [*RULES]},
                        "source": {"enum": ["client", "gateway", "openrouter", "provider"]},
                        "status": {"type": ["integer", "null"]},
                        "message": {"type": "string"},
                        "upstream": reported_schema(),
                    },
                },
            },
            "scope": {
                "type": "string",
                "description": "Of a budget of this gateway: `key`, `all_keys` or `session`.",
            },
            "period": {"enum": ["day", "month"], "description": "A session's budget has none."},
            "held_usd": {**usd, "description": "`budget_in_flight`: what other requests hold."},
            "left_usd": {**usd, "description": "`budget_in_flight`: what is left of the budget."},
            "needed_usd": {**usd, "description": "`budget_in_flight`: what the request would hold."},
            "would_help": {"type": "array", "items": {"enum": [*WOULD_HELP]}},
            "gateway": reference("Receipt"),
        },
    }
    error: JsonObject = {
        "type": "object",
        "required": ["message", "type", "param", "code", "metadata"],
        "properties": {
            "message": {"type": "string"},
            "type": {"type": "string"},
            "param": {"type": ["string", "null"]},
            "code": {"anyOf": [{"enum": [*KINDS, *RULES]}, {"type": "integer"}]},
            "metadata": metadata,
        },
    }
    return {"type": "object", "required": ["error"], "properties": {"error": error}}
