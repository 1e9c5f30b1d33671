"""Checks whether a body holds a usable Messages answer, and brings it into Anthropic's form."""

from gateway.dialects.answer_json import answer_object, raise_fault
from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.json_text import json_in, without_fence
from gateway.dialects.messages.content import REFUSAL, SILENT_ENDS, THINKING_BLOCKS, says
from gateway.dialects.messages.reported_errors import raise_error_in
from gateway.dialects.messages.usage import fill_counts
from gateway.faults.classify import GetHeader
from gateway.faults.fault import Fault
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty

# Fields that a message must have, with their values if only one is right.
# Source: Anthropic API reference, "Create a Message".
_FIXED: JsonObject = {"type": "message", "role": "assistant"}


def answer_in(raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> JsonObject:
    """Return the message in the body of a plain reply with status 200, if it passes the checks.

    Raises:
        AttemptFailedError: the body holds no usable answer. ``withheld`` is a message that says nothing
            because it was refused.
    """
    payload = answer_object(raw, header=header, now_s=now_s, raise_error=raise_error_in)
    code = _code_of(payload, test)
    if code is not None:
        raise_fault(Fault(code=code), payload, withheld=payload if code == "filtered_answer" else None)
    return payload


def _code_of(message: JsonObject, test: AnswerTest) -> str | None:
    """Return the code of the fault of a message; None if it is a usable answer."""
    content, reason = message.get("content"), message.get("stop_reason")
    if not isinstance(content, list):  # a body of another dialect, for example
        return "empty_answer"
    if not isinstance(reason, str) or not reason:
        return "no_finish_reason"
    said = [block for block in map(object_or_empty, content) if says(block)]
    if not said and reason not in SILENT_ENDS:
        return "filtered_answer" if reason == REFUSAL else "empty_answer"
    # Whatever was said before a limit or a refusal stands.
    return None if reason == REFUSAL or reason in SILENT_ENDS else _fault_of(said, test)


def _fault_of(said: list[JsonObject], test: AnswerTest) -> str | None:
    """Return the code of the fault of what a message says; None if it is none."""
    if not test.reasoning_only and all(block["type"] in THINKING_BLOCKS for block in said):
        return "reasoning_only"
    return "invalid_json_answer" if test.json and not _has_json(said, test) else None


def _has_json(said: list[JsonObject], test: AnswerTest) -> bool:
    """Return whether the text is JSON. True without a text, and with a tool's call: the JSON comes later."""
    others = {block["type"] for block in said} - THINKING_BLOCKS - {"text"}
    texts = [text for block in said if isinstance(text := block.get("text"), str)]
    return bool(others) or not texts or json_in("".join(texts), test.json_root) is not None


def shape_answer(payload: JsonObject, names: JsonObject, test: AnswerTest) -> bool:
    """Bring a message into Anthropic's form, in place; return whether anything changed.

    ``names`` are the ``id`` and ``model`` of a message that states none.
    """
    changed = False
    for name, value in ({**_FIXED, "id": names["id"], "model": names["model"]}).items():
        here = payload.get(name)
        if not isinstance(here, str) or not here or (name in _FIXED and here != value):
            payload[name] = value
            changed = True
    for name in ("stop_reason", "stop_sequence"):
        if name not in payload:
            payload[name] = None
            changed = True
    if not isinstance(payload.get("content"), list):
        payload["content"] = []
        changed = True
    usage = payload.get("usage")
    if not isinstance(usage, dict):
        payload["usage"] = usage = {}
    changed |= fill_counts(usage)
    return (_take_fence_off(payload, test) or changed) if test.json else changed


def _take_fence_off(payload: JsonObject, test: AnswerTest) -> bool:
    """Leave of the text only its JSON, if one block has all of it; return whether that changed anything."""
    blocks = [block for each in list_or_empty(payload["content"]) if (block := object_or_empty(each))]
    texts: list[tuple[JsonObject, str]] = [
        (block, text)
        for block in blocks
        if block.get("type") == "text" and isinstance(text := block.get("text"), str)
    ]
    kinds: set[Json] = {kind for block in blocks if isinstance(kind := block.get("type"), str)}
    if len(texts) != 1 or kinds - THINKING_BLOCKS - {"text"}:
        return False
    block, text = texts[0]
    block["text"] = without_fence(text, test.json_root)
    return block["text"] != text
