"""Scripts that only images have: a refused prompt, and unusual streams."""

from collections.abc import Iterator
from dataclasses import replace

from simulator import framing
from simulator.dialects.images import IMAGES
from simulator.errors import FIRST, refused
from simulator.fault import PROVIDER_ERROR, Fault, provider_metadata
from simulator.framing import Event
from simulator.healthy import OK, OK_PAIR, said, stream_headers
from simulator.steps import Headers, Pair, Step
from simulator.turn import Turn

# Source: OpenAI's words for a prompt that its safety system refuses.
_UNSAFE = "Your request was rejected by the safety system. safety_violations=[violence]."


def unsafe(turn: Turn) -> Iterator[Step]:
    """Refuse the prompt as a provider's safety system does."""
    metadata = provider_metadata(
        f'{{"error":{{"message":"{_UNSAFE}","code":"moderation_blocked"}}}}',
        error_type="content_policy_violation",
    )
    yield refused(turn.dialect, turn.id, Fault(400, PROVIDER_ERROR, metadata, _UNSAFE))


def _named(turn: Turn) -> Iterator[Step]:
    yield Headers(stream_headers(turn))
    for event in (*turn.dialect.progress(turn, OK), *turn.dialect.closing(turn, OK)):
        name = event.data["type"] if isinstance(event.data, dict) else None
        yield framing.write(replace(event, name=name))


def _never_completed(turn: Turn) -> Iterator[Step]:
    yield Headers(stream_headers(turn))
    yield from said(turn, OK)
    yield framing.write(framing.DONE)


def _text_chunks(turn: Turn) -> Iterator[Step]:
    yield Headers(stream_headers(turn))
    for text in ('<svg xmlns="http://www.w3.org/2000/svg">', "<rect/>", "</svg>"):
        yield framing.write(Event({"type": "image_generation.text_chunk", "phase": "content", "text": text}))
    yield from map(framing.write, IMAGES.closing(turn, OK))


def _failing_with_a_word(turn: Turn) -> Iterator[Step]:
    yield Headers(stream_headers(turn))
    yield from said(turn, OK)
    error = {"message": "Generation failed", "code": "server_error"}
    yield framing.write(turn.dialect.error_event(turn, {"error": error}))


NAMED = Pair(OK_PAIR.plain, stream=_named)
NEVER_COMPLETED = Pair(OK_PAIR.plain, stream=_never_completed)
TEXT_CHUNKS = Pair(OK_PAIR.plain, stream=_text_chunks)
FAILING_WITH_A_WORD = Pair(lambda turn: (refused(turn.dialect, turn.id, FIRST),), stream=_failing_with_a_word)
