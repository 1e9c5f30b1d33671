"""What the endpoints share that answer with one body: embeddings, rerank, images, speech, transcriptions."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simulator.answers import Answer, Json
from simulator.asked import Asked
from simulator.dialects.chat_forms import error_body, error_object
from simulator.dialects.json_answers import JsonAnswers
from simulator.fault import Fault
from simulator.framing import Event
from simulator.steps import Tally
from simulator.turn import Turn

# An answer of more characters than a usual one makes an image or an audio as large as it is.
USUAL_CHARACTERS = 40
_NOTHING = Answer()


class Plain(JsonAnswers):
    """An endpoint without a conversation. An answer's pieces give its size; without pieces it is empty."""

    streams = False
    answer_field = ""  # the field of the body with the answer; a hollow body lacks it

    @abstractmethod
    def complaint(self, body: Mapping[str, Any]) -> str | None:
        """Return the words with which the body is refused; None if it is a request of this endpoint."""

    @abstractmethod
    def tally(self, turn: Turn, answer: Answer) -> Tally:
        """Return the tokens and the cost of an answer."""

    def asked(self, _body: Mapping[str, Any]) -> Asked:
        """Return an empty conversation."""
        return Asked()

    def opening(self, _turn: Turn, _answer: Answer) -> Sequence[Event]:
        """Return nothing."""
        return ()

    def progress(self, _turn: Turn, _answer: Answer) -> Iterator[Event]:
        """Yield nothing: without streams there are no pieces."""
        return iter(())

    def closing(self, _turn: Turn, _answer: Answer) -> Sequence[Event]:
        """Return nothing."""
        return ()

    def first_block(self, turn: Turn, answer: Answer) -> Sequence[Event]:
        """Return all progress."""
        return tuple(self.progress(turn, answer))

    def hollow_body(self, turn: Turn) -> Json:
        """Return a body without the field that has the answer."""
        whole = self.body(turn, _NOTHING)
        return {name: value for name, value in whole.items() if name != self.answer_field}

    def hollow_events(self, _turn: Turn) -> Sequence[Event]:
        """Return nothing."""
        return ()

    def broken_body(self, turn: Turn, answer: Answer, fault: Fault) -> Json:
        """Return an answer with an error beside it."""
        return {**self.body(turn, answer), "error": error_object(fault)}

    def breaking_events(self, turn: Turn, fault: Fault) -> Sequence[Event]:
        """Return the error event."""
        return (self.mid_stream_error(turn, fault),)

    def error(self, _generation_id: str, fault: Fault) -> Json:
        """Return OpenRouter's own envelope."""
        return error_body(fault)

    def bare_error(self, error: object) -> Json:
        """Return an envelope with this error."""
        return {"error": error}

    def error_event(self, _turn: Turn, body: Json) -> Event:
        """Return the event with the error of this body."""
        return Event({"type": "error", "error": body["error"]})

    def mid_stream_error(self, turn: Turn, fault: Fault) -> Event:
        """Return the error event: it is the same at any place."""
        return self.error_event(turn, self.bare_error(error_object(fault)))


def tallied(turn: Turn, prompt_tokens: int, completion_tokens: int = 0) -> Tally:
    """Return these tokens, and their cost with the price of a request."""
    price = turn.price
    cost = (
        price.request_nano_usd
        + prompt_tokens * price.prompt_nano_usd
        + completion_tokens * price.completion_nano_usd
    )
    return Tally(prompt_tokens, completion_tokens, 0, cost)


def lacks_text(body: Mapping[str, Any], *fields: str) -> str | None:
    """Return the complaint about the first of these fields that is no text; None if all are."""
    for field in fields:
        if not isinstance(body.get(field), str) or not body[field]:
            return f"{field}: Required" if field not in body else f"{field}: Expected a non-empty string"
    return None
