"""Scripts of models that answer slowly, in pieces, or at length."""

from collections.abc import Iterator
from itertools import cycle, islice

from simulator import framing
from simulator.answers import Answer
from simulator.dialects.choices import Choices
from simulator.dialects.responses import RESPONSES
from simulator.healthy import (
    BLANK,
    NO_WORD,
    OK,
    REASONING,
    complete,
    ending,
    events,
    keep_alive,
    opening,
    progress,
    said,
    stream_headers,
)
from simulator.steps import Headers, Pause, Script, Step, Write
from simulator.turn import Turn

_DRIP_EVENTS = 20
_WORDS = ("every ", "question ", "deserves ", "a ", "patient ", "answer ", "that ", "arrives ")


def usage_empty_choices(turn: Turn) -> Iterator[Step]:
    """Play a stream whose usage chunk has no choices, in dialects with choices."""
    dialect = turn.dialect
    closing = dialect.closing_with_empty_choices if isinstance(dialect, Choices) else dialect.closing
    yield Headers(stream_headers(turn))
    yield from said(turn, OK)
    yield from map(framing.write, closing(turn, OK))


def slow(script: Script) -> Script:
    """Return the script with n ms of silence before it."""

    def delayed(turn: Turn) -> Iterator[Step]:
        yield Pause(turn.number / 1000)
        yield from script(turn)

    return delayed


def comments_stream(turn: Turn) -> Iterator[Step]:
    """Send comments for n ms, then the answer."""
    yield Headers(stream_headers(turn))
    yield from keep_alive(framing.COMMENT, turn.number / 1000)
    yield from events(turn, OK)


def comments_plain(turn: Turn) -> Iterator[Step]:
    """Send blank lines for n ms, then the JSON."""
    answer = complete(turn, OK)
    yield Headers(answer.headers)
    yield from keep_alive(BLANK, turn.number / 1000)
    yield Write(answer.body, tally=answer.tally)


def reasons_stream(turn: Turn) -> Iterator[Step]:
    """Send comments for n ms, as of a model that reasons unseen, then the reasoning and the answer."""
    yield Headers(stream_headers(turn))
    yield from keep_alive(framing.COMMENT, turn.number / 1000)
    yield from events(turn, REASONING)


def reasons_plain(turn: Turn) -> Iterator[Step]:
    """Send blank lines for n ms, then the JSON with the reasoning."""
    answer = complete(turn, REASONING)
    yield Headers(answer.headers)
    yield from keep_alive(BLANK, turn.number / 1000)
    yield Write(answer.body, tally=answer.tally)


def late_stream(turn: Turn) -> Iterator[Step]:
    """Send a role without text, then nothing for n ms, then the answer."""
    yield Headers(stream_headers(turn))
    yield from said(turn, NO_WORD)
    yield Pause(turn.number / 1000)
    yield from progress(turn, OK)
    yield from ending(turn, OK)


def late_plain(turn: Turn) -> Iterator[Step]:
    """Send the headers, then nothing for n ms, then the JSON."""
    answer = complete(turn, OK)
    yield Headers(answer.headers)
    yield Pause(turn.number / 1000)
    yield Write(answer.body, tally=answer.tally)


def drip_stream(turn: Turn) -> Iterator[Step]:
    """Send twenty events of text, each after n ms."""
    answer = Answer(tuple(islice(cycle(_WORDS), _DRIP_EVENTS)))
    yield Headers(stream_headers(turn))
    yield from opening(turn, answer)
    for write in progress(turn, answer):
        yield Pause(turn.number / 1000)
        yield write
    yield from ending(turn, answer)


def drip_plain(turn: Turn) -> Iterator[Step]:
    """Send the JSON in twenty pieces, each after n ms."""
    answer = complete(turn, OK)
    yield Headers(answer.headers)
    size = -(-len(answer.body) // _DRIP_EVENTS)
    for start in range(0, len(answer.body), size):
        yield Pause(turn.number / 1000)
        yield Write(answer.body[start : start + size], tally=answer.tally)


def long_answer(turn: Turn) -> Answer:
    """Return an answer of n words."""
    return Answer(tuple(islice(cycle(_WORDS), turn.number)))


def long_stream(turn: Turn) -> Iterator[Step]:
    """Send n events of one word each. Each word is encoded once, so the socket limits the speed."""
    yield Headers(stream_headers(turn))
    yield from opening(turn, Answer(_WORDS))
    if turn.dialect is RESPONSES:  # its events are numbered, so no two are the same
        yield from progress(turn, long_answer(turn))
    else:
        yield from islice(cycle(list(progress(turn, Answer(_WORDS)))), turn.number)
    yield from ending(turn, long_answer(turn))
