"""Checks whether a body holds a transcription."""

from gateway.dialects.answer_json import answer_object, raise_fault
from gateway.dialects.answer_test import AnswerTest
from gateway.faults.classify import GetHeader
from gateway.faults.fault import Fault
from gateway.http.json_values import JsonObject


def transcription_in(raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> JsonObject:
    """Return the answer in the body of a plain reply with status 200, if it has a text.

    An empty text is an answer: nobody speaks in the recording.

    Raises:
        AttemptFailedError: there is no text.
    """
    del test
    payload = answer_object(raw, header=header, now_s=now_s)
    if not isinstance(payload.get("text"), str):
        raise_fault(Fault(code="empty_answer"), payload)
    return payload
