"""Checks whether a body holds a usable Responses answer, and brings it into OpenAI's form."""

from gateway.dialects.answer_json import answer_object, raise_fault
from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.json_text import json_in, without_fence
from gateway.dialects.responses.items import MESSAGE, REASONING, answers, output_of, says, text_of
from gateway.dialects.responses.reported_errors import raise_error_in
from gateway.dialects.responses.usage import shape_usage
from gateway.faults.classify import GetHeader
from gateway.faults.fault import Fault
from gateway.http.json_values import Json, JsonObject, list_or_empty, number_or_none, object_or_empty

COMPLETED, INCOMPLETE = "completed", "incomplete"
# The reason of an answer that a limit has ended: it is complete, even if it has said nothing.
# Source: OpenAI API reference, "The response object", `incomplete_details`.
FILTERED = "content_filter"


def answer_in(raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> JsonObject:
    """Return the response in the body of a plain reply with status 200, if it passes the checks.

    Raises:
        AttemptFailedError: the body holds no usable answer. ``withheld`` is a response that says nothing
            because it was filtered.
    """
    payload = answer_object(raw, header=header, now_s=now_s, raise_error=raise_error_in)
    code = code_of(payload, test)
    if code is not None:
        raise_fault(Fault(code=code), payload, withheld=payload if code == "filtered_answer" else None)
    return payload


def code_of(response: JsonObject, test: AnswerTest) -> str | None:
    """Return the code of the fault of a response; None if it is a usable answer."""
    status = response.get("status")
    if not isinstance(response.get("output"), list):  # a body of another dialect, for example
        return "empty_answer"
    if status not in (COMPLETED, INCOMPLETE):
        return "no_finish_reason"
    said = [item for item in output_of(response) if says(item)]
    if status == INCOMPLETE:
        return "filtered_answer" if not any(map(answers, said)) and is_filtered(response) else None
    if not any(map(answers, said)):
        if said and test.reasoning_only:
            return None
        return "reasoning_only" if said else "empty_answer"
    return "invalid_json_answer" if test.json and not _has_json(said, test) else None


def is_filtered(response: JsonObject) -> bool:
    """Return whether a response ended because it was filtered."""
    return object_or_empty(response.get("incomplete_details")).get("reason") == FILTERED


def _has_json(said: list[JsonObject], test: AnswerTest) -> bool:
    """Return whether the text is JSON. True without a text, and with a call: the JSON comes later."""
    others = {item["type"] for item in said} - {MESSAGE, REASONING}
    text = text_of(said)
    return bool(others) or text is None or json_in(text, test.json_root) is not None


def shape_answer(payload: JsonObject, names: JsonObject, test: AnswerTest) -> bool:
    """Bring a response into OpenAI's form, in place; return whether anything changed.

    ``names`` are the ``id``, ``created`` and ``model`` of a response that states none.
    """
    changed = shape_response(payload, names) | shape_usage(payload)
    return (_take_fence_off(payload, test) or changed) if test.json else changed


def shape_response(response: JsonObject, names: JsonObject) -> bool:
    """Give a response the members that it must have; return whether any was missing.

    Source: OpenAI API reference, "The response object": SDKs fail without them.
    """
    changed = response.get("object") != "response"
    response["object"] = "response"
    for name in ("id", "model"):
        here = response.get(name)
        if not isinstance(here, str) or not here:
            response[name] = names[name]
            changed = True
    if number_or_none(response.get("created_at")) is None:
        response["created_at"] = names["created"]
        changed = True
    if not isinstance(response.get("output"), list):
        response["output"] = []
        changed = True
    return changed


def _take_fence_off(payload: JsonObject, test: AnswerTest) -> bool:
    """Leave of the text only its JSON, if one part has all of it; return whether that changed anything."""
    parts: list[JsonObject] = [
        part
        for item in output_of(payload)
        if item.get("type") == MESSAGE
        for each in list_or_empty(item.get("content"))
        if (part := object_or_empty(each))
    ]
    texts: list[tuple[JsonObject, str]] = [
        (part, text) for part in parts if isinstance(text := part.get("text"), str)
    ]
    kinds: set[Json] = {item.get("type") for item in output_of(payload) if isinstance(item.get("type"), str)}
    if len(texts) != 1 or kinds - {MESSAGE, REASONING}:
        return False
    part, text = texts[0]
    part["text"] = without_fence(text, test.json_root)
    return part["text"] != text
