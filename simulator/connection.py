"""Scripts of failing connections: silence, resets, early ends, redirects."""

from collections.abc import Iterator

from simulator.healthy import MULTI_BYTE, OK, complete, events, plain_headers, said, stream_headers
from simulator.steps import Break, Complete, Headers, Pair, Pause, Script, Step, Write
from simulator.turn import Turn

TRAP_PATH = "/sim/trap"
LET_ARRIVE_S = 0.05  # a reset discards bytes that the peer has not read yet: wait until they have arrived


def breaking(how: Break) -> Script:
    """Return a script that ends the connection before any byte."""
    return lambda _: (how,)


def break_body(how: Break) -> Pair:
    """Return scripts that end the connection after the headers."""

    def plain(turn: Turn) -> Iterator[Step]:
        yield Headers(plain_headers(turn))
        yield Pause(LET_ARRIVE_S)
        yield how

    def stream(turn: Turn) -> Iterator[Step]:
        yield Headers(stream_headers(turn))
        yield Pause(LET_ARRIVE_S)
        yield how

    return Pair(plain, stream=stream)


def half_then(*last: Step) -> Script:
    """Return a script that sends half of the JSON, and then plays these steps."""

    def script(turn: Turn) -> Iterator[Step]:
        body = complete(turn, OK).body
        yield Headers(plain_headers(turn))
        yield Write(body[: len(body) // 2])
        yield Pause(LET_ARRIVE_S)
        yield from last

    return script


def truncated_plain(turn: Turn) -> Iterator[Step]:
    """Send fewer bytes than Content-Length declares."""
    body = complete(turn, OK).body
    yield Headers(plain_headers(turn), length_bytes=len(body))
    yield Write(body[: len(body) // 2])
    yield Break.CLOSE


def truncated_stream(turn: Turn) -> Iterator[Step]:
    """Close the connection in the middle of the first event."""
    framed = next(said(turn, OK)).data
    yield Headers(stream_headers(turn))
    yield Write(framed[: len(framed) // 2])
    yield Break.CLOSE


def redirect(turn: Turn) -> Iterator[Step]:
    """Redirect to the trap at this host's other name."""
    host, _, port = turn.host.rpartition(":")
    other = "127.0.0.1" if host == "localhost" else "localhost"
    yield Complete(302, b"", {"Location": f"http://{other}:{port}{TRAP_PATH}", "Content-Type": "text/html"})


def byte_by_byte_plain(turn: Turn) -> Iterator[Step]:
    """Send the JSON one byte at a time."""
    answer = complete(turn, OK)
    yield Headers(answer.headers)
    for byte in answer.body:
        yield Write(bytes((byte,)), tally=answer.tally)


def byte_by_byte_stream(turn: Turn) -> Iterator[Step]:
    """Send the stream one byte at a time; its text is not ASCII."""
    yield Headers(stream_headers(turn))
    for write in events(turn, MULTI_BYTE):
        for byte in write.data[:-1]:
            yield Write(bytes((byte,)))
            yield Pause(0)
        yield Write(write.data[-1:], write.events, write.tally)
