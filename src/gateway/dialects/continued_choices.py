"""Joins the chunks of a model that continues a text to that text: drops what they repeat, and their role."""

from collections.abc import Callable
from dataclasses import replace

from gateway.dialects.answer_stream import StreamContext
from gateway.dialects.choice_form import ChoiceForm
from gateway.dialects.choice_stream import ChoiceStream, nothing_to_note
from gateway.dialects.chunk_shape import ChunkShape
from gateway.dialects.overlap import Overlap
from gateway.dialects.read_event import ReadEvent, is_json
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty


class ContinuedStream(ChoiceStream):
    """A stream that continues a text. It drops what the stream repeats of ``so_far``."""

    def __init__(
        self,
        context: StreamContext,
        shape: ChunkShape,
        so_far: str,
        note: Callable[[ReadEvent], None] = nothing_to_note,
    ) -> None:
        super().__init__(replace(context, collect_text=True), shape, note)
        self._chunks = ContinuedChunks(so_far, shape.envelope(), shape.form)

    @property
    def holds_all(self) -> bool:
        """Whether every event must be read: always."""
        return True

    @property
    def may_hand_over(self) -> bool:
        """Whether it is decided what the stream repeats."""
        return not self._chunks.is_open

    def _joined(self, here: ReadEvent) -> list[ReadEvent]:
        may_shorten = self._chunks.is_open
        joined = []
        for payload in self._chunks.join(here.read.payload):
            each = here if payload is here.read.payload else ReadEvent.of(payload)
            each.is_changed = True
            if may_shorten and not is_json(payload):
                each = ReadEvent.of(self._chunks.plain(payload))
            self._collect(each.read)
            joined.append(each)
        return joined


class ContinuedChunks:
    """The chunks of one stream that continues a text, in order.

    Args:
        so_far: the text that the client has.
        envelope: the fields that every chunk of the stream has.
        form: the form of their choices.
    """

    def __init__(self, so_far: str, envelope: JsonObject, form: ChoiceForm) -> None:
        self._form = form
        self._overlap = Overlap(so_far)
        self._envelope = envelope

    @property
    def is_open(self) -> bool:
        """Whether it is still undecided what the stream repeats."""
        return self._overlap.is_open

    def join(self, payload: JsonObject) -> list[JsonObject]:
        """Return the chunks that the client gets for one chunk, which is changed in place.

        That is the chunk, or none if nothing is left of it. A chunk with the held text comes before content
        that is not text, and before the finish reason.
        """
        before, is_less, has_more = "", False, isinstance(payload.get("usage"), dict)
        for each in list_or_empty(payload.get("choices")):
            choice = object_or_empty(each)
            said = self._form.said_in(choice)
            # The held text is sent before what is no text.
            ends_text = bool(choice.get("finish_reason")) or any(map(said.get, self._form.other_content))
            is_less |= said.pop("role", None) is not None  # the first model has sent it
            if self._overlap.is_open:
                content = said.get(self._form.text_field)
                text = self._overlap.take(content) if isinstance(content, str) else ""
                if ends_text:
                    before, text = before + text + self._overlap.end(), ""
                is_less |= self._set_text(choice, said, text)
            has_more |= ends_text or self._form.says(choice, blank_counts=True)
        chunks = [self._chunk_of(before)] if before else []
        return chunks if is_less and not has_more else [*chunks, payload]

    def plain(self, payload: JsonObject) -> JsonObject:
        """Return a chunk with a chunk's text and finish reason alone, which JSON can always represent."""
        choice = object_or_empty(next(iter(list_or_empty(payload.get("choices"))), None))
        content = self._form.said_in(choice).get(self._form.text_field)
        return self._chunk_of(content if isinstance(content, str) else "", choice.get("finish_reason"))

    def _chunk_of(self, text: str, finish: Json = None) -> JsonObject:
        reason = finish if isinstance(finish, str) else None
        return {
            **self._envelope,
            "choices": [self._form.choice_of(text, reason)],
        }

    def _set_text(self, choice: JsonObject, said: JsonObject, text: str) -> bool:
        """Set the text of a choice, in place; return whether it changed."""
        content = said.get(self._form.text_field)
        if not isinstance(content, str) or content == text:
            return False
        said[self._form.text_field] = text
        if choice.get("logprobs"):
            choice["logprobs"] = None  # they belong to the tokens of the chunk's own text
        return True
