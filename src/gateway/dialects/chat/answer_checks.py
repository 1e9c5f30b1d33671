"""Checks whether a body holds a usable answer, and a message any content: a status of 200 proves neither."""

from gateway.dialects.answer_json import answer_object, raise_fault
from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.chat.choices import said_in
from gateway.dialects.chat.finish_reason import FAILED, finish_of
from gateway.dialects.chat.json_answer import has_json
from gateway.faults.classify import GetHeader, classify
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.json_values import Json, JsonObject, object_or_empty

# The fields of a message, or of a delta, that can hold content.
# Source: OpenRouter's ChatResult, ChatStreamChunk; `function_call`, `reasoning_content` are older fields.
SUBSTANCE = (
    "content",
    "tool_calls",
    "refusal",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "images",
    "audio",
    "function_call",
    "annotations",
)
REASONING = frozenset({"reasoning", "reasoning_content", "reasoning_details"})
MAX_CHOICES = 1_000
# What a part of a message says of itself; it is not content.
_LABELS = frozenset({"type", "index", "format", "id", "role"})


def completion_in(raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> JsonObject:
    """Return the completion in the body of a plain reply with status 200, if it passes the checks.

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
    faults = [_fault_of_choice(object_or_empty(choice), test, header, now_s) for choice in choices]
    if all(faults) and faults[0]:
        raise_fault(faults[0], payload)
    return payload


def _fault_of_choice(choice: JsonObject, test: AnswerTest, header: GetHeader, now_s: float) -> Fault | None:
    finish = finish_of(choice.get("finish_reason"))
    message = said_in(choice, "message")
    if choice.get("error") or finish == FAILED:
        return classify(choice.get("error"), status=None, header=header, now_s=now_s)
    if finish == "length":
        return None  # the caller's own limit cut it off, which may happen within the reasoning
    if not has_substance(message):
        return Fault(code="filtered_answer" if finish == "content_filter" else "empty_answer")
    if not test.reasoning_only and not has_substance(message, besides=REASONING):
        return Fault(code="reasoning_only")
    if test.json and not has_json(object_or_empty(message), test.json_root):
        return Fault(code="invalid_json_answer")
    return None


def has_substance(message: Json, *, besides: frozenset[str] = frozenset()) -> bool:
    """Return whether a message or a delta has content. White space alone does not count.

    Args:
        message: the message or the delta.
        besides: the fields to ignore.
    """
    if not isinstance(message, dict):
        return False
    return any(
        name not in besides and _is_content(message[name], blank_counts=False)
        for name in SUBSTANCE
        if message.get(name)
    )


def has_progress(delta: Json) -> bool:
    """Return whether a delta has any content. White space counts: it may go on with a text that has begun."""
    return isinstance(delta, dict) and any(
        _is_content(delta[name], blank_counts=True) for name in SUBSTANCE if delta.get(name)
    )


def _is_content(value: Json, *, blank_counts: bool, levels: int = 4) -> bool:
    """Return whether the value of a field is content, or has content within these levels.

    Parts of a message that hold nothing but labels and empty texts are no content, however many there are.
    """
    if isinstance(value, str):
        return bool(value) and (blank_counts or not value.isspace())
    if isinstance(value, dict):
        within = [each for name, each in value.items() if name not in _LABELS]
    elif isinstance(value, list):
        within = value
    else:
        return value is not None
    if not levels:
        return bool(within)
    return any(_is_content(each, blank_counts=blank_counts, levels=levels - 1) for each in within)
