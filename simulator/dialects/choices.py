"""What chat completions and legacy completions share: choices, chunks, and errors beside them."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simulator.answers import Answer, Json, tally_of
from simulator.dialects.chat_forms import error_body, error_object, usage_object
from simulator.dialects.conversation import Conversation
from simulator.fault import Fault
from simulator.framing import DONE, Event
from simulator.steps import Tally
from simulator.turn import PROVIDER, Turn

_NOTHING = Tally(0, 0, 0, 0)


class Choices(Conversation):
    """A dialect whose answers are choices, and whose streams are chunks without names."""

    kind = ""  # `object` of a plain answer
    chunk_kind = ""
    blank: Mapping[str, Any] = {}  # an empty piece
    silent: Mapping[str, Any] = {}  # what each chunk has; its piece is put over it

    @abstractmethod
    def choice(self, answer: Answer) -> Json:
        """Return what the choice of a plain answer has beside its finish reason."""

    @abstractmethod
    def pieces(self, answer: Answer) -> Iterator[Json]:
        """Yield what each chunk of a stream says."""

    @abstractmethod
    def spoken(self, piece: Mapping[str, Any]) -> Json:
        """Return what the choice of a chunk with this piece has beside its finish reason."""

    def body(self, turn: Turn, answer: Answer) -> Json:
        """Return a body with one choice."""
        return self._completion(turn, [self._choice(answer)], tally_of(turn, answer))

    def opening(self, _turn: Turn, _answer: Answer) -> Sequence[Event]:
        """Return nothing: a stream begins with its first piece."""
        return ()

    def progress(self, turn: Turn, answer: Answer) -> Iterator[Event]:
        """Yield the chunks that contain the answer's pieces."""
        return (Event(self._chunk(turn, {**self.silent, **piece})) for piece in self.pieces(answer))

    def closing(self, turn: Turn, answer: Answer) -> Sequence[Event]:
        """Return the chunk with the finish reason, the same with the usage, and `[DONE]`."""
        tally = tally_of(turn, answer)
        usage = usage_object(turn, tally)
        return (
            Event(self._chunk(turn, self.silent, answer.finish_reason)),
            Event(self._chunk(turn, self.silent, answer.finish_reason, usage=usage), tally=tally),
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
        return self._completion(turn, [], _NOTHING)

    def hollow_events(self, turn: Turn) -> Sequence[Event]:
        """Return a chunk without choices, and `[DONE]`."""
        return Event(self._bare_chunk(turn, [], usage=usage_object(turn, _NOTHING))), DONE

    def broken_body(self, turn: Turn, answer: Answer, fault: Fault) -> Json:
        """Return a body whose choice has the error."""
        choice = {**self._choice(answer), "finish_reason": "error", "error": error_object(fault)}
        return self._completion(turn, [choice], _NOTHING)

    def breaking_events(self, turn: Turn, fault: Fault) -> Sequence[Event]:
        """Return a chunk whose choice has the error, and `[DONE]`."""
        payload = self._chunk(turn, self.silent, "error")
        payload["choices"][0]["error"] = error_object(fault)
        return Event(payload), DONE

    def error(self, _generation_id: str, fault: Fault) -> Json:
        """Return OpenRouter's own envelope."""
        return error_body(fault)

    def bare_error(self, error: object) -> Json:
        """Return an envelope with this error."""
        return {"error": error}

    def error_event(self, _turn: Turn, body: Json) -> Event:
        """Return the body as a chunk."""
        return Event(body)

    def mid_stream_error(self, turn: Turn, fault: Fault) -> Event:
        """Return a chunk with the finish reason error, and the error beside its choices."""
        return Event(self._chunk(turn, self.blank, "error", error=error_object(fault)))

    def _choice(self, answer: Answer) -> Json:
        reasons = {"finish_reason": answer.finish_reason, "native_finish_reason": answer.finish_reason}
        return {"index": 0, "logprobs": None, **reasons, **self.choice(answer)}

    def _chunk(
        self, turn: Turn, piece: Mapping[str, Any], finish_reason: str | None = None, **more: object
    ) -> Json:
        """Return a stream chunk; `more` are further top-level fields such as `usage` or `error`."""
        reasons = {"finish_reason": finish_reason, "native_finish_reason": finish_reason}
        return self._bare_chunk(turn, [{"index": 0, **self.spoken(piece), **reasons}], **more)

    def _bare_chunk(self, turn: Turn, choices: list[Json], **more: object) -> Json:
        return {**self._envelope(turn, self.chunk_kind), "choices": choices, **more}

    def _completion(self, turn: Turn, choices: list[Json], tally: Tally) -> Json:
        unset = {"system_fingerprint": None, "service_tier": None}
        usage = usage_object(turn, tally)
        return {**self._envelope(turn, self.kind), **unset, "choices": choices, "usage": usage}

    def _envelope(self, turn: Turn, kind: str) -> Json:
        return {
            "id": turn.id,
            "object": kind,
            "created": turn.created_s,
            "model": turn.model,
            "provider": PROVIDER,
        }
