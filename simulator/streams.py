"""Scripts of streams that stall, are cut off, end wrongly, or use framing that is legal but rare."""

from collections.abc import Callable, Iterable, Iterator

from simulator import framing
from simulator.answers import Answer
from simulator.connection import LET_ARRIVE_S
from simulator.fault import Fault
from simulator.framing import Event
from simulator.healthy import (
    BEAT_S,
    NO_WORD,
    OK,
    ending,
    keep_alive,
    opening,
    progress,
    said,
    stream_headers,
    tool_answer,
)
from simulator.hidden import FOR_EVER_S
from simulator.steps import Break, Headers, Pause, Script, Step, Write
from simulator.turn import Turn

_THREE = Answer(OK.pieces[:3])


def comments(duration_s: float) -> Script:
    """Return a script that sends comments only."""
    return lambda turn: (Headers(stream_headers(turn)), *keep_alive(framing.COMMENT, duration_s))


def after_role(*last: Step) -> Script:
    """Return a script that sends a role and no text, and then plays these steps."""
    return lambda turn: (Headers(stream_headers(turn)), *said(turn, NO_WORD), *last)


def after_three(*last: Step) -> Script:
    """Return a script that sends three events of text, and then plays these steps."""
    return lambda turn: (Headers(stream_headers(turn)), *said(turn, _THREE), *last)


RESET_AFTER_THREE = after_three(Pause(LET_ARRIVE_S), Break.RESET)


def stall_comments(turn: Turn) -> Iterator[Step]:
    """Send three events of text, then comments until the time limit."""
    yield from after_three()(turn)
    yield from keep_alive(framing.COMMENT, FOR_EVER_S)


def stall_empty(turn: Turn) -> Iterator[Step]:
    """Send three events of text, then empty deltas until the time limit."""
    yield from after_three()(turn)
    for _ in range(int(FOR_EVER_S / BEAT_S)):
        yield from progress(turn, NO_WORD)
        yield Pause(BEAT_S)


def no_done(turn: Turn) -> Iterator[Step]:
    """Send a complete stream without its last event."""
    yield Headers(stream_headers(turn))
    yield from said(turn, OK)
    yield from list(ending(turn, OK))[:-1]


def garbage_event(turn: Turn) -> Iterator[Step]:
    """Send an event that is not JSON after the second event of text; the other events are valid."""
    yield from _interrupted(turn, lambda after: Event("{not json}", after.name))


def cut_event(turn: Turn) -> Iterator[Step]:
    """Send half of an event's JSON after the second event of text; the other events are valid."""
    yield from _interrupted(turn, framing.half_of)


def _interrupted(turn: Turn, wrong: Callable[[Event], Event]) -> Iterator[Step]:
    yield Headers(stream_headers(turn))
    yield from opening(turn, OK)
    events = list(turn.dialect.progress(turn, OK))
    yield from map(framing.write, [*events[:2], wrong(events[2]), *events[2:]])
    yield from ending(turn, OK)


def cut_tool_call(turn: Turn) -> Iterator[Step]:
    """Send a tool call whose arguments stop half-way, and then the end without a finish reason."""
    yield Headers(stream_headers(turn))
    yield from list(said(turn, tool_answer(turn)))[:-1]


def error_mid(error_of: Callable[[Turn], Event]) -> Script:
    """Return a script that sends three events of text, an error event, and then the end."""
    return lambda turn: (*after_three()(turn), framing.write(error_of(turn)))


def fault_mid(fault_of: Callable[[Turn], Fault]) -> Script:
    """Return a script that sends three events of text, this fault in the documented form, and the end."""
    return error_mid(lambda turn: turn.dialect.mid_stream_error(turn, fault_of(turn)))


def framed(frame: Callable[[Event], bytes], *, first: bytes = b"") -> Script:
    """Return a script that sends the usual answer in this framing."""

    def script(turn: Turn) -> Iterable[Step]:
        dialect = turn.dialect
        events = (*dialect.opening(turn, OK), *dialect.progress(turn, OK), *dialect.closing(turn, OK))
        yield Headers(stream_headers(turn))
        for number, event in enumerate(events):
            yield Write((first if number == 0 else b"") + frame(event), 1, event.tally)

    return script
