"""Anthropic Messages: `POST /messages`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simulator.answers import Answer, Json, tally_of
from simulator.asked import Asked, Result, Said, Signed, mappings, text_in, tools_in
from simulator.dialects.conversation import Conversation
from simulator.dialects.dialect import EMPTY_INPUT, MAX_MODELS, TOO_MANY
from simulator.dialects.messages_blocks import blocks_of
from simulator.dialects.messages_forms import (
    MESSAGE_STOP,
    PING,
    Message,
    block_deltas,
    block_events,
    block_start,
    block_stop,
    error_object,
    message_delta,
    message_start,
    plain_body,
)
from simulator.fault import Fault
from simulator.framing import Event
from simulator.steps import Tally
from simulator.turn import Turn

_STOP_REASONS: Mapping[str, str | None] = {
    "stop": "end_turn",
    "tool_calls": "tool_use",
    "length": "max_tokens",
    "content_filter": "refusal",
    "error": None,
}
_REFUSED = {
    "stop_details": {
        "type": "refusal",
        "category": "cyber",
        "explanation": "This request was declined by a classifier.",
    }
}
_NOTHING = Message((), None, Tally(0, 0, 0, 0))


class Messages(Conversation):
    """OpenRouter's form of Anthropic's Messages."""

    path = "/messages"

    def complaint(self, body: Mapping[str, Any]) -> str | None:
        """Refuse a body without messages, and more fallbacks than are allowed or fallbacks beside models."""
        messages, fallbacks = body.get("messages"), mappings(body.get("fallbacks"))
        if not isinstance(messages, list) or not messages:
            return EMPTY_INPUT if messages == [] else "messages: Field required"
        if fallbacks and body.get("models"):
            return "'models' and 'fallbacks' cannot be used together."
        return TOO_MANY.format(field="fallbacks") if len(fallbacks) > MAX_MODELS else None

    def asked(self, body: Mapping[str, Any]) -> Asked:
        """Return what the conversation says."""
        messages = tuple(_said(number, each) for number, each in enumerate(mappings(body.get("messages"))))
        return Asked(messages, tools_in(body.get("tools"), "input_schema"))

    def body(self, turn: Turn, answer: Answer) -> Json:
        """Return a message."""
        return plain_body(turn, message_of(turn, answer))

    def opening(self, turn: Turn, answer: Answer) -> Sequence[Event]:
        """Return the start of the message and of its first block, and a ping."""
        return opening(turn, message_of(turn, answer))

    def progress(self, turn: Turn, answer: Answer) -> Iterator[Event]:
        """Yield the deltas of all blocks. The last block is not stopped."""
        return progress(message_of(turn, answer))

    def closing(self, turn: Turn, answer: Answer) -> Sequence[Event]:
        """Return the stop of the last block, `message_delta`, and `message_stop`."""
        return closing(turn, message_of(turn, answer))

    def first_block(self, turn: Turn, answer: Answer) -> Sequence[Event]:
        """Return the start of the message, and the first block."""
        return message_start(turn), *block_events(0, blocks_of(turn, answer)[0])

    def hollow_body(self, turn: Turn) -> Json:
        """Return a message without blocks and stop reason."""
        return plain_body(turn, _NOTHING)

    def hollow_events(self, turn: Turn) -> Sequence[Event]:
        """Return the start and the stop of a message, and nothing between them."""
        return message_start(turn), MESSAGE_STOP

    def broken_body(self, turn: Turn, answer: Answer, fault: Fault) -> Json:
        """Return a message without a stop reason, and with the error beside its content."""
        blocks = blocks_of(turn, answer)
        return {**plain_body(turn, Message(blocks, None, _NOTHING.tally)), "error": error_object(fault)}

    def breaking_events(self, turn: Turn, fault: Fault) -> Sequence[Event]:
        """Return the error event."""
        return (self.mid_stream_error(turn, fault),)

    def error(self, generation_id: str, fault: Fault) -> Json:
        """Return Anthropic's envelope."""
        return {**self.bare_error(error_object(fault)), "request_id": generation_id or None}

    def bare_error(self, error: object) -> Json:
        """Return an envelope with this error."""
        return {"type": "error", "error": error}

    def error_event(self, _turn: Turn, body: Json) -> Event:
        """Return the error event; it has no `request_id`."""
        return Event({key: body[key] for key in ("type", "error")}, "error")

    def mid_stream_error(self, turn: Turn, fault: Fault) -> Event:
        """Return the error event: it is the same at any place."""
        return self.error_event(turn, self.bare_error(error_object(fault)))


MESSAGES = Messages()


def message_of(turn: Turn, answer: Answer) -> Message:
    """Return an answer as a message."""
    more = _REFUSED if answer.finish_reason == "content_filter" else {}
    stop_reason = _STOP_REASONS.get(answer.finish_reason, "end_turn")
    return Message(blocks_of(turn, answer), stop_reason, tally_of(turn, answer), answer.verdict, more)


def opening(turn: Turn, message: Message) -> Sequence[Event]:
    """Return the start of the message and of its first block, and a ping."""
    started = (block_start(0, block) for block in message.blocks[:1])
    return message_start(turn, message.tally.cached_tokens), *started, PING


def progress(message: Message) -> Iterator[Event]:
    """Yield what the blocks say; the first is started before, and the last is stopped later."""
    for index, block in enumerate(message.blocks):
        if index > 0:
            yield block_stop(index - 1)
            yield block_start(index, block)
        yield from block_deltas(index, block)


def closing(turn: Turn, message: Message) -> Sequence[Event]:
    """Return the stop of the last block, `message_delta`, and `message_stop`."""
    stops = (block_stop(len(message.blocks) - 1),) if message.blocks else ()
    return *stops, message_delta(turn, message), MESSAGE_STOP


def _said(number: int, message: Mapping[str, Any]) -> Said:
    content = message.get("content")
    blocks = mappings(content)
    calls = tuple(str(block.get("name")) for block in blocks if block.get("type") == "tool_use")
    results = tuple(
        Result(text_in(block.get("content")), block.get("is_error") is True)
        for block in blocks
        if block.get("type") == "tool_result"
    )
    signed = tuple(
        Signed(f"messages.{number}.content.{at}", str(block[key]))
        for at, block in enumerate(blocks)
        for key in ("signature", "data")
        if block.get("type") in {"thinking", "redacted_thinking"} and block.get(key) is not None
    )
    return Said(str(message.get("role")), text_in(content), calls, results, signed)
