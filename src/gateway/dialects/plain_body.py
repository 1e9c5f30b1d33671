"""Reads the JSON object of a plain reply whose answer is data."""

from typing import NoReturn

from gateway.dialects.answer_json import answer_json
from gateway.dialects.error_forms import error_in
from gateway.faults.classify import GetHeader, classify
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.json_values import JsonObject, number_or_none, object_or_empty


def object_in(raw: bytes, *, header: GetHeader, now_s: float) -> JsonObject:
    """Return the object in the body of a plain reply with status 200.

    Raises:
        AttemptFailedError: the body is no JSON object, or reports an error.
    """
    payload = answer_json(raw, header)
    error = error_in(payload)
    if error:
        raise AttemptFailedError(classify(error, status=None, header=header, now_s=now_s))
    if not isinstance(payload, dict):
        raise AttemptFailedError(Fault(code="not_json"))
    return payload


def raise_fault(code: str, payload: JsonObject) -> NoReturn:
    """Raise the fault of an answer that is not usable, with the cost that it states.

    Raises:
        AttemptFailedError: always.
    """
    cost_usd = number_or_none(object_or_empty(payload.get("usage")).get("cost"))
    raise AttemptFailedError(Fault(code=code, cost_usd=cost_usd))
