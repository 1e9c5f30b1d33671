"""Scripts of streams that stall, are cut off, end wrongly, or use framing that is legal but rare."""

from collections.abc import Callable, Iterable, Iterator

from simulator import errors, framing
from simulator.answers import Answer, Json, chunk, ending_chunks, progress_chunks, tally_of
from simulator.connection import LET_ARRIVE_S
from simulator.healthy import BEAT_S, OK, ending, keep_alive, progress, stream_headers, tool_answer
from simulator.hidden import FOR_EVER_S
from simulator.steps import Break, Headers, Pause, Script, Step, Write
from simulator.turn import Turn

_THREE = Answer(OK.pieces[:3])
_EMPTY_DELTA = {"content": "", "role": "assistant"}


def comments(duration_s: float) -> Script:
    """Return a script that sends comments only."""
    return lambda turn: (Headers(stream_headers(turn)), *keep_alive(framing.COMMENT, duration_s))


def after_role(*last: Step) -> Script:
    """Return a script that sends a chunk with a role and no text, and then plays these steps."""
    return lambda turn: (
        Headers(stream_headers(turn)),
        Write(framing.event(chunk(turn, _EMPTY_DELTA)), 1),
        *last,
    )


def after_three(*last: Step) -> Script:
    """Return a script that sends three events of text, and then plays these steps."""
    return lambda turn: (Headers(stream_headers(turn)), *progress(turn, _THREE), *last)


RESET_AFTER_THREE = after_three(Pause(LET_ARRIVE_S), Break.RESET)


def stall_comments(turn: Turn) -> Iterator[Step]:
    """Send three events of text, then comments until the time limit."""
    yield from after_three()(turn)
    yield from keep_alive(framing.COMMENT, FOR_EVER_S)


def stall_empty(turn: Turn) -> Iterator[Step]:
    """Send three events of text, then empty deltas until the time limit."""
    yield from after_three()(turn)
    nothing = Write(framing.event(chunk(turn, _EMPTY_DELTA)), 1)
    for _ in range(int(FOR_EVER_S / BEAT_S)):
        yield nothing
        yield Pause(BEAT_S)


def no_done(turn: Turn) -> Iterator[Step]:
    """Send a complete stream without `[DONE]`."""
    yield Headers(stream_headers(turn))
    yield from progress(turn, OK)
    yield from list(ending(turn, OK))[:-1]


def garbage_event(turn: Turn) -> Iterator[Step]:
    """Send a line that is not JSON after the second event; the other events are valid."""
    said = list(progress(turn, OK))
    yield Headers(stream_headers(turn))
    yield from said[:2]
    yield Write(b"data: {not json}\n\n", 1)
    yield from said[2:]
    yield from ending(turn, OK)


def cut_event(turn: Turn) -> Iterator[Step]:
    """Send half of an event's JSON after the second event; the other events are valid."""
    said = list(progress(turn, OK))
    half = said[2].data[: len(said[2].data) // 2]
    yield Headers(stream_headers(turn))
    yield from said[:2]
    yield Write(half + b"\n\n", 1)
    yield from said[2:]
    yield from ending(turn, OK)


def cut_tool_call(turn: Turn) -> Iterator[Step]:
    """Send a tool call whose arguments stop half-way, and then the end without a finish reason."""
    yield Headers(stream_headers(turn))
    yield from list(progress(turn, tool_answer(turn)))[:-1]


def error_mid(error_of: Callable[[Turn], Json]) -> Script:
    """Return a script that sends three events of text, an error event, and then the end without `[DONE]`."""
    return lambda turn: (
        *after_three()(turn),
        Write(framing.event(error_of(turn)), 1),
    )


def documented_error(turn: Turn) -> Json:
    """Return an error in the documented mid-stream form."""
    metadata = {"error_type": "provider_overloaded", "provider_code": "overloaded_error"}
    error = {"code": 503, "message": "Overloaded", "metadata": metadata}
    return chunk(turn, {"content": ""}, "error", error=error)


def rate_limit(turn: Turn) -> Json:
    """Return a provider's 429 in the documented mid-stream form."""
    return chunk(turn, {"content": ""}, "error", **errors.rate_limit_error(turn))


def framed(frame: Callable[[Json], bytes], *, done: bytes = framing.DONE, first: bytes = b"") -> Script:
    """Return a script that sends the usual answer in this framing."""

    def script(turn: Turn) -> Iterable[Step]:
        payloads = [*progress_chunks(turn, OK), *ending_chunks(turn, OK)]
        yield Headers(stream_headers(turn))
        for number, payload in enumerate(payloads):
            yield Write((first if number == 0 else b"") + frame(payload), 1)
        yield Write(done, 1, tally_of(turn, OK))

    return script
