"""Builds the JSON Schemas of completions, embeddings and reranking: the requests and the answers."""

from gateway.dialects.completions import fields as completions
from gateway.dialects.embeddings import fields as embeddings
from gateway.dialects.rerank import fields as rerank
from gateway.http.json_values import Json, JsonObject
from gateway.openapi.schemas import reference, request_properties

# No default is for these: one of them must name a model.
_NAMES_A_MODEL: list[Json] = [
    {"required": ["model"], "properties": {"model": {"type": "string"}}},
    {"required": ["models"], "properties": {"models": {"type": "array"}}},
]


def completions_request_schema() -> JsonObject:
    """Return the schema of a completion request."""
    return {
        "type": "object",
        "description": "OpenRouter's body of `/completions`. Fields not listed here go upstream unchanged.",
        "required": [*completions.REQUIRED],
        "properties": request_properties(completions.FIELDS, completions.REQUIRED),
    }


def text_completion_schema() -> JsonObject:
    """Return the schema of a completion that is not streamed."""
    choice: JsonObject = {
        "type": "object",
        "required": ["index", "text", "logprobs", "finish_reason"],
        "properties": {"index": {"type": "integer"}, "text": {"type": "string"}},
    }
    return {
        "type": "object",
        "required": ["id", "object", "created", "model", "choices", "gateway"],
        "properties": {
            "id": {"type": "string"},
            "object": {"const": "text_completion"},
            "created": {"type": "integer"},
            "model": {"type": "string"},
            "choices": {"type": "array", "minItems": 1, "items": choice},
            "usage": {"type": ["object", "null"]},
            "gateway": reference("Receipt"),
        },
    }


def embeddings_request_schema() -> JsonObject:
    """Return the schema of a request for embeddings."""
    return {
        "type": "object",
        "description": "OpenRouter's body of `/embeddings`. Fields not listed here go upstream unchanged.",
        "required": [*embeddings.REQUIRED],
        "anyOf": _NAMES_A_MODEL,
        "properties": request_properties(embeddings.FIELDS, embeddings.REQUIRED),
    }


def embeddings_schema() -> JsonObject:
    """Return the schema of an answer with vectors."""
    row: JsonObject = {
        "type": "object",
        "required": ["object", "index", "embedding"],
        "properties": {
            "object": {"const": "embedding"},
            "index": {"type": "integer", "minimum": 0},
            "embedding": {"type": ["array", "string"]},
        },
    }
    return {
        "type": "object",
        "required": ["object", "data", "model", "gateway"],
        "properties": {
            "object": {"const": "list"},
            "data": {"type": "array", "minItems": 1, "items": row},
            "model": {"type": "string"},
            "usage": {"type": "object"},
            "gateway": reference("Receipt"),
        },
    }


def rerank_request_schema() -> JsonObject:
    """Return the schema of a rerank request."""
    return {
        "type": "object",
        "description": "OpenRouter's body of `/rerank`. Fields that are not listed go upstream unchanged.",
        "required": [*rerank.REQUIRED],
        "anyOf": _NAMES_A_MODEL,
        "properties": request_properties(rerank.FIELDS, rerank.REQUIRED),
    }


def rerank_schema() -> JsonObject:
    """Return the schema of reranked documents."""
    result: JsonObject = {
        "type": "object",
        "required": ["index", "relevance_score"],
        "properties": {
            "index": {"type": "integer", "minimum": 0},
            "relevance_score": {"type": "number"},
        },
    }
    return {
        "type": "object",
        "required": ["results", "gateway"],
        "properties": {
            "results": {"type": "array", "minItems": 1, "items": result},
            "usage": {"type": "object"},
            "gateway": reference("Receipt"),
        },
    }
