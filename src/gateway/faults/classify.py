"""Turns an upstream's error, in any form, into a ``Fault``.

``faults.error_rows`` holds the table of rows that are matched.
"""

from collections.abc import Callable
from typing import TypeAlias

from gateway.faults.details import safe_details
from gateway.faults.error_rows import ROWS, Signs
from gateway.faults.fault import Fault, ReportedError
from gateway.faults.retry_after import retry_after_s
from gateway.http.json_values import Json, JsonObject, object_or_empty, whole_or_none

GetHeader: TypeAlias = Callable[[str], str | None]

MAX_SEARCHED_CHARACTERS = 2_000
# Faults of what was sent: the same model may be asked at once with something else.
WITHOUT_PAUSE = frozenset({"foreign_signature"})


def classify(error: Json, *, status: int | None, header: GetHeader, now_s: float) -> Fault:
    """Return the fault for an upstream's error. It never raises, whatever ``error`` is.

    Args:
        error: the value of ``error`` in the body or event; None if there was none, or the body was not JSON.
        status: the HTTP status; None for an error inside a 200 response: then the error's ``code`` counts.
        header: the reply's headers.
        now_s: the Unix time, to turn reset times into waits.
    """
    fields = object_or_empty(error)
    metadata = object_or_empty(fields.get("metadata"))
    availability = object_or_empty(fields.get("availability"))
    status = status or _status_of(fields)
    signs = Signs(
        status=status,
        words=_words(fields, metadata, availability),
        text=_text(error, fields, metadata),
        from_provider=_is_from_provider(fields, metadata),
        has_json=isinstance(error, dict),
        retryable=retryable if isinstance(retryable := availability.get("retryable"), bool) else None,
    )
    code = next(row.code for row in ROWS if row.matches(signs))
    return Fault(
        code=code,
        status=status,
        retry_after_s=None
        if code in WITHOUT_PAUSE
        else retry_after_s(header, metadata, availability, status=status, now_s=now_s),
        # Messages has OpenRouter's word beside the message. Source: OpenRouter "Create a message".
        details=safe_details({"error_type": fields.get("error_type"), **metadata}),
        reported=_reported(error, status),
    )


def _reported(error: Json, status: int | None) -> ReportedError:
    if error is None:
        return ReportedError(code=status)
    from gateway.faults.upstream_message import reported_error  # noqa: PLC0415  # few requests fail

    return reported_error(error, status=status)


def _status_of(fields: JsonObject) -> int | None:
    for name in ("code", "http_status"):
        value = fields.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3:
            value = int(value)
        status = whole_or_none(value)
        if status is not None and 400 <= status < 600:
            return status
    return None


def _words(fields: JsonObject, metadata: JsonObject, availability: JsonObject) -> frozenset[str]:
    places = (
        (fields, ("code", "name", "error_type")),
        (metadata, ("limit_source", "reason", "error_type")),
        (availability, ("code",)),
    )
    words = {value for part, names in places for name in names if isinstance(value := part.get(name), str)}
    # The presence of these fields tells the kind of error. Their values are the caller's text: not read.
    words |= {name for name in ("flagged_input", "patterns") if name in metadata}
    return frozenset(words)


def _text(error: Json, fields: JsonObject, metadata: JsonObject) -> str:
    parts = (error, fields.get("message"), metadata.get("raw"))
    return "\n".join(part[:MAX_SEARCHED_CHARACTERS] for part in parts if isinstance(part, str)).lower()


def _is_from_provider(fields: JsonObject, metadata: JsonObject) -> bool:
    return bool(metadata.get("provider_name")) or fields.get("message") == "Provider returned error"
