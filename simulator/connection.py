"""Scripts of connections that fail: silence, resets, early ends, redirects."""

from collections.abc import Iterator

from simulator import framing
from simulator.answers import content_chunk
from simulator.healthy import MULTI_BYTE, OK, events, plain_headers, stream_headers, whole
from simulator.steps import Break, Head, Pair, Pause, Script, Step, Whole, Write
from simulator.turn import Turn

TRAP_PATH = "/sim/trap"
LET_ARRIVE_S = 0.05  # a reset overtakes bytes that the peer has not read yet: give them time


def breaking(how: Break) -> Script:
    """Breaks off before any byte."""
    return lambda _: (how,)


def break_body(how: Break) -> Pair:
    """Breaks off after the headers."""

    def plain(turn: Turn) -> Iterator[Step]:
        yield Head(plain_headers(turn))
        yield Pause(LET_ARRIVE_S)
        yield how

    def stream(turn: Turn) -> Iterator[Step]:
        yield Head(stream_headers(turn))
        yield Pause(LET_ARRIVE_S)
        yield how

    return Pair(plain, stream=stream)


def half_then(*last: Step) -> Script:
    """Half of the JSON, then these steps."""

    def script(turn: Turn) -> Iterator[Step]:
        body = whole(turn, OK).body
        yield Head(plain_headers(turn))
        yield Write(body[: len(body) // 2])
        yield Pause(LET_ARRIVE_S)
        yield from last

    return script


def truncated_plain(turn: Turn) -> Iterator[Step]:
    """Declares more bytes than it sends."""
    body = whole(turn, OK).body
    yield Head(plain_headers(turn), length_bytes=len(body))
    yield Write(body[: len(body) // 2])
    yield Break.CLOSE


def truncated_stream(turn: Turn) -> Iterator[Step]:
    """Closes in the middle of the first event."""
    framed = framing.event(content_chunk(turn, OK.pieces[0]))
    yield Head(stream_headers(turn))
    yield Write(framed[: len(framed) // 2])
    yield Break.CLOSE


def redirect(turn: Turn) -> Iterator[Step]:
    """Points to the trap under the other name of this host."""
    host, _, port = turn.host.rpartition(":")
    other = "127.0.0.1" if host == "localhost" else "localhost"
    yield Whole(302, b"", {"Location": f"http://{other}:{port}{TRAP_PATH}", "Content-Type": "text/html"})


def byte_by_byte_plain(turn: Turn) -> Iterator[Step]:
    """The JSON, one byte at a time."""
    answer = whole(turn, OK)
    yield Head(answer.headers)
    for byte in answer.body:
        yield Write(bytes((byte,)), tally=answer.tally)


def byte_by_byte_stream(turn: Turn) -> Iterator[Step]:
    """The stream, one byte at a time; its text is not ASCII."""
    yield Head(stream_headers(turn))
    for write in events(turn, MULTI_BYTE):
        for byte in write.data[:-1]:
            yield Write(bytes((byte,)))
            yield Pause(0)
        yield Write(write.data[-1:], write.events, write.tally)
