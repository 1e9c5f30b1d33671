"""Reads the choices in the body of a plain reply, and checks each: a status of 200 proves nothing."""

from collections.abc import Callable
from typing import TypeAlias

from gateway.dialects.answer_json import answer_object, raise_fault
from gateway.faults.classify import GetHeader
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.json_values import JsonObject, object_or_empty

MAX_CHOICES = 1_000
# Returns the fault of a choice; None if it is usable.
FaultOf: TypeAlias = Callable[[JsonObject], Fault | None]


def answer_with_choices(raw: bytes, fault_of: FaultOf, *, header: GetHeader, now_s: float) -> JsonObject:
    """Return the answer in the body of a plain reply with status 200, if it passes the checks.

    One usable choice is enough. If all choices are faulty, the first one's fault is raised.

    Raises:
        AttemptFailedError: the body holds no usable answer.
    """
    payload = answer_object(raw, header=header, now_s=now_s)
    choices = payload.get("choices")
    if not isinstance(choices, list) or not choices:
        raise AttemptFailedError(Fault(code="no_choices"))
    if len(choices) > MAX_CHOICES:
        raise AttemptFailedError(Fault(code="answer_too_large"))
    faults = [fault_of(object_or_empty(choice)) for choice in choices]
    if all(faults) and faults[0]:
        raise_fault(faults[0], payload)
    return payload
