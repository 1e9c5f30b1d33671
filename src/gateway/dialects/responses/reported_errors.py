"""Finds the error that a body or an event of Responses reports, and the fault that it is."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.error_forms import error_in
from gateway.faults.classify import GetHeader, classify
from gateway.faults.fault import AttemptFailedError
from gateway.http.json_values import Json, JsonObject, object_or_empty

FAILED = "failed"
# The HTTP status of each word. Within a reply with status 200 it takes the place of the status.
# Sources: OpenAI's Python SDK, ``ResponseError.code``; OpenRouter API reference, `error_type`.
STATUSES: Mapping[str, int] = MappingProxyType({
    "invalid_prompt": 400,
    "invalid_request": 400,
    "not_found": 404,
    "payload_too_large": 413,
    "timeout": 504,
    "provider_overloaded": 529,
    "server_is_overloaded": 529,
    "slow_down": 429,
})  # fmt: skip  # one word a line


def raise_error_in(payload: Json, header: GetHeader, now_s: float) -> None:
    """Raise the fault of the error that a body, a response object or an event reports, in any known form.

    An event of another type than ``error`` and ``response.failed`` is an error only if it, or the response
    in it, has a field ``error``, or if that response has failed.

    Raises:
        AttemptFailedError: it reports one.
    """
    error = _error_of(payload)
    if error:
        raise AttemptFailedError(classify(_with_code(error), status=None, header=header, now_s=now_s))


def _error_of(payload: Json) -> Json:
    """Return the error that a payload reports; None if it reports none."""
    if not isinstance(payload, dict):
        return error_in(payload)
    kind, response = payload.get("type"), object_or_empty(payload.get("response"))
    if kind == "error":
        nested = payload.get("error")
        return nested or {name: value for name, value in payload.items() if name != "type"}
    if kind == "response.failed" or response.get("status") == FAILED or response.get("error"):
        return _of_response(response, payload.get("error"))
    if payload.get("object") == "response" and payload.get("status") == FAILED:
        return _of_response(payload, None)
    if isinstance(kind, str) and not payload.get("error"):
        return None
    return payload.get("error") if payload.get("object") == "response" else error_in(payload)


def _of_response(response: JsonObject, beside: Json) -> Json:
    """Return the error of a response that has failed; ``beside`` is a copy of it at another place."""
    error = response.get("error") or beside or True
    word = response.get("error_type")
    if isinstance(error, dict) and word is not None and error.get("error_type") is None:
        return {**error, "error_type": word}
    return error


def _with_code(error: Json) -> Json:
    """Return an error whose code is a status, if a word of it stands for one."""
    if not isinstance(error, dict):
        return error
    words = (error.get("error_type"), error.get("code"))
    status = next((STATUSES[word] for word in words if isinstance(word, str) and word in STATUSES), None)
    return error if status is None else {**error, "http_status": status}
