"""What chat and completions have in common: answers with choices, plain or as a stream of chunks."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.dialects.answer_stream import (
    AnswerContext,
    AnswerStream,
    AssembledStream,
    Opening,
    StreamContext,
)
from gateway.dialects.choice_opening import ChoiceOpening
from gateway.dialects.choice_stream import END, ChoiceStream, nothing_to_note
from gateway.dialects.chunk_shape import ChunkShape
from gateway.dialects.error_chunk import error_chunk
from gateway.dialects.read_event import ReadEvent
from gateway.dialects.tokens import Tokens, tokens_of_text
from gateway.faults.classify import GetHeader
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_values import JsonObject
from gateway.http.message import HeaderPairs, HttpRequest
from gateway.http.sse import event_of

if TYPE_CHECKING:  # few answers are put together
    from gateway.dialects.choice_assembly import Assembly


class ChoicesDialect:
    """The base of a dialect whose answers have choices; see ``StreamingDialect`` for what it leaves open.

    Attributes:
        chunk_shape: shapes the chunks of a stream; it has the form of their choices.
    """

    chunk_shape: type[ChunkShape]
    can_stream = True
    can_watch = True
    writes_text = True
    may_pay_twice = True
    can_restart = True
    can_continue = True
    end_event = END
    answer_member: str | None = None

    def notes_of(self, context: StreamContext) -> Callable[[ReadEvent], None]:
        """Return what notes of a stream's events something besides their content."""
        del context
        return nothing_to_note

    def assembly(self, max_bytes: int, mark: str) -> "Assembly":
        """Return what puts chunks together; see ``Assembly``."""
        raise NotImplementedError

    def upstream_headers(self, request: HttpRequest) -> HeaderPairs:
        """Return no headers: none of the caller's belongs to the dialect."""
        del request
        return ()

    def tell(self, payload: JsonObject, told: AnswerContext) -> bool:
        """Add nothing: an answer states its model as it is, and has no safety check."""
        del payload, told
        return False

    def tokens_of(self, usage: JsonObject) -> Tokens:
        """Return the token counts in a usage."""
        return tokens_of_text(usage)

    def opening(self, *, header: GetHeader, now_s: float, watched: bool) -> Opening:
        """Return what reads a stream up to its first chunk with content."""
        return ChoiceOpening(self.chunk_shape.form, header=header, now_s=now_s, watched=watched)

    def stream(self, context: StreamContext) -> AnswerStream:
        """Return what reads a committed stream."""
        return ChoiceStream(context, self._shape_of(context), self.notes_of(context))

    def continued(self, context: StreamContext, before: AnswerStream, text: str) -> AnswerStream:
        """Return what reads a stream that continues ``text``."""
        from gateway.dialects.continued_choices import ContinuedStream  # noqa: PLC0415  # few streams are continued

        del before
        return ContinuedStream(context, self._shape_of(context), text, self.notes_of(context))

    def assembled(self, context: StreamContext, *, max_bytes: int, mark: str) -> AssembledStream:
        """Return what puts a stream together to a plain answer."""
        from gateway.dialects.assembled_choices import AssembledChoices  # noqa: PLC0415  # few answers are put together

        # A chunk with nothing but the usage then has no choice that no model sent.
        context = replace(context, request=replace(context.request, openai_usage=True))
        return AssembledChoices(context, self._shape_of(context), self.assembly(max_bytes, mark))

    def event_of(self, payload: JsonObject) -> bytes:
        """Return an event with this payload."""
        return event_of(to_json_bytes(payload))

    def error_event(self, error: JsonObject, names: JsonObject) -> bytes:
        """Return the chunk that says that no model has answered."""
        form = self.chunk_shape.form
        return error_chunk({"object": form.object, **names}, error, form)

    def may_cache(self, payloads: list[JsonObject], *, ended: bool) -> bool:
        """Return whether an answer may be cached."""
        from gateway.dialects.choices_cacheable import is_cacheable  # noqa: PLC0415  # few requests use the cache

        return ended and is_cacheable(payloads)

    def _shape_of(self, context: StreamContext) -> ChunkShape:
        return self.chunk_shape(context.first, context.names, openai_usage=context.request.openai_usage)
