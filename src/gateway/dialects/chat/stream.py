"""Reads the events of a committed chat stream, and writes what the client gets for each.

Events that need no change pass unchanged. The receipt is added to the last usage. Events that may be the end
of the answer are held back until it is known whether it goes on.
"""

from collections.abc import Callable

from gateway.dialects.answer_stream import StreamContext, Taken
from gateway.dialects.chat.chunk_shape import ChunkShape, usable
from gateway.dialects.chat.error_chunk import error_chunk
from gateway.dialects.chat.event_facts import OpenChoices, inspect_event, says_nothing, text_in
from gateway.dialects.chat.held_events import HeldEvents, finishes_in
from gateway.dialects.chat.signed_reasoning import SIGNED, signed_pieces_in
from gateway.dialects.event_data import DONE, EventPayload
from gateway.dialects.read_event import ReadEvent
from gateway.dialects.stream_signatures import StreamSignatures
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_values import JsonObject
from gateway.http.sse import data_of, event_of, is_one_data_line

END = event_of(DONE)
# What a restart says of the model that starts over.
NAMED = ("id", "created", "model")
_NOTHING = Taken()


class ChatStream:
    """One committed chat stream; see ``AnswerStream``."""

    may_be_complete = False

    def __init__(self, context: StreamContext) -> None:
        self._context = context
        self._shape = ChunkShape(context.first, context.names, openai_usage=context.request.openai_usage)
        self._choices = OpenChoices()
        self._held = HeldEvents(self._shape)
        self._usage: JsonObject | None = None  # the newest, until a chunk has the receipt
        self._texts: list[str] | None = [] if context.collect_text else None
        self._signatures = StreamSignatures(context.note_signature)

    @property
    def is_complete(self) -> bool:
        """Whether every choice that has begun has a finish reason."""
        return self._choices.are_finished

    @property
    def holds_all(self) -> bool:
        """Whether every event must be read: the text is collected."""
        return self._texts is not None

    @property
    def may_hand_over(self) -> bool:
        """Whether the runtime may pass on the rest unread: nothing of the text is held back."""
        return True

    @property
    def text(self) -> str | None:
        """What the client has of this stream's text; None if it is not collected, or not all is text."""
        return None if self._texts is None else "".join(self._texts)

    def take(self, here: ReadEvent) -> Taken:
        """Check an event's payload, and return the client's bytes for it.

        Raises:
            AttemptFailedError: the event reports an error.
        """
        payload = here.read.payload
        facts = inspect_event(payload, header=self._context.header, now_s=self._context.now_s())
        if says_nothing(payload, facts):
            return _NOTHING
        finishes = facts.finish is not None
        self._choices.note(facts)
        if SIGNED.may_be_in(here.event):
            self._signatures.add(signed_pieces_in(payload), here.read.long)
        here.is_changed = self._shape.shape(payload)
        here.usage, here.may_finish = facts.usage, finishes
        is_like_the_next = not (here.is_changed or finishes or facts.usage or self._shape.began_call)
        sent = self._held.reopen(facts.progressed) if facts.progressed else b""
        if facts.usage is not None:
            sent += self._take_usage(here, facts.usage)
        return Taken(
            sent + b"".join(map(self._send, self._joined(here))),
            progress=facts.progress or finishes,
            repeats=facts.progress and is_like_the_next and is_one_data_line(here.event),
            changes_state=finishes,
        )

    def release(self) -> bytes:
        """Return the events that were held back."""
        return self._held.release()

    def flush(self, receipt: Callable[[], JsonObject]) -> bytes:
        """Return the events that were held back, with the receipt on the last usage."""
        last = self._held.last_usage
        if last is not None:
            self._usage = None
            last.read.payload["gateway"] = receipt()
        return self._held.release()

    def end(self, receipt: Callable[[], JsonObject], last: bytes) -> bytes:
        """Return the last bytes of a complete answer: the receipt, if a usage was stated, and ``[DONE]``."""
        if self._usage is not None and self._held.last_usage is None:  # only before the answer was complete
            self._held.add(ReadEvent.of(self._shape.usage_chunk(self._usage), usage=self._usage))
        return self.flush(receipt) + (last if is_one_data_line(last) and data_of(last) == DONE else END)

    def error_event(self, error: JsonObject) -> bytes:
        """Return the chunk that tells the client that the answer was cut off."""
        return error_chunk(self._shape.envelope(), error)

    def restart_event(self, first: JsonObject, code: str | None, model: str) -> bytes:
        """Return the chunk that tells the client to discard the answer so far: another model starts over."""
        envelope = self._shape.envelope()
        event: JsonObject = {
            **envelope,
            **{name: usable(first.get(name), envelope[name]) for name in NAMED},
            "choices": [],
        }
        event["gateway"] = {"event": "restart", "code": code, "model": model}
        return event_of(to_json_bytes(event))

    def _joined(self, here: ReadEvent) -> list[ReadEvent]:
        """Return the events that the client gets for an event, which has its shape."""
        self._collect(here.read)
        return [here]

    def _send(self, here: ReadEvent) -> bytes:
        """Return an event's bytes; none if it may be the end of the answer, and is held back."""
        is_last_usage = here.usage is not None and self._choices.are_finished
        if is_last_usage or (here.may_finish and finishes_in(here.read.payload)):
            self._held.add(here)
            return b""
        return here.to_bytes()

    def _take_usage(self, here: ReadEvent, usage: JsonObject) -> bytes:
        """Record a usage; return the events that were held back, if one of them seemed to have the last."""
        here.is_changed |= self._context.settle(usage)
        self._usage = usage
        return self._held.release() if self._held.last_usage else b""

    def _collect(self, read: EventPayload) -> None:
        """Add a chunk's text, if the text is collected."""
        if self._texts is None:
            return
        text = None if read.long.parts else text_in(read.payload)
        if text is None:
            self._texts = None
        else:
            self._texts.append(text)
