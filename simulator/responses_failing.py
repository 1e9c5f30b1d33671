"""Failures in the forms that only Responses has: `response.failed`, and its two forms of an error event."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from simulator import framing
from simulator.answers import Answer, dumps
from simulator.dialects.responses_forms import code_of, failed, starting
from simulator.dialects.responses_items import items_of
from simulator.errors import refused, worded
from simulator.fault import Fault
from simulator.framing import DONE, Event
from simulator.healthy import OK, plain_headers, said, stream_headers
from simulator.responses_only import in_responses
from simulator.steps import Complete, Headers, Pair, Script, Step
from simulator.turn import Turn

_THREE = Answer(OK.pieces[:3])
# Codes of OpenAI, and the words that OpenRouter has for them; any other name is a word of OpenRouter.
_CODES = {
    "server_error": "server",
    "invalid_prompt": "invalid_request",
    "server_is_overloaded": "provider_overloaded",
    "slow_down": "rate_limit_exceeded",
    "insufficient_quota": "payment_required",
    "model_not_found": "not_found",
    "usage_not_included": "payment_required",
    "cyber_policy": "content_policy_violation",
    "image_content_policy_violation": "content_policy_violation",
    "invalid_encrypted_content": "invalid_request",
}
_MESSAGES = {
    "rate_limit_exceeded": "Rate limit reached for {model}. Please try again in 1s.",
    "context_length_exceeded": "Your input exceeds the context window of this model.",
    "insufficient_quota": "You exceeded your current quota, please check your plan and billing details.",
}
_MESSAGE = "An error occurred while processing your request: {word}."


def named(turn: Turn) -> Fault:
    """Return the error in the model's name: a code of OpenAI, or an `error_type` of OpenRouter."""
    word = turn.word
    message = _MESSAGES.get(word, _MESSAGE).format(model=turn.model, word=word)
    error_type = _CODES.get(word, word)
    return Fault(502, message, {"error_type": error_type}, code=word if word in _CODES else None)


def failing(answer: Answer | None, fault_of: Callable[[Turn], Fault]) -> Pair:
    """Return scripts of a response that fails after this answer; None: before its first item."""

    def plain(turn: Turn) -> Iterable[Step]:
        items = items_of(turn, answer) if answer else ()
        return (Complete(200, dumps(failed(turn, fault_of(turn), items)), plain_headers(turn)),)

    def last(turn: Turn) -> Iterable[Event]:
        return turn.dialect.mid_stream_error(turn, fault_of(turn)), DONE

    return in_responses(Pair(plain, stream=_after(answer, last)))


def error_event(answer: Answer | None, event_of: Callable[[Turn, Fault], Event]) -> Pair:
    """Return scripts of a stream that an error event ends after this answer; plain: a failed response."""
    fault = Fault(502, "Provider disconnected", {"error_type": "provider_unavailable"})
    usual = failing(answer, lambda _: fault)
    stream = _after(answer, lambda turn: (event_of(turn, fault),))
    return in_responses(Pair(usual.plain, stream=stream))


def status_with_word(turn: Turn) -> Iterable[Step]:
    """Respond with the status in the model's name; the error has a word as code."""
    fault = worded(turn, turn.number)
    return (refused(turn.dialect, turn.id, replace(fault, code=code_of(fault))),)


def _after(answer: Answer | None, last: Callable[[Turn], Iterable[Event]]) -> Script:
    def script(turn: Turn) -> Iterator[Step]:
        yield Headers(stream_headers(turn))
        yield from said(turn, answer) if answer else map(framing.write, starting(turn))
        yield from map(framing.write, last(turn))

    return script


BEFORE, AFTER = None, _THREE
