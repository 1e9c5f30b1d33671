"""OpenAI's Responses: `POST /responses`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simulator.answers import Answer, Json, tally_of
from simulator.asked import Asked
from simulator.dialects import responses_request
from simulator.dialects.chat_forms import error_body
from simulator.dialects.conversation import Conversation
from simulator.dialects.responses_forms import (
    COMPLETED,
    INCOMPLETE,
    code_of,
    failed,
    item_added,
    item_deltas,
    item_done,
    nested_error,
    response,
    starting,
    terminal,
    usage_object,
)
from simulator.dialects.responses_items import Item, items_of
from simulator.fault import Fault
from simulator.framing import DONE, Event
from simulator.steps import Tally
from simulator.turn import Turn

_REASONS: Mapping[str, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}


class Responses(Conversation):
    """OpenRouter's form of OpenAI's Responses."""

    path = "/responses"

    def complaint(self, body: Mapping[str, Any]) -> str | None:
        """Refuse a body without input, and one that asks for a stored response."""
        return responses_request.complaint(body)

    def invalid(self, words: str) -> Fault:
        """Return the error of a body that the schema does not accept; it has a word as code."""
        return responses_request.invalid(words)

    def asked(self, body: Mapping[str, Any]) -> Asked:
        """Return what the conversation says."""
        return responses_request.asked(body)

    def body(self, turn: Turn, answer: Answer) -> Json:
        """Return the response object."""
        return ended(turn, items_of(turn, answer), tally_of(turn, answer))

    def opening(self, turn: Turn, answer: Answer) -> Iterator[Event]:
        """Yield the start of the response and of its first item."""
        return opening(turn, items_of(turn, answer))

    def progress(self, turn: Turn, answer: Answer) -> Iterator[Event]:
        """Yield the deltas of all items. The last item is not done."""
        return progress(turn, items_of(turn, answer))

    def closing(self, turn: Turn, answer: Answer) -> Sequence[Event]:
        """Return the end of the last item, the whole response, and `[DONE]`."""
        return ending(turn, items_of(turn, answer), tally_of(turn, answer))

    def first_block(self, turn: Turn, answer: Answer) -> Sequence[Event]:
        """Return the start of the response, and the first item."""
        items = items_of(turn, answer)[:1]
        return *opening(turn, items), *progress(turn, items), *last_done(turn, items)

    def hollow_body(self, turn: Turn) -> Json:
        """Return a response without items and status."""
        return response(turn, None)

    def hollow_events(self, turn: Turn) -> Sequence[Event]:
        """Return the start of a response, and `[DONE]`."""
        return *starting(turn), DONE

    def broken_body(self, turn: Turn, answer: Answer, fault: Fault) -> Json:
        """Return a response that failed after its items."""
        return failed(turn, fault, items_of(turn, answer))

    def breaking_events(self, turn: Turn, fault: Fault) -> Sequence[Event]:
        """Return the event of a failed response, and `[DONE]`."""
        return self.mid_stream_error(turn, fault), DONE

    def error(self, _generation_id: str, fault: Fault) -> Json:
        """Return OpenRouter's own envelope, or one with a word as code if the fault has one."""
        if fault.code is None:
            return error_body(fault)
        return {"error": {"code": code_of(fault), "message": fault.message}, "metadata": fault.metadata}

    def bare_error(self, error: object) -> Json:
        """Return an envelope with this error."""
        return {"error": error}

    def error_event(self, turn: Turn, body: Json) -> Event:
        """Return an error event with the error of the body inside."""
        return nested_error(turn, body["error"])

    def mid_stream_error(self, turn: Turn, fault: Fault) -> Event:
        """Return the event of a failed response."""
        return terminal(turn, failed(turn, fault))


RESPONSES = Responses()


def ended(turn: Turn, items: Sequence[Item], tally: Tally) -> Json:
    """Return the response object of an answer that ended with this finish reason."""
    reason, usage = _REASONS.get(tally.finish_reason), usage_object(turn, tally)
    if reason is None:
        return response(turn, COMPLETED, items, usage=usage)
    return response(turn, INCOMPLETE, items, incomplete_details={"reason": reason}, usage=usage)


def opening(turn: Turn, items: Sequence[Item]) -> Iterator[Event]:
    """Yield the start of the response and of its first item."""
    yield from starting(turn)
    for item in items[:1]:
        yield from item_added(turn, 0, item)


def progress(turn: Turn, items: Sequence[Item]) -> Iterator[Event]:
    """Yield what the items say; the first is added before, and the last is done later."""
    for index, item in enumerate(items):
        if index > 0:
            yield from item_done(turn, index - 1, items[index - 1])
            yield from item_added(turn, index, item)
        yield from item_deltas(turn, index, item)


def last_done(turn: Turn, items: Sequence[Item]) -> Iterator[Event]:
    """Yield the end of the last item."""
    return iter(()) if not items else item_done(turn, len(items) - 1, items[-1])


def ending(turn: Turn, items: Sequence[Item], tally: Tally) -> Sequence[Event]:
    """Return the end of the last item, the whole response, and `[DONE]`."""
    return *last_done(turn, items), terminal(turn, ended(turn, items, tally), tally), DONE
