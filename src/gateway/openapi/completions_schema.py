"""Builds the JSON Schemas of completions: the request and the answer."""

from gateway.dialects.completions.fields import FIELDS, REQUIRED
from gateway.dialects.completions.text_form import TEXTS
from gateway.http.json_values import JsonObject
from gateway.openapi.schemas import answer_schema, request_properties


def completions_request_schema() -> JsonObject:
    """Return the schema of a completion request's body."""
    return {
        "type": "object",
        "description": "OpenRouter's body of `/completions`. Fields not listed here go upstream unchanged.",
        "required": [*REQUIRED],
        "properties": request_properties(FIELDS, REQUIRED),
    }


def text_completion_schema() -> JsonObject:
    """Return the schema of a completion that is not streamed."""
    return answer_schema(
        TEXTS.object,
        {
            "type": "object",
            "required": ["index", "text", "logprobs", "finish_reason"],
            "properties": {"index": {"type": "integer"}, "text": {"type": "string"}},
        },
    )
