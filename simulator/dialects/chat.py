"""Chat completions: `POST /chat/completions`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simulator.answers import Answer, Json, tally_of
from simulator.asked import Asked, Result, Said, Signed, mappings, text_in
from simulator.dialects.chat_forms import (
    bare_chunk,
    choice_of,
    chunk,
    completion,
    deltas,
    error_body,
    error_object,
    usage_object,
)
from simulator.dialects.conversation import Conversation
from simulator.dialects.dialect import EMPTY_INPUT
from simulator.fault import Fault
from simulator.framing import DONE, Event
from simulator.steps import Tally
from simulator.turn import Turn

_EMPTY = {"content": "", "role": "assistant"}
_NOTHING = Tally(0, 0, 0, 0)


class Chat(Conversation):
    """OpenRouter's form of OpenAI's chat completions."""

    path = "/chat/completions"

    def complaint(self, body: Mapping[str, Any]) -> str | None:
        """Refuse a body without messages and without a prompt."""
        messages = body.get("messages")
        if messages == []:
            return EMPTY_INPUT
        has_input = isinstance(messages, list) or isinstance(body.get("prompt"), str)
        return None if has_input else 'Input required: specify "prompt" or "messages"'

    def asked(self, body: Mapping[str, Any]) -> Asked:
        """Return what the conversation says."""
        messages = tuple(_said(number, each) for number, each in enumerate(mappings(body.get("messages"))))
        functions = [tool.get("function") for tool in mappings(body.get("tools"))]
        names = tuple(str(function.get("name")) for function in mappings(functions))
        return Asked(messages, names)

    def body(self, turn: Turn, answer: Answer) -> Json:
        """Return a body with one choice."""
        return completion(turn, [choice_of(answer)], usage_object(turn, tally_of(turn, answer)))

    def opening(self, _turn: Turn, _answer: Answer) -> Sequence[Event]:
        """Return nothing: a stream begins with its first piece."""
        return ()

    def progress(self, turn: Turn, answer: Answer) -> Iterator[Event]:
        """Yield the chunks that contain the answer's pieces."""
        return (Event(chunk(turn, {**_EMPTY, **delta})) for delta in deltas(answer))

    def closing(self, turn: Turn, answer: Answer) -> Sequence[Event]:
        """Return the chunk with the finish reason, the same with the usage, and `[DONE]`."""
        tally = tally_of(turn, answer)
        usage = usage_object(turn, tally)
        return (
            Event(chunk(turn, _EMPTY, answer.finish_reason)),
            Event(chunk(turn, _EMPTY, answer.finish_reason, usage=usage), tally=tally),
            DONE,
        )

    def closing_with_empty_choices(self, turn: Turn, answer: Answer) -> Sequence[Event]:
        """Return the same, with the usage in a chunk that has no choices."""
        finish, usage, done = self.closing(turn, answer)
        assert isinstance(usage.data, dict)
        return finish, Event({**usage.data, "choices": []}, tally=usage.tally), done

    def first_block(self, turn: Turn, answer: Answer) -> Sequence[Event]:
        """Return the chunks of the text."""
        return tuple(self.progress(turn, Answer(answer.pieces)))

    def hollow_body(self, turn: Turn) -> Json:
        """Return a body without choices."""
        return completion(turn, [], usage_object(turn, _NOTHING))

    def hollow_events(self, turn: Turn) -> Sequence[Event]:
        """Return a chunk without choices, and `[DONE]`."""
        return Event(bare_chunk(turn, [], usage=usage_object(turn, _NOTHING))), DONE

    def broken_body(self, turn: Turn, answer: Answer, fault: Fault) -> Json:
        """Return a body whose choice has the error."""
        choice = {**choice_of(answer), "finish_reason": "error", "error": error_object(fault)}
        return completion(turn, [choice], usage_object(turn, _NOTHING))

    def breaking_events(self, turn: Turn, fault: Fault) -> Sequence[Event]:
        """Return a chunk whose choice has the error, and `[DONE]`."""
        payload = chunk(turn, _EMPTY, "error")
        payload["choices"][0]["error"] = error_object(fault)
        return Event(payload), DONE

    def error(self, _generation_id: str, fault: Fault) -> Json:
        """Return OpenRouter's own envelope."""
        return error_body(fault)

    def bare_error(self, error: object) -> Json:
        """Return an envelope with this error."""
        return {"error": error}

    def error_event(self, body: Json) -> Event:
        """Return the body as a chunk."""
        return Event(body)

    def mid_stream_error(self, turn: Turn, fault: Fault) -> Event:
        """Return a chunk with the finish reason error, and the error beside its choices."""
        return Event(chunk(turn, {"content": ""}, "error", error=error_object(fault)))


CHAT = Chat()


def _said(number: int, message: Mapping[str, Any]) -> Said:
    role, text = str(message.get("role")), text_in(message.get("content"))
    functions = [call.get("function") for call in mappings(message.get("tool_calls"))]
    calls = tuple(str(function.get("name")) for function in mappings(functions))
    results = (Result(text),) if role == "tool" else ()
    details = enumerate(mappings(message.get("reasoning_details")))
    signed = tuple(
        Signed(f"messages.{number}.content.{at}", str(detail[key]))
        for at, detail in details
        for key in ("signature", "data")
        if detail.get(key) is not None
    )
    return Said(role, text, calls, results, signed)
