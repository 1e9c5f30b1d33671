"""Builds the JSON Schemas of embeddings, reranking and images: the requests and the answers."""

from collections.abc import Mapping, Sequence

from gateway.dialects.embeddings import fields as embeddings
from gateway.dialects.images import fields as images
from gateway.dialects.rerank import fields as rerank
from gateway.http.json_values import Json, JsonObject
from gateway.openapi.schemas import reference, request_properties
from gateway.settings.field_rule import FieldRule

# No default is for these: one of them must name a model.
_NAMES_A_MODEL: list[Json] = [
    {"required": ["model"], "properties": {"model": {"type": "string"}}},
    {"required": ["models"], "properties": {"models": {"type": "array"}}},
]


def _request(path: str, fields: Mapping[str, FieldRule], required: Sequence[str]) -> JsonObject:
    return {
        "type": "object",
        "description": f"OpenRouter's body of `{path}`. Fields that are not listed go upstream unchanged.",
        "required": [*required],
        "anyOf": _NAMES_A_MODEL,
        "properties": request_properties(fields, required),
    }


def embeddings_request_schema() -> JsonObject:
    """Return the schema of a request for embeddings."""
    return _request(
        "OpenRouter's body of `/embeddings`. Fields not listed here go upstream unchanged.",
        embeddings.FIELDS,
        embeddings.REQUIRED,
    )


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
    return _request(
        "OpenRouter's body of `/rerank`. Fields that are not listed go upstream unchanged.",
        rerank.FIELDS,
        rerank.REQUIRED,
    )


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


def images_request_schema() -> JsonObject:
    """Return the schema of a request for images."""
    return _request(
        "OpenRouter's body of `/images`. Fields that are not listed go upstream unchanged.",
        images.FIELDS,
        images.REQUIRED,
    )


def images_schema() -> JsonObject:
    """Return the schema of an answer with pictures."""
    picture: JsonObject = {
        "type": "object",
        "properties": {
            "b64_json": {"type": "string"},
            "url": {"type": "string"},
            "media_type": {"type": "string"},
        },
    }
    return {
        "type": "object",
        "required": ["data", "gateway"],
        "properties": {
            "created": {"type": "integer"},
            "data": {"type": "array", "minItems": 1, "items": picture},
            "usage": {"type": "object"},
            "gateway": reference("Receipt"),
        },
    }
