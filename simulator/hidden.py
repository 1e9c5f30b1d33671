"""Scripts of failures behind HTTP 200: replies without a valid answer."""

from collections.abc import Callable, Iterable, Iterator

from simulator import framing
from simulator.answers import Answer, Json, dumps
from simulator.errors import FIRST, INTERRUPTED
from simulator.fault import Fault
from simulator.healthy import (
    BLANK,
    OK,
    complete,
    json_headers,
    keep_alive,
    plain_headers,
    said,
    stream_headers,
)
from simulator.steps import Complete, Headers, Pair, Script, Step
from simulator.turn import Turn

FOR_EVER_S = 120  # the time limit of endless behaviours
_PAGE = (
    b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>"
)

EMPTY = Answer()
REASONING_ONLY = Answer(reasoning=("The capital", " must be", " Canberra."))
FILTERED = Answer(finish_reason="content_filter")
FILTERED_LATER = Answer(("Canberra", " is the"), finish_reason="content_filter")
INVALID_JSON = Answer(('{"city": ', '"Canberra",'))
PARTIAL = Answer(("The three main", " causes were"), finish_reason="error")


def html(status: int) -> Script:
    """Return a script that sends an HTML page with this status."""
    return lambda _: (Complete(status, _PAGE, {"Content-Type": "text/html; charset=utf-8"}),)


def body(data: bytes) -> Script:
    """Return a script that sends 200 `application/json` with exactly these bytes."""
    return lambda turn: (Complete(200, data, json_headers(turn)),)


def no_body(turn: Turn) -> Iterable[Step]:
    """Send the headers of an answer, and no bytes."""
    return (Complete(200, b"", plain_headers(turn)),)


def empty_stream(turn: Turn) -> Iterable[Step]:
    """Send the headers of a stream and no bytes, and end it cleanly."""
    return (Headers(stream_headers(turn)),)


def done_only(turn: Turn) -> Iterable[Step]:
    """Send the last event of a stream, and nothing else."""
    return Headers(stream_headers(turn)), framing.write(turn.dialect.closing(turn, EMPTY)[-1])


def cut_json_plain(turn: Turn) -> Iterator[Step]:
    """Send a complete response whose JSON stops half-way."""
    body = complete(turn, OK).body
    yield Complete(200, body[: len(body) // 2], plain_headers(turn))


def cut_json_stream(turn: Turn) -> Iterator[Step]:
    """Send a complete stream whose only event has half a JSON document."""
    first = next(iter((*turn.dialect.opening(turn, OK), *turn.dialect.progress(turn, OK))))
    yield Headers(stream_headers(turn))
    yield framing.write(framing.half_of(first))


def blank_for_ever(headers: Callable[[Turn], dict[str, str]]) -> Script:
    """Return a script that sends blank lines until the time limit."""

    def script(turn: Turn) -> Iterator[Step]:
        yield Headers(headers(turn))
        yield from keep_alive(BLANK, FOR_EVER_S)

    return script


def hollow() -> Pair:
    """Return scripts that send a body, or a stream, without content and finish reason."""

    def plain(turn: Turn) -> Iterable[Step]:
        return (Complete(200, dumps(turn.dialect.hollow_body(turn)), plain_headers(turn)),)

    def stream(turn: Turn) -> Iterator[Step]:
        yield Headers(stream_headers(turn))
        yield from map(framing.write, turn.dialect.hollow_events(turn))

    return Pair(plain, stream=stream)


def choice_error(answer: Answer) -> Pair:
    """Return scripts that send the answer's text, and then the error in the choice."""

    def plain(turn: Turn) -> Iterable[Step]:
        payload = turn.dialect.broken_body(turn, answer, INTERRUPTED)
        return (Complete(200, dumps(payload), plain_headers(turn)),)

    def stream(turn: Turn) -> Iterator[Step]:
        yield Headers(stream_headers(turn))
        yield from said(turn, answer)
        yield from map(framing.write, turn.dialect.breaking_events(turn, INTERRUPTED))

    return Pair(plain, stream=stream)


def error_only(body_of: Callable[[Turn], Json]) -> Pair:
    """Return scripts that send HTTP 200 with only an error: as the body, or as the only event."""

    def plain(turn: Turn) -> Iterable[Step]:
        return (Complete(200, dumps(body_of(turn)), json_headers(turn)),)

    def stream(turn: Turn) -> Iterator[Step]:
        yield Headers(stream_headers(turn))
        yield framing.write(turn.dialect.error_event(turn, body_of(turn)))

    return Pair(plain, stream=stream)


def fault_only(fault_of: Callable[[Turn], Fault]) -> Pair:
    """Return scripts that send HTTP 200 with only this fault."""
    return error_only(lambda turn: turn.dialect.error(turn.id, fault_of(turn)))


def bare(error: object) -> Callable[[Turn], Json]:
    """Return a function that puts this value in the place of an error."""
    return lambda turn: turn.dialect.bare_error(error)


FIRST_ERROR = fault_only(lambda _: FIRST)
