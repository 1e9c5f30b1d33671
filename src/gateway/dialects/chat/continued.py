"""Joins the chunks of a model that continues a text to that text: drops what they repeat, and their role."""

from dataclasses import replace

from gateway.dialects.answer_stream import StreamContext
from gateway.dialects.chat.answer_checks import REASONING, SUBSTANCE, has_progress
from gateway.dialects.chat.stream import ChatStream
from gateway.dialects.overlap import Overlap
from gateway.dialects.read_event import ReadEvent, is_json
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty

# Content other than text and reasoning; the held text is sent before it. `content_parts`: see `answer_shape`.
_OTHER_CONTENT = (*sorted({*SUBSTANCE} - {"content", *REASONING}), "content_parts")


class ContinuedStream(ChatStream):
    """A chat stream that continues a text. It drops what the stream repeats of ``so_far``."""

    def __init__(self, context: StreamContext, so_far: str) -> None:
        super().__init__(replace(context, collect_text=True))
        self._chunks = ContinuedChunks(so_far, self._shape.envelope())

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
    """

    def __init__(self, so_far: str, envelope: JsonObject) -> None:
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
            delta = object_or_empty(choice.get("delta"))
            ends_text = bool(choice.get("finish_reason")) or any(map(delta.get, _OTHER_CONTENT))
            is_less |= delta.pop("role", None) is not None  # the first model has sent it
            if self._overlap.is_open:
                content = delta.get("content")
                text = self._overlap.take(content) if isinstance(content, str) else ""
                if ends_text:
                    before, text = before + text + self._overlap.end(), ""
                is_less |= _set_text(choice, delta, text)
            has_more |= ends_text or has_progress(delta)
        chunks = [self._chunk_of(before)] if before else []
        return chunks if is_less and not has_more else [*chunks, payload]

    def plain(self, payload: JsonObject) -> JsonObject:
        """Return a chunk with a chunk's text and finish reason alone, which JSON can always represent."""
        choice = object_or_empty(next(iter(list_or_empty(payload.get("choices"))), None))
        content = object_or_empty(choice.get("delta")).get("content")
        return self._chunk_of(content if isinstance(content, str) else "", choice.get("finish_reason"))

    def _chunk_of(self, text: str, finish: Json = None) -> JsonObject:
        reason = finish if isinstance(finish, str) else None
        return {
            **self._envelope,
            "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}],
        }


def _set_text(choice: JsonObject, delta: JsonObject, text: str) -> bool:
    """Set the text of a choice, in place; return whether it changed."""
    content = delta.get("content")
    if not isinstance(content, str) or content == text:
        return False
    delta["content"] = text
    if choice.get("logprobs"):
        choice["logprobs"] = None  # they belong to the tokens of the chunk's own text
    return True
