"""Reads the events of a committed Messages stream, and writes what the client gets for each.

Events that need no change pass unchanged. The client always gets a valid sequence of events, and one end. So
what ends the answer (``message_delta``) is held back until the stream has ended: it gets the newest stop
reason, the newest usage and the receipt, and the blocks that are still open are stopped before it.
"""

from collections.abc import Callable

from gateway.dialects.answer_stream import StreamContext, Taken
from gateway.dialects.messages.blocks import Blocks, malformed, set_index
from gateway.dialects.messages.content import DELTA_TEXTS, SILENT_BLOCKS, adds, fill_text, says
from gateway.dialects.messages.ending import STOP, Ending
from gateway.dialects.messages.error_event import error_event
from gateway.dialects.messages.message_start import started
from gateway.dialects.messages.reported_errors import raise_error_in
from gateway.dialects.messages.safeguards import CLIENTS_CALLS, NO_VERDICTS, asks_for_verdicts, no_verdicts
from gateway.dialects.messages.said import Said
from gateway.dialects.messages.signed_thinking import SIGNED, signed_pieces_in
from gateway.dialects.messages.text_so_far import TextSoFar
from gateway.dialects.messages.usage import UsageSoFar
from gateway.dialects.named_events import is_two_lines, name_of, to_bytes
from gateway.dialects.read_event import ReadEvent
from gateway.dialects.stream_signatures import StreamSignatures
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.json_values import JsonObject, object_or_empty

_NOTHING = Taken()


class MessagesStream:
    """One committed Messages stream; see ``AnswerStream``."""

    may_be_complete = False

    def __init__(self, context: StreamContext) -> None:
        self.blocks = Blocks()
        self._said = Said()
        self._context = context
        self._has_started = False
        self._calls_client = False  # whether it has a call that the client runs
        self._ending = Ending()
        self._usage = UsageSoFar(context.settle)
        self._signatures = StreamSignatures(context.note_signature)
        self._texts = TextSoFar(is_collected=context.collect_text)
        self._handlers: dict[str, Callable[[ReadEvent], Taken]] = {
            "message_start": self._start,
            "content_block_start": self._begin_block,
            "content_block_delta": self._add,
            "content_block_stop": self._end_block,
            "message_delta": self._hold,
            "message_stop": self._stop,
        }

    @property
    def is_complete(self) -> bool:
        """Whether the answer has a stop reason, nothing has been added to it since, and it is usable."""
        return self._ending.is_complete and self._code is None

    @property
    def holds_all(self) -> bool:
        """Whether every event must be read: the text is collected."""
        return self._texts.is_collected

    @property
    def may_hand_over(self) -> bool:
        """Whether the runtime may pass on the rest unread: nothing is held back, and no index is changed."""
        return not self._ending.is_held and self._has_started and self.blocks.are_in_place

    @property
    def text(self) -> str | None:
        """What the client has of this stream's text; None if it is not collected, or not all is text."""
        return self._texts.value

    def take(self, here: ReadEvent) -> Taken:
        """Check an event's payload, and return the client's bytes for it.

        An event without a type is dropped. One of an unknown type passes: it is no progress.

        Raises:
            AttemptFailedError: the event reports an error, or has no place in this answer.
        """
        payload = here.read.payload
        raise_error_in(payload, header=self._context.header, now_s=self._context.now_s())
        name = name_of(payload)
        if name is None:
            return _NOTHING
        here.is_changed |= payload.pop("gateway", None) is not None  # the receipt is the gateway's own
        if SIGNED.may_be_in(here.event):
            self._signatures.add(signed_pieces_in(payload), here.read.long)
        handler = self._handlers.get(name)
        return handler(here) if handler else Taken(self._write(here))

    def release(self) -> bytes:
        """Return nothing: an answer that is cut off has no end, and only its end is held back."""
        return b""

    def flush(self, receipt: Callable[[], JsonObject]) -> bytes:
        """Return the end of the answer with the receipt, if it is held back."""
        return self._written_end(receipt) if self._ending.is_held else b""

    def end(self, receipt: Callable[[], JsonObject], last: bytes) -> bytes:
        """Return the last bytes of a complete answer: open blocks stopped, its end, ``message_stop``.

        The upstream's own ``message_stop`` is sent on. ``last`` may be another event, such as ``[DONE]``.
        """
        del last
        return self.flush(receipt) + self._write(self._ending.last or ReadEvent.of({**STOP}))

    def error_event(self, error: JsonObject) -> bytes:
        """Return the event that tells the client that the answer was cut off."""
        return error_event(error)

    def restart_event(self, first: JsonObject, code: str | None, model: str) -> bytes:
        """Return nothing: an answer in this dialect cannot start over."""
        del first, code, model
        return b""

    def _write(self, here: ReadEvent) -> bytes:
        """Return the client's bytes for an event."""
        return to_bytes(here, str(here.read.payload["type"]))

    def _written_end(self, receipt: Callable[[], JsonObject]) -> bytes:
        stops = [
            ReadEvent.of({"type": "content_block_stop", "index": place}) for place in self.blocks.stop_all()
        ]
        if self._calls_client and asks_for_verdicts(self._context.request) and not self._ending.has_verdicts:
            self._ending.results = no_verdicts(self._context.request, self._context.model)
            self._context.note(NO_VERDICTS.format(model=self._context.model))
        end = self._ending.take(usage=self._usage.all, receipt=receipt())
        return b"".join(map(self._write, (*stops, end)))

    # -- one event each

    def _start(self, here: ReadEvent) -> Taken:
        """Take the first ``message_start``. A second one is dropped: clients would begin anew."""
        if self._has_started:
            return _NOTHING
        if not isinstance(here.read.payload.get("message"), dict):
            raise malformed()
        return Taken(self._begin(here), changes_state=True)

    def _begin(self, here: ReadEvent) -> bytes:
        self._has_started = True
        message = object_or_empty(here.read.payload["message"])
        self._usage.begin(message.get("usage"))
        here.is_changed |= started(message, self._context.names, shown_model=self._context.shown_model)
        return self._write(here)

    def _begin_block(self, here: ReadEvent) -> Taken:
        payload = here.read.payload
        here.is_changed |= set_index(payload, self.blocks.start(payload))
        block = object_or_empty(payload["content_block"])
        here.is_changed |= fill_text(block)
        progress = block["type"] not in SILENT_BLOCKS or says(block)
        if progress:
            self._ending.reopen()
        self._said.begin(block)
        self._calls_client = self._calls_client or block["type"] in CLIENTS_CALLS
        self._texts.begin(block)
        return Taken(self._before() + self._write(here), progress=progress, changes_state=True)

    def _add(self, here: ReadEvent) -> Taken:
        payload = here.read.payload
        place = self.blocks.place_of(payload)
        here.is_changed |= set_index(payload, place)
        delta = object_or_empty(payload["delta"])
        kind = str(delta["type"])
        text = delta.get(name) if (name := DELTA_TEXTS.get(kind)) else ""
        if text is None:
            return _NOTHING
        if not isinstance(text, str):
            raise malformed()
        progress = adds(delta, blank_counts=True)
        if progress:
            self._ending.reopen()
        self._said.add(place, delta, here.read.long)
        self._texts.add(delta, is_long=bool(here.read.long.parts))
        is_like_the_next = kind == "thinking_delta" or (kind == "text_delta" and self._said.is_answer)
        repeats = progress and is_like_the_next and not here.is_changed
        return Taken(
            self._before() + self._write(here),
            progress=progress,
            repeats=repeats and is_two_lines(here.event, "content_block_delta"),
        )

    def _end_block(self, here: ReadEvent) -> Taken:
        """Take the end of a block. The end of one that is not open is dropped."""
        place = self.blocks.stop(here.read.payload)
        if place is None:
            return _NOTHING
        self._said.end(place)
        here.is_changed |= set_index(here.read.payload, place)
        return Taken(self._before() + self._write(here), changes_state=True)

    def _hold(self, here: ReadEvent) -> Taken:
        """Hold what ends the answer."""
        ends = self._ending.hold(here)
        self._usage.add(here.read.payload.get("usage"))
        return Taken(self._before(), progress=ends, changes_state=True)

    def _stop(self, here: ReadEvent) -> Taken:
        """Take the end of the stream.

        Raises:
            AttemptFailedError: the answer has no stop reason, or is not usable.
        """
        code = self._code if self._ending.is_complete else "no_finish_reason"
        if code is not None:
            raise AttemptFailedError(Fault(code=code))
        self._ending.last = here
        return Taken(ends=True)

    @property
    def _code(self) -> str | None:
        """The code of the fault of an answer that ends here; None if it is usable."""
        return self._said.code_at(self._ending.reason, reasoning_only=self._context.reasoning_only)

    def _before(self) -> bytes:
        """Return a ``message_start`` for an answer that has none: no client reads a block without one."""
        if self._has_started:
            return b""
        return self._begin(ReadEvent.of({"type": "message_start", "message": {}}))
