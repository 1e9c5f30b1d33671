"""Notes the signatures in the events of a committed chat stream."""

from collections.abc import Callable

from gateway.dialects.answer_stream import StreamContext
from gateway.dialects.chat.signed_reasoning import SIGNED, signed_pieces_in
from gateway.dialects.read_event import ReadEvent
from gateway.dialects.stream_signatures import StreamSignatures


def notes_signatures(context: StreamContext) -> Callable[[ReadEvent], None]:
    """Return what notes the signatures of a chat stream."""
    signatures = StreamSignatures(context.note_signature)

    def note(here: ReadEvent) -> None:
        if SIGNED.may_be_in(here.event):
            signatures.add(signed_pieces_in(here.read.payload), here.read.long)

    return note
