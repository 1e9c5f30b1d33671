"""Scripts that cut an answer after some bytes, or give it another type."""

from collections.abc import Iterator
from dataclasses import replace

from simulator.connection import LET_ARRIVE_S
from simulator.healthy import OK, complete, events, plain_headers, stream_headers
from simulator.steps import Break, Headers, Pair, Pause, Script, Step, Write
from simulator.turn import Turn


def after_bytes(how: Break) -> Pair:
    """Return scripts that send n bytes of the usual answer, and then end the connection or fall silent."""

    def plain(turn: Turn) -> Iterator[Step]:
        yield Headers(plain_headers(turn))
        yield from _first_bytes(turn, complete(turn, OK).body)

    def stream(turn: Turn) -> Iterator[Step]:
        yield Headers(stream_headers(turn))
        yield from _first_bytes(turn, b"".join(write.data for write in events(turn, OK)))

    def _first_bytes(turn: Turn, data: bytes) -> Iterator[Step]:
        if turn.number:
            yield Write(data[: turn.number])
        yield Pause(LET_ARRIVE_S)
        yield how

    return Pair(plain, stream=stream)


def typed(media_type: str) -> Script:
    """Return a script that sends the usual bytes with this content type."""

    def script(turn: Turn) -> Iterator[Step]:
        yield replace(answer := complete(turn, OK), headers={**answer.headers, "Content-Type": media_type})

    return script
