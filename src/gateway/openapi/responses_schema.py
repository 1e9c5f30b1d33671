"""Builds the JSON Schemas of Responses: the request and the response."""

from gateway.dialects.body import MAX_MESSAGES
from gateway.dialects.responses.answer import COMPLETED, INCOMPLETE
from gateway.dialects.responses.fields import FIELDS, STORED
from gateway.http.json_values import Json, JsonObject
from gateway.openapi.schemas import reference, request_properties

_TEXT: JsonObject = {"type": "string"}


def responses_request_schema() -> JsonObject:
    """Return the schema of a Responses request's body."""
    properties = request_properties(FIELDS, ("input",))
    for name, (harmless, _) in STORED.items():
        allowed: list[Json] = [None] if harmless is None else [None, False]
        properties[name] = {"enum": allowed, "description": "OpenRouter stores no answers."}
    properties["input"] = {
        "type": ["string", "array"],
        "minLength": 1,
        "minItems": 1,
        "maxItems": MAX_MESSAGES,
        "items": {"type": "object"},
    }
    return {
        "type": "object",
        "description": "OpenRouter's body of `/responses`. Fields that are not listed go upstream unchanged.",
        "required": ["input"],
        "properties": properties,
    }


def response_schema() -> JsonObject:
    """Return the schema of an answer that is not streamed."""
    return {
        "type": "object",
        "required": ["id", "object", "created_at", "status", "model", "output", "usage", "gateway"],
        "properties": {
            "id": _TEXT,
            "object": {"const": "response"},
            "created_at": {"type": "number"},
            "status": {"enum": [COMPLETED, INCOMPLETE]},
            "model": {"type": "string", "description": "The model that answered; see `show_model`."},
            "output": {"type": "array"},
            "usage": {"type": ["object", "null"]},
            "gateway": reference("Receipt"),
        },
    }
