"""Checks whether a body holds a picture."""

from gateway.dialects.answer_json import answer_object, raise_fault
from gateway.dialects.answer_test import AnswerTest
from gateway.faults.classify import GetHeader
from gateway.faults.fault import Fault
from gateway.http.json_values import Json, JsonObject, list_or_empty

# Where a picture is: its data, or a link to it.
# Source: OpenAI API reference, "The image generation response".
PLACES = ("b64_json", "url")


def images_in(raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> JsonObject:
    """Return the answer in the body of a plain reply with status 200, if it has a picture.

    Fewer pictures than requested are an answer. Source: OpenRouter API reference: ``n`` is an upper bound.

    Raises:
        AttemptFailedError: there is none.
    """
    del test
    payload = answer_object(raw, header=header, now_s=now_s)
    if not any(map(has_picture, list_or_empty(payload.get("data")))):
        raise_fault(Fault(code="empty_answer"), payload)
    return payload


def has_picture(item: Json) -> bool:
    """Return whether a value is an object with a picture."""
    values = [item.get(place) for place in PLACES] if isinstance(item, dict) else []
    return any(isinstance(value, str) and value for value in values)
