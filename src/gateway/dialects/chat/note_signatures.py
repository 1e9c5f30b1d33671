"""Reads the events of a committed chat stream, and notes its signatures."""

from collections.abc import Callable

from gateway.dialects.answer_stream import StreamContext
from gateway.dialects.chat.chunk_shape import ChatChunkShape
from gateway.dialects.chat.signed_reasoning import SIGNED, signed_pieces_in
from gateway.dialects.choice_stream import ChoiceStream
from gateway.dialects.read_event import ReadEvent
from gateway.dialects.stream_signatures import StreamSignatures


def chat_stream(context: StreamContext) -> ChoiceStream:
    """Return what reads a committed chat stream."""
    return ChoiceStream(context, shape_of(context), notes_signatures(context))


def shape_of(context: StreamContext) -> ChatChunkShape:
    """Return what shapes the chunks of a chat stream."""
    return ChatChunkShape(context.first, context.names, openai_usage=context.request.openai_usage)


def notes_signatures(context: StreamContext) -> Callable[[ReadEvent], None]:
    """Return what notes the signatures of a chat stream."""
    signatures = StreamSignatures(context.note_signature)

    def note(here: ReadEvent) -> None:
        if SIGNED.may_be_in(here.event):
            signatures.add(signed_pieces_in(here.read.payload), here.read.long)

    return note
