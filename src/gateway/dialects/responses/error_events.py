"""Writes the event that ends a Responses stream in an error.

Codex reads the error in the response, which has OpenAI's word. OpenAI's SDKs and the Agents SDK raise an
error for the one beside the response, which has the gateway's fields. Not all of them understand a plain
``error`` event.
Source: Codex CLI 0.171, Python ``openai`` 3.57 and ``openai-agents`` 0.24, as observed.
"""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.named_events import event_of
from gateway.dialects.responses.numbers import FIELD
from gateway.http.json_members import Members
from gateway.http.json_values import Json, JsonObject, object_or_empty, text_or_none

CREATED, FAILED = "response.created", "response.failed"
SERVER_ERROR, OVERLOADED, LIMITED = "server_error", "server_is_overloaded", "rate_limit_exceeded"
QUOTA, TOO_LONG, INVALID = "insufficient_quota", "context_length_exceeded", "invalid_prompt"
# OpenAI's word for each of the gateway's codes. Of a code that is missing, its type's word counts.
# Source: OpenAI's Python SDK, ``ResponseError.code``; Codex CLI 0.171, as observed.
WORDS: Mapping[str, str] = MappingProxyType({
    "context_too_long": TOO_LONG,
    "rate_limited": LIMITED,
    "overloaded": OVERLOADED,
})  # fmt: skip  # one code a line
WORDS_OF_TYPES: Mapping[str, str] = MappingProxyType({
    "billing_error": QUOTA,
    "invalid_request_error": INVALID,
    "not_found_error": INVALID,
    "permission_error": INVALID,
    "authentication_error": INVALID,
})  # fmt: skip  # one type a line


# The words that a body for Codex already has as its code.
FOR_CODEX = frozenset({OVERLOADED, LIMITED, QUOTA, TOO_LONG, SERVER_ERROR})
# What every response has, with the value of a request that sets none.
# Source: Open Responses specification, "The response object"; OpenAI API reference.
UNSTATED: Mapping[str, Json] = MappingProxyType({
    "completed_at": None,
    "error": None,
    "incomplete_details": None,
    "previous_response_id": None,
    "instructions": None,
    "tools": [],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "truncation": "disabled",
    "text": {"format": {"type": "text"}},
    "temperature": 1.0,
    "top_p": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "top_logprobs": 0,
    "reasoning": None,
    "usage": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "store": False,
    "background": False,
    "service_tier": "default",
    "metadata": {},
    "safety_identifier": None,
    "prompt_cache_key": None,
})  # fmt: skip  # one member a line
# What a response says of itself from its beginning on.
_NAMES = ("id", "created_at", "model")


def word_of(error: JsonObject) -> str:
    """Return OpenAI's word for an error; ``error`` has the gateway's ``code`` and ``type``."""
    stated = text_or_none(error.get("code"))
    if stated in FOR_CODEX:
        return stated
    metadata = object_or_empty(error.get("metadata"))
    code, kind = text_or_none(metadata.get("code")), text_or_none(error.get("type"))
    return WORDS.get(code or "") or WORDS_OF_TYPES.get(kind or "", SERVER_ERROR)


def begun_response(names: JsonObject, stated: JsonObject | None = None) -> JsonObject:
    """Return the object of a response that has only begun.

    Args:
        names: the ``id``, ``created`` and ``model`` of a response that states none.
        stated: the response as a later event states it; its names count.
    """
    said = {name: value for name in _NAMES if (value := (stated or {}).get(name)) is not None}
    return {
        **UNSTATED,
        "id": names["id"],
        "object": "response",
        "created_at": names["created"],
        "status": "in_progress",
        "model": names["model"],
        "output": [],
        **said,
    }


def echoed(fields: Members) -> JsonObject:
    """Return what a response repeats of its request's fields."""
    return {name: value for name in UNSTATED if (value := fields.value(name)) is not None}


def failed_event(body: JsonObject, response: JsonObject) -> JsonObject:
    """Return the payload of the event that says that a response has failed, without its number.

    Args:
        body: the error's body in this dialect.
        response: the response as it has begun.
    """
    error = object_or_empty(body["error"])
    failed: JsonObject = {
        **UNSTATED,
        **response,
        "status": "failed",
        "error": {"code": word_of(error), "message": error["message"]},
        "error_type": object_or_empty(error.get("metadata")).get("code"),
    }
    return {"type": FAILED, "response": failed, "error": error}


def failed_stream(body: JsonObject, names: JsonObject) -> bytes:
    """Return the events that say that no model has answered: a response that began, and failed."""
    response = begun_response(names)
    created: JsonObject = {"type": CREATED, "response": response, FIELD: 0}
    return event_of(created) + event_of({**failed_event(body, response), FIELD: 1})
