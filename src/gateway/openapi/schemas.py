"""Builds the JSON Schemas of requests and responses from the tables that the gateway itself uses."""

from collections.abc import Iterable, Mapping
from typing import get_args

from gateway.catalog.query import MAX_SEARCH_CHARACTERS, PARAMETERS, SORTS
from gateway.dialects.body import REFUSED
from gateway.dialects.chat.fields import FIELDS
from gateway.fallback.attempt import MAX_MESSAGE_CHARACTERS
from gateway.faults.policy import RULES
from gateway.faults.upstream_message import MAX_CHARACTERS
from gateway.http.errors import KINDS
from gateway.http.json_values import JsonObject, list_or_empty
from gateway.pipeline.budget import WOULD_HELP
from gateway.routing.chain import LimitName
from gateway.settings.field_rule import FieldRule
from gateway.settings.options import OPTIONS


def reference(name: str) -> JsonObject:
    """Return a reference to the schema of that name in the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def chat_request_schema() -> JsonObject:
    """Return the schema of a chat request's body."""
    return {
        "type": "object",
        "description": "OpenRouter's request body. Fields that are not listed here go upstream unchanged.",
        "anyOf": [
            {"required": ["messages"]},
            {"required": ["prompt"], "properties": {"prompt": {"type": "string"}}},
        ],
        "properties": request_properties(FIELDS),
    }


def request_properties(
    fields: Mapping[str, FieldRule], required: Iterable[str] = ("messages",)
) -> JsonObject:
    """Return the schemas of a request's fields, by the rules of its dialect.

    ``required``: the fields of which null is refused, because it counts as absent.
    """
    properties: JsonObject = {name: dict(rule.schema) for name, rule in fields.items()}
    properties["gateway"] = _gateway_schema()
    properties |= dict.fromkeys(REFUSED, False)
    for name in required:
        types = [each for each in list_or_empty(fields[name].schema["type"]) if each != "null"]
        properties[name] = {**fields[name].schema, "type": types[0] if len(types) == 1 else types}
    return properties


def _gateway_schema() -> JsonObject:
    """Return the schema of a request's ``gateway`` object."""
    return {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {name: dict(rule.schema) for name, rule in OPTIONS.items()},
    }


def completion_schema() -> JsonObject:
    """Return the schema of an answer that is not streamed."""
    return {
        "type": "object",
        "required": ["id", "object", "created", "model", "choices", "gateway"],
        "properties": {
            "id": {"type": "string"},
            "object": {"const": "chat.completion"},
            "created": {"type": "integer"},
            "model": {"type": "string", "description": "The model that answered."},
            "choices": {"type": "array", "minItems": 1, "items": {"type": "object"}},
            "usage": {"type": ["object", "null"]},
            "gateway": reference("Receipt"),
        },
    }


def resolved_schema() -> JsonObject:
    """Return the schema of what the names of a request stand for."""
    return {
        "type": "object",
        "description": "By the name that was written, the model or task that it stands for.",
        "additionalProperties": {"type": "string"},
    }


def route_schema() -> JsonObject:
    """Return the schema of a task route that a condition has chosen."""
    return {
        "type": "object",
        "description": "The task route that a condition has chosen, and what of the condition was met.",
        "required": ["task", "when"],
        "properties": {"task": {"type": "string"}, "when": {"type": "object"}},
    }


def receipt_schema() -> JsonObject:
    """Return the schema of a receipt: what a request tried, and how each attempt ended."""
    attempt: JsonObject = {
        "type": "object",
        "required": [
            "model",
            "number",
            "upstream",
            "outcome",
            "source",
            "code",
            "status",
            "ms",
            "cost_usd",
            "billed",
        ],
        "properties": {
            "model": {"type": "string"},
            "number": {"type": "integer", "minimum": 1},
            "upstream": {"type": "string"},
            "outcome": {"enum": ["under_way", "answered", "failed", "cut_off", "cancelled"]},
            "source": {"enum": ["client", "gateway", "openrouter", "provider", None]},
            "code": {"enum": [*RULES, None]},
            "status": {"type": ["integer", "null"]},
            "ms": {"type": "integer", "minimum": 0},
            "cost_usd": {"type": ["number", "null"]},
            "billed": {"enum": ["yes", "no", "unknown"]},
            "watched": {"const": True, "description": "A stream was requested for a plain answer."},
            "signed_parts_removed": {
                "type": "integer",
                "minimum": 1,
                "description": "How many signed parts of the messages it did not get.",
            },
            "message": {
                "type": "string",
                "maxLength": MAX_MESSAGE_CHARACTERS,
                "description": "If it failed, the beginning of what the upstream said, if it said anything.",
            },
            **time_limit_properties("If a time limit ended it: "),
        },
    }
    return {
        "type": "object",
        "required": ["request_id", "requested", "served", "attempts", "cost_usd", "ms"],
        "properties": {
            "request_id": {"type": "string"},
            "requested": {"type": "array", "items": {"type": "string"}},
            "resolved": resolved_schema(),
            "route": route_schema(),
            "served": {"type": ["string", "null"]},
            "attempts": {"type": "array", "items": attempt},
            "sticky": {
                "const": True,
                "description": "The model was chosen because it answered the session last.",
            },
            "signed_by": {
                "type": "string",
                "description": "The model, or the author, that made the newest signed part of the messages.",
            },
            "cache": {
                "type": "object",
                "description": "If `cache_ttl_s` was set: whether a cached answer was returned, and its age.",
                "required": ["hit", "age_s"],
                "properties": {
                    "hit": {"type": "boolean"},
                    "age_s": {"type": ["integer", "null"], "minimum": 0},
                    "items": {"type": "integer", "minimum": 1, "description": "How many inputs there are."},
                    "items_hit": {"type": "integer", "minimum": 0, "description": "How many were cached."},
                },
            },
            "embedding_space": {
                "type": "string",
                "description": "The model of the vectors, and their number of dimensions.",
            },
            "skipped": {"type": "array", "items": {"type": "object", "required": ["model", "reason"]}},
            "notes": {"type": "array", "items": {"type": "string"}},
            "cost_usd": {"type": ["number", "null"]},
            "ms": {"type": "integer", "minimum": 0},
        },
    }


def time_limit_properties(when: str) -> JsonObject:
    """Return the schemas of the fields that show a time limit; each description begins with ``when``."""
    return {
        "limit": {"enum": [*get_args(LimitName)], "description": f"{when}which one."},
        "limit_ms": {"type": "integer", "minimum": 0, "description": f"{when}its length."},
        "because": {"type": "string", "description": f"{when}where it comes from."},
    }


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


def model_schema() -> JsonObject:
    """Return the schema of a model, in the list and alone."""
    price: JsonObject = {"type": ["number", "null"], "minimum": 0, "description": "Null: unknown."}
    return {
        "type": "object",
        "description": "OpenRouter's fields, and the ones listed here.",
        "required": ["id", "object", "owned_by", "usd_per_million_tokens"],
        "properties": {
            "id": {"type": "string"},
            "object": {"const": "model"},
            "owned_by": {"type": "string"},
            "type": {"const": "model", "description": "In Anthropic's form, like the next three."},
            "display_name": {"type": "string"},
            "description": {"type": "string"},
            "created_at": {"type": "string", "format": "date-time"},
            "usd_per_million_tokens": {
                "type": "object",
                "required": ["prompt", "completion"],
                "properties": {"prompt": price, "completion": price},
            },
        },
    }


def model_list_schema() -> JsonObject:
    """Return the schema of the list of models."""
    return {
        "type": "object",
        "required": ["object", "data"],
        "properties": {
            "object": {"const": "list"},
            "data": {"type": "array", "items": reference("Model")},
            "total_count": {"type": "integer", "minimum": 0, "description": "The models of all pages."},
            "has_more": {"type": "boolean", "description": "In Anthropic's form, like the next two."},
            "first_id": {"type": ["string", "null"]},
            "last_id": {"type": ["string", "null"]},
        },
    }


def endpoints_schema() -> JsonObject:
    """Return the schema of a model's endpoints. The data is OpenRouter's own."""
    return {"type": "object", "required": ["data"], "properties": {"data": {"type": "object"}}}


def filter_schemas() -> dict[str, JsonObject]:
    """Return the schema of each query parameter of the model list."""
    several: JsonObject = {
        "type": "string",
        "description": "One, or several with commas: a model must have all.",
    }
    schemas: dict[str, JsonObject] = {
        "q": {
            "type": "string",
            "maxLength": MAX_SEARCH_CHARACTERS,
            "description": "Words that the id or the name contains.",
        },
        "supported_parameters": several,
        "max_price": {
            "type": "number",
            "minimum": 0,
            "description": "USD per million tokens, for the more expensive kind of token.",
        },
        "min_context": {"type": "number", "minimum": 0, "description": "Tokens."},
        "free": {"type": "boolean", "description": "Whether the name ends in `:free`."},
        "modality": several,
        "sort": {"enum": [*SORTS]},
        "offset": {"type": "integer", "minimum": 0, "description": "How many to skip at the start."},
        "limit": {"type": "integer", "minimum": 0, "description": "How many to return at most."},
    }
    return {name: schemas[name] for name in PARAMETERS}
