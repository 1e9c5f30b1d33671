"""Joins the events of a model that continues a text to those that the client has of another model.

The client's text block is still open as a rule: the new model's first text goes on with it. What the model
thinks before that is dropped, because no block can begin within another one's text. Its other blocks get the
indexes that follow.
"""

from dataclasses import replace

from gateway.dialects.answer_stream import AnswerStream, StreamContext, Taken
from gateway.dialects.event_data import EventPayload
from gateway.dialects.messages.blocks import Blocks, block_type, index_in, malformed
from gateway.dialects.messages.content import THINKING_BLOCKS, adds
from gateway.dialects.messages.said import Said
from gateway.dialects.messages.stream import MessagesStream
from gateway.dialects.named_events import whole_payload
from gateway.dialects.overlap import Overlap
from gateway.dialects.read_event import ReadEvent
from gateway.http.json_values import JsonObject, object_or_empty
from gateway.http.long_strings import NONE


class ContinuedMessages(MessagesStream):
    """A Messages stream that continues the text of another one; see ``AnswerStream``.

    Args:
        context: see ``StreamContext``.
        before: the stream that was cut off.
        so_far: the text that the client has, of all streams before.
    """

    def __init__(self, context: StreamContext, before: AnswerStream, so_far: str) -> None:
        super().__init__(replace(context, collect_text=True))
        assert isinstance(before, MessagesStream)  # both are streams of this dialect
        self.blocks = Blocks(before.blocks)
        self._said = Said(is_answer=True)  # the client has a text
        self._has_started = True  # the client has the message of the first stream
        texts = [place for place, kind in self.blocks.open.items() if kind == "text"]
        self._carried = max(texts, default=None)  # the open text block, until the model goes on with it
        self._place: int | None = None  # the block of the model's first text
        self._dropped: set[int] = set()  # the upstream's indexes of thinking that the client does not get
        self._repeated = Repeated(so_far)
        self._first = b""  # what the client gets before the event that is being read

    @property
    def holds_all(self) -> bool:
        """Whether every event must be read: always."""
        return True

    def take(self, here: ReadEvent) -> Taken:
        """Check an event's payload, and return the client's bytes for it.

        Raises:
            AttemptFailedError: the event reports an error, or has no place in this answer.
        """
        taken = super().take(here)
        first, self._first = self._first, b""
        return replace(taken, sent=first + taken.sent) if first else taken

    def release(self) -> bytes:
        """Return what comes before an event that has cut the answer off."""
        return self._first

    def _start(self, here: ReadEvent) -> Taken:
        """Take the usage of a ``message_start``. The client does not get it: it has another one."""
        self._usage.begin(object_or_empty(here.read.payload.get("message")).get("usage"))
        return Taken()

    def _begin_block(self, here: ReadEvent) -> Taken:
        payload = here.read.payload
        kind, index = block_type(payload), index_in(payload)
        if index in self._dropped:
            raise malformed()
        if self._carried is None:
            self._send_rest()
            taken = super()._begin_block(here)
            if kind == "text" and self._place is None:
                self._place = self.blocks.count - 1
            return taken
        if kind in THINKING_BLOCKS and index is not None:
            self._dropped.add(index)
            return Taken()
        if kind == "text":
            return self._go_on(payload)
        self._first += self._write(ReadEvent.of({"type": "content_block_stop", "index": self._carried}))
        self.blocks.open.pop(self._carried)
        self._carried = None
        return super()._begin_block(here)

    def _go_on(self, payload: JsonObject) -> Taken:
        """Go on with the client's open text block: the model's first text begins."""
        self._place = self.blocks.start(payload, at=self._carried)
        self._carried = None
        text = object_or_empty(payload["content_block"]).get("text")
        self._send(self._repeated.take(text) if isinstance(text, str) else "")
        return Taken(progress=bool(text))

    def _add(self, here: ReadEvent) -> Taken:
        payload = here.read.payload
        delta = object_or_empty(payload.get("delta"))
        if index_in(payload) in self._dropped:
            return Taken(progress=adds(delta, blank_counts=True))
        if not self._repeated.is_open:
            return super()._add(here)
        is_text = delta.get("type") == "text_delta" and self.blocks.place_of(payload) == self._place
        if not is_text:
            self._send_rest()
            return super()._add(here)
        here.read = EventPayload(whole_payload(here.read), NONE)
        delta = object_or_empty(here.read.payload["delta"])
        text = delta.get("text")
        if isinstance(text, str):
            delta["text"] = rest = self._repeated.take(text)
            here.is_changed |= rest != text
            if not rest:
                return Taken(progress=bool(text))
        return super()._add(here)

    def _end_block(self, here: ReadEvent) -> Taken:
        if index_in(here.read.payload) in self._dropped:
            return Taken()
        self._send_rest()
        return super()._end_block(here)

    def _hold(self, here: ReadEvent) -> Taken:
        self._send_rest()
        return super()._hold(here)

    def _send_rest(self) -> None:
        """Send the text that was held back, because no more of it comes."""
        if self._place is not None:
            self._send(self._repeated.end())

    def _send(self, text: str) -> None:
        if not text:
            return
        delta: JsonObject = {"type": "text_delta", "text": text}
        self._texts.add(delta, is_long=False)
        self._first += self._write(
            ReadEvent.of({"type": "content_block_delta", "index": self._place, "delta": delta})
        )


class Repeated:
    """What a model repeats of a text that it continues.

    The model gets the text without the white space at its end, which the client has. So the same white space
    is dropped at the beginning of what the model adds.

    Args:
        so_far: the text that the client has.
    """

    def __init__(self, so_far: str) -> None:
        text = so_far.rstrip()
        self._overlap = Overlap(text)
        self._blanks = so_far[len(text) :]
        self._passed: int | None = 0  # how many of them have been dropped; None: no more are

    @property
    def is_open(self) -> bool:
        """Whether it is still undecided what the model repeats."""
        return self._overlap.is_open or self._passed is not None

    def take(self, text: str) -> str:
        """Return what may be sent once this piece has arrived; empty while all is held."""
        return self._without_blanks(self._overlap.take(text))

    def end(self) -> str:
        """Decide now, because no more text comes; return what is left."""
        rest = self._without_blanks(self._overlap.end())
        self._passed = None
        return rest

    def _without_blanks(self, text: str) -> str:
        if self._passed is None:
            return text
        place = 0
        while place < len(text) and self._blanks.startswith(text[place], self._passed):
            place += 1
            self._passed += 1
        if place < len(text):
            self._passed = None
        return text[place:]
