"""Builds the JSON Schemas of Messages: the request, the message, the count of tokens, the error."""

from gateway.dialects.messages.errors import TYPES
from gateway.dialects.messages.fields import FIELDS
from gateway.http.json_values import Json, JsonObject, object_or_empty
from gateway.openapi.error_schema import error_schema
from gateway.openapi.schemas import reference, request_properties

_TEXT: JsonObject = {"type": "string"}
_COUNT: JsonObject = {"type": "integer", "minimum": 0}
# Types of errors that no status alone stands for.
OTHER_TYPES = ("invalid_request_error", "api_error")


def messages_request_schema() -> JsonObject:
    """Return the schema of a Messages request's body."""
    return {
        "type": "object",
        "description": "OpenRouter's body of `/messages`. Fields that are not listed go upstream unchanged.",
        "required": ["messages"],
        "properties": request_properties(FIELDS),
        # Both name further models.
        "not": {
            "required": ["models", "fallbacks"],
            "properties": {"models": {"type": "array"}, "fallbacks": {"type": "array"}},
        },
    }


def message_schema() -> JsonObject:
    """Return the schema of an answer that is not streamed."""
    return {
        "type": "object",
        "required": ["id", "type", "role", "model", "content", "stop_reason", "usage", "gateway"],
        "properties": {
            "id": _TEXT,
            "type": {"const": "message"},
            "role": {"const": "assistant"},
            "model": {"type": "string", "description": "The model that answered; see `show_model`."},
            "content": {"type": "array", "items": {"type": "object"}},
            "stop_reason": {"type": ["string", "null"]},
            "stop_sequence": {"type": ["string", "null"]},
            "usage": {"type": "object"},
            "gateway": reference("Receipt"),
        },
    }


def token_count_schema() -> JsonObject:
    """Return the schema of an estimate of a request's tokens."""
    estimate: JsonObject = {
        "estimated": {"const": True},
        "bytes_per_token": {"type": "number", "exclusiveMinimum": 0},
        "samples": {**_COUNT, "description": "How many requests it comes from. 0: none."},
        "error": {
            "type": ["number", "null"],
            "description": "How far nine of ten of them were from it at most, as a share of their tokens.",
        },
    }
    required: list[Json] = [*estimate]
    return {
        "type": "object",
        "required": ["input_tokens", "gateway"],
        "properties": {
            "input_tokens": {"type": "integer", "minimum": 1},
            "gateway": {"type": "object", "required": required, "properties": estimate},
        },
    }


def messages_error_schema() -> JsonObject:
    """Return the schema of an error in Anthropic's form; the gateway's own fields are those of `Error`."""
    of_chat = object_or_empty(object_or_empty(error_schema()["properties"])["error"])
    properties = object_or_empty(of_chat["properties"])
    error: JsonObject = {
        "type": "object",
        "required": ["type", "message", "error_type", "code", "param", "metadata"],
        "properties": {**properties, "type": {"enum": [*TYPES.values(), *OTHER_TYPES]}, "error_type": _TEXT},
    }
    return {
        "type": "object",
        "required": ["type", "error", "request_id"],
        "properties": {"type": {"const": "error"}, "error": error, "request_id": _TEXT},
    }
