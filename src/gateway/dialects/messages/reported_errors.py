"""Finds the error that a body or an event reports, and the fault that it is."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.dialects.error_forms import error_in
from gateway.faults.classify import GetHeader, classify
from gateway.faults.fault import AttemptFailedError
from gateway.http.json_values import Json, JsonObject

# The HTTP status of each type of error. Within a reply with status 200 it takes the place of the status.
# Keys and accounts are left out: in such a reply they are a provider's, and not the gateway's.
# Source: Anthropic API reference, "Errors".
STATUSES: Mapping[str, int] = MappingProxyType({
    "invalid_request_error": 400,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
})  # fmt: skip  # one type a line
_ERROR_TYPES = frozenset({"error", "failed", "failure"})


def raise_error_in(payload: Json, header: GetHeader, now_s: float) -> None:
    """Raise the fault of the error that a body or an event with status 200 reports, in any known form.

    A payload with another type is an error only if it has a field ``error``.

    Raises:
        AttemptFailedError: it reports one.
    """
    if isinstance(payload, dict) and not payload.get("error") and _has_another_type(payload):
        return
    error = error_in(payload)
    if error:
        raise AttemptFailedError(classify(_with_code(error), status=None, header=header, now_s=now_s))


def _has_another_type(payload: JsonObject) -> bool:
    kind = payload.get("type")
    return isinstance(kind, str) and kind.lower() not in _ERROR_TYPES


def _with_code(error: Json) -> Json:
    if not isinstance(error, dict) or error.get("code") is not None:
        return error
    kind = error.get("type")
    status = STATUSES.get(kind) if isinstance(kind, str) else None
    return error if status is None else {**error, "code": status}
