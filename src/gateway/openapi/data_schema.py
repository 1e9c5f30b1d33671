"""Builds the JSON Schemas of answers of data, such as vectors and pictures: the requests and the answers."""

from collections.abc import Mapping, Sequence

from gateway.dialects.embeddings import fields as embeddings
from gateway.dialects.images import fields as images
from gateway.dialects.rerank import fields as rerank
from gateway.dialects.speech import fields as speech
from gateway.dialects.transcriptions import fields as transcriptions
from gateway.http.json_values import Json, JsonObject, object_or_empty
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
    return _request("/embeddings", embeddings.FIELDS, embeddings.REQUIRED)


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
    return _request("/rerank", rerank.FIELDS, rerank.REQUIRED)


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
    return _request("/images", images.FIELDS, images.REQUIRED)


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


def transcriptions_request_schema() -> JsonObject:
    """Return the schema of a request for a transcription in JSON."""
    words: JsonObject = {"type": "string", "minLength": 1}
    audio: JsonObject = {
        "type": "object",
        "required": [*transcriptions.AUDIO_FIELDS],
        "properties": dict.fromkeys(transcriptions.AUDIO_FIELDS, words),
    }
    request = _request("/audio/transcriptions", transcriptions.FIELDS, transcriptions.REQUIRED)
    object_or_empty(request["properties"])["input_audio"] = audio
    return request


def recording_form_schema() -> JsonObject:
    """Return the schema of a form with a recording."""
    text: JsonObject = {"type": "string"}
    file: JsonObject = {"type": "string", "contentMediaType": "application/octet-stream"}
    texts = dict.fromkeys(("model", "models", "gateway", "language", "prompt", "response_format"), text)
    return {
        "type": "object",
        "description": "As OpenAI's SDKs send it. `models` and `gateway` are JSON.",
        "required": [transcriptions.FILE],
        "properties": {transcriptions.FILE: file, **texts},
    }


def transcriptions_schema() -> JsonObject:
    """Return the schema of a transcription."""
    return {
        "type": "object",
        "required": ["text", "gateway"],
        "properties": {
            "text": {"type": "string"},
            "usage": {"type": "object"},
            "gateway": reference("Receipt"),
        },
    }


def speech_request_schema() -> JsonObject:
    """Return the schema of a request for speech."""
    return _request("/audio/speech", speech.FIELDS, speech.REQUIRED)
