"""Reads the JSON object of a plain reply with status 200, and raises the faults that it shows."""

from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn, TypeAlias

from gateway.dialects.error_forms import error_in
from gateway.faults.classify import GetHeader, classify
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.json_bytes import TooManyValuesError, parse_json
from gateway.http.json_values import Json, JsonObject, number_or_none, object_or_empty

# Raises the fault of the error that a value reports; takes the value, the reply's headers and the time.
RaiseError: TypeAlias = Callable[[Json, GetHeader, float], None]


def raise_error_in(payload: Json, header: GetHeader, now_s: float) -> None:
    """Raise the fault of the error that a value reports, in any known form.

    Raises:
        AttemptFailedError: it reports one.
    """
    error = error_in(payload)
    if error:
        raise AttemptFailedError(classify(error, status=None, header=header, now_s=now_s))


def answer_object(
    raw: bytes, *, header: GetHeader, now_s: float, raise_error: RaiseError = raise_error_in
) -> JsonObject:
    """Return the object in a reply's body.

    Args:
        raw: the body.
        header: returns a header of the reply.
        now_s: Unix time in seconds.
        raise_error: raises the fault of an error in the dialect's own forms.

    Raises:
        AttemptFailedError: the body is no JSON object, has too many values, or reports an error.
    """
    payload = _parsed(raw, header)
    raise_error(payload, header, now_s)
    if not isinstance(payload, dict):
        raise AttemptFailedError(Fault(code="not_json"))
    return payload


def raise_fault(fault: Fault, payload: JsonObject, *, withheld: JsonObject | None = None) -> NoReturn:
    """Raise the fault of an answer that is not usable, with the cost that it states.

    ``withheld`` is an answer that may be handed over if no other model answers.

    Raises:
        AttemptFailedError: always.
    """
    cost_usd = number_or_none(object_or_empty(payload.get("usage")).get("cost"))
    raise AttemptFailedError(replace(fault, cost_usd=cost_usd), withheld=withheld)


def _parsed(raw: bytes, header: GetHeader) -> Json:
    try:
        return parse_json(raw)
    except TooManyValuesError:
        raise AttemptFailedError(Fault(code="answer_too_large")) from None
    except ValueError:
        content_type = (header("content-type") or "").lower()
        is_other = "html" in content_type or "event-stream" in content_type
        raise AttemptFailedError(Fault(code="wrong_content_type" if is_other else "not_json")) from None
