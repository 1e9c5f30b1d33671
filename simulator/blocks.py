"""Scripts of streams that break inside or after their first block (in chat: their text)."""

from collections.abc import Iterable, Iterator

from simulator import framing
from simulator.connection import LET_ARRIVE_S, half_then
from simulator.errors import OVERLOADED
from simulator.healthy import NO_WORD, Answers, said, stream_headers
from simulator.hidden import FIRST_ERROR, cut_json_plain
from simulator.steps import Break, Headers, Pair, Pause, Script, Step
from simulator.turn import Turn

RESET = (Pause(LET_ARRIVE_S), Break.RESET)
_PLAIN_CUT, _PLAIN_RESET = cut_json_plain, half_then(Break.RESET)


def cut(stream: Script) -> Pair:
    """Return a pair whose stream ends cleanly; plain: half of the JSON."""
    return Pair(_PLAIN_CUT, stream=stream)


def reset(stream: Script) -> Pair:
    """Return a pair whose stream ends in a TCP reset; plain: half of the JSON, and a reset."""
    return Pair(_PLAIN_RESET, stream=_then(stream, *RESET))


def stalled(stream: Script) -> Pair:
    """Return a pair whose stream ends in silence; plain: half of the JSON, and silence."""
    return Pair(half_then(Break.HANG), stream=_then(stream, Break.HANG))


def failing(stream: Script) -> Pair:
    """Return a pair whose stream ends in the documented error event; plain: 200 with an error."""

    def script(turn: Turn) -> Iterator[Step]:
        yield from stream(turn)
        yield framing.write(turn.dialect.mid_stream_error(turn, OVERLOADED))

    return Pair(FIRST_ERROR.plain, stream=script)


def before_block(turn: Turn) -> Iterable[Step]:
    """Begin a stream: a role in chat, `message_start` in Messages."""
    return Headers(stream_headers(turn)), next(said(turn, NO_WORD))


def in_block(answers: Answers) -> Script:
    """Return a script that stops after the first piece of the first block."""

    def script(turn: Turn) -> Iterator[Step]:
        answer, dialect = answers(turn), turn.dialect
        yield Headers(stream_headers(turn))
        yield from map(framing.write, dialect.opening(turn, answer))
        yield framing.write(next(dialect.progress(turn, answer)))

    return script


def after_block(answers: Answers) -> Script:
    """Return a script that stops after the first block."""
    return lambda turn: (
        Headers(stream_headers(turn)),
        *map(framing.write, turn.dialect.first_block(turn, answers(turn))),
    )


def before_last_piece(answers: Answers) -> Script:
    """Return a script that stops before the last piece: a tool call's arguments are incomplete."""
    return lambda turn: (Headers(stream_headers(turn)), *list(said(turn, answers(turn)))[:-1])


def _then(script: Script, *last: Step) -> Script:
    return lambda turn: (*script(turn), *last)
