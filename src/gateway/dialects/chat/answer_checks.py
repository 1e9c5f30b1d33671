"""Checks whether a body, or a stream event, holds a usable answer; a status of 200 does not prove it."""

import re
from dataclasses import replace

from gateway.faults.classify import GetHeader, classify
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.frozen import dataclass
from gateway.http.json_bytes import TooManyValuesError, parse_json
from gateway.http.json_values import Json, JsonObject, list_or_empty, number_or_none, object_or_empty

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
_FENCE = "```"
_KEEP_ALIVES = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s++|:[^\n]*+(?:\n|\Z))*+")


def without_keep_alives(raw: bytes) -> bytes:
    """Return a JSON body without a BOM, and without the white space and comments sent as keep-alives."""
    found = _KEEP_ALIVES.match(raw)
    return raw[found.end() if found else 0 :].rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTest:
    """What a plain (not streamed) answer must satisfy, besides not being empty.

    Attributes:
        json: whether its text must be JSON.
        reasoning_only: whether reasoning without a text is accepted as an answer.
    """

    json: bool
    reasoning_only: bool


def completion_in(raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> JsonObject:
    """Return the completion in the body of a plain reply with status 200, if it passes the checks.

    One usable choice is enough. If all choices are faulty, the first one's fault is raised.

    Raises:
        AttemptFailedError: the body holds no usable answer.
    """
    try:
        payload = parse_json(raw)
    except TooManyValuesError:
        raise AttemptFailedError(Fault(code="answer_too_large")) from None
    except ValueError:
        content_type = header("content-type") or ""
        other = "html" in content_type or "event-stream" in content_type
        raise AttemptFailedError(Fault(code="wrong_content_type" if other else "not_json")) from None
    if not isinstance(payload, dict):
        raise AttemptFailedError(Fault(code="not_json"))
    error = payload.get("error")
    if error:
        raise AttemptFailedError(classify(error, status=None, header=header, now_s=now_s))
    choices = payload.get("choices")
    if not isinstance(choices, list) or not choices:
        raise AttemptFailedError(Fault(code="no_choices"))
    if len(choices) > MAX_CHOICES:
        raise AttemptFailedError(Fault(code="answer_too_large"))
    faults = [_fault_of_choice(object_or_empty(choice), test, header, now_s) for choice in choices]
    if all(faults) and faults[0]:
        cost_usd = number_or_none(object_or_empty(payload.get("usage")).get("cost"))
        raise AttemptFailedError(replace(faults[0], cost_usd=cost_usd))
    return payload


def _fault_of_choice(choice: JsonObject, test: AnswerTest, header: GetHeader, now_s: float) -> Fault | None:
    finish = choice.get("finish_reason")
    message = choice.get("message")
    if choice.get("error") or finish == "error":
        return classify(choice.get("error"), status=None, header=header, now_s=now_s)
    if finish == "length":
        return None  # the caller's own limit cut it off, which may happen within the reasoning
    if not has_substance(message):
        return Fault(code="filtered_answer" if finish == "content_filter" else "empty_answer")
    if not test.reasoning_only and not has_substance(message, besides=REASONING):
        return Fault(code="reasoning_only")
    if test.json and not _is_json_or_no_text(object_or_empty(message).get("content")):
        return Fault(code="invalid_json_answer")
    return None


def _is_json_or_no_text(content: Json) -> bool:
    """Return whether a text is JSON, with or without a Markdown code fence. True if there is no text.

    Tool calls and refusals have no text. A text with more values than the gateway reads passes unread.
    """
    if not isinstance(content, str) or not content or content.isspace():
        return True
    try:
        parse_json(_without_fence(content.strip()).encode("utf-8", "surrogatepass"))
    except TooManyValuesError:
        return True
    except ValueError:
        return False
    return True


def _without_fence(text: str) -> str:
    """Return a text without the lines of a Markdown code fence around it."""
    if text.startswith(_FENCE):
        text = text[len(_FENCE) :].removeprefix("json")
    return text.removesuffix(_FENCE)


def has_substance(message: Json, *, besides: frozenset[str] = frozenset()) -> bool:
    """Return whether a message or a delta has content. White space alone does not count.

    Args:
        message: the message or the delta.
        besides: the fields to ignore.
    """
    if not isinstance(message, dict):
        return False
    for name in SUBSTANCE:
        value = message.get(name)
        if value and name not in besides and not (isinstance(value, str) and value.isspace()):
            return True
    return False


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What one stream event shows about the attempt.

    Attributes:
        progress: whether it has any content, even if only white space.
        substance: whether it has content other than white space.
        finish: the first finish reason among its choices; None if there is none.
        usage: the tokens and the cost; None if the event does not state them.
    """

    progress: bool
    substance: bool
    finish: str | None
    usage: JsonObject | None


def inspect_event(payload: JsonObject, *, header: GetHeader, now_s: float) -> EventFacts:
    """Return what a stream event's payload shows about the attempt.

    Raises:
        AttemptFailedError: the event reports an error.
    """
    choices = [object_or_empty(choice) for choice in list_or_empty(payload.get("choices"))]
    errors = [payload.get("error"), *(choice.get("error") for choice in choices)]
    error = next((each for each in errors if each), None)
    finishes = [choice["finish_reason"] for choice in choices if choice.get("finish_reason")]
    if error or "error" in finishes:
        raise AttemptFailedError(classify(error, status=None, header=header, now_s=now_s))
    deltas = [choice.get("delta") for choice in choices]
    usage = payload.get("usage")
    return EventFacts(
        progress=any(has_progress(delta) for delta in deltas),
        substance=any(has_substance(delta) for delta in deltas),
        finish=str(finishes[0]) if finishes else None,
        usage=usage if isinstance(usage, dict) else None,
    )


def has_progress(delta: Json) -> bool:
    """Return whether a delta has any content. White space counts: it may go on with a text that has begun."""
    return isinstance(delta, dict) and any(delta.get(name) for name in SUBSTANCE)


# An event whose bytes show progress and nothing else needs no parsing. Quotes inside JSON strings are
# escaped, so these patterns can match only real keys.
_SHOWS_PROGRESS = re.compile(
    rb'"(?:content|reasoning|reasoning_content|refusal|arguments|name|text|summary|data|url)"\s*+:\s*+"[^"]'
)
_NEEDS_PARSING = re.compile(rb'"(?:error|usage|finish_reason)"\s*+:\s*+[^n\s]')


def is_plain_progress(data: bytes) -> bool:
    """Return whether an event's data is certainly progress and nothing else, judging by its bytes alone.

    False means that it is unknown: the event must be parsed.
    """
    return (
        data.startswith(b"{")
        and data.endswith(b"}")
        and _SHOWS_PROGRESS.search(data) is not None
        and _NEEDS_PARSING.search(data) is None
    )
