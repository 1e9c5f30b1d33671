"""The JSON Schemas of chats, and what the schemas of all requests have in common."""

from collections.abc import Iterable, Mapping

from gateway.dialects.body import REFUSED
from gateway.dialects.chat.fields import FIELDS
from gateway.http.json_values import JsonObject, list_or_empty
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
