"""Scripts of failures behind HTTP 200: replies without a valid answer."""

from collections.abc import Callable, Iterable, Iterator

from simulator import framing
from simulator.answers import Answer, Json, bare_chunk, choice_of, chunk, completion, dumps, usage_object
from simulator.healthy import (
    BLANK,
    OK,
    answering,
    complete,
    keep_alive,
    plain_headers,
    progress,
    stream_headers,
)
from simulator.steps import Complete, Headers, Pair, Script, Step, Tally, Write
from simulator.turn import Turn

FOR_EVER_S = 120  # the time limit of endless behaviours
_PAGE = (
    b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>"
)
_NOTHING = Tally(0, 0, 0, 0)

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
    return lambda turn: (Complete(200, data, plain_headers(turn)),)


def in_stream(*writes: Write) -> Script:
    """Return a script that sends a stream of exactly these bytes, and ends it cleanly."""
    return lambda turn: (Headers(stream_headers(turn)), *writes)


def cut_json_plain(turn: Turn) -> Iterator[Step]:
    """Send a complete response whose JSON stops half-way."""
    body = complete(turn, OK).body
    yield Complete(200, body[: len(body) // 2], plain_headers(turn))


def cut_json_stream(turn: Turn) -> Iterator[Step]:
    """Send a complete stream whose only event has half a JSON document."""
    payload = dumps(chunk(turn, {"content": "Canberra", "role": "assistant"}))
    yield Headers(stream_headers(turn))
    yield Write(b"data: " + payload[: len(payload) // 2] + b"\n\n", 1)


def blank_for_ever(headers: Callable[[Turn], dict[str, str]]) -> Script:
    """Return a script that sends blank lines until the time limit."""

    def script(turn: Turn) -> Iterator[Step]:
        yield Headers(headers(turn))
        yield from keep_alive(BLANK, FOR_EVER_S)

    return script


def choices_empty() -> Pair:
    """Return scripts that send a body, or one chunk, without choices."""

    def plain(turn: Turn) -> Iterable[Step]:
        payload = completion(turn, [], usage_object(turn, _NOTHING))
        return (Complete(200, dumps(payload), plain_headers(turn)),)

    def stream(turn: Turn) -> Iterable[Step]:
        payload = framing.event(bare_chunk(turn, [], usage=usage_object(turn, _NOTHING)))
        return (Headers(stream_headers(turn)), Write(payload, 1), Write(framing.DONE, 1))

    return Pair(plain, stream=stream)


def choice_error(answer: Answer) -> Pair:
    """Return scripts that send the answer's text, and then the error in the choice."""

    def plain(turn: Turn) -> Iterable[Step]:
        choice = {**choice_of(answer), "finish_reason": "error", "error": interrupted()}
        payload = completion(turn, [choice], usage_object(turn, _NOTHING))
        return (Complete(200, dumps(payload), plain_headers(turn)),)

    def stream(turn: Turn) -> Iterator[Step]:
        yield Headers(stream_headers(turn))
        yield from progress(turn, answer)
        payload = chunk(turn, {"content": "", "role": "assistant"}, "error")
        payload["choices"][0]["error"] = interrupted()
        yield Write(framing.event(payload), 1)
        yield Write(framing.DONE, 1)

    return Pair(plain, stream=stream)


def error_only(payload: Json) -> Pair:
    """Return scripts that send HTTP 200 with only an error: as the body, or as the only event."""
    return Pair(body(dumps(payload)), stream=in_stream(Write(framing.event(payload), 1)))


def error_body(error_of: Callable[[Turn], Json]) -> Script:
    """Return a script that sends HTTP 200 with only this error as the body."""
    return lambda turn: (Complete(200, dumps(error_of(turn)), plain_headers(turn)),)


def error_event(error_of: Callable[[Turn], Json]) -> Script:
    """Return a script that sends HTTP 200 with only this error as an event."""
    return lambda turn: (Headers(stream_headers(turn)), Write(framing.event(error_of(turn)), 1))


def interrupted() -> Json:
    """Return the error object of a provider that disconnected mid-stream."""
    return {
        "code": 502,
        "message": "Provider disconnected mid-stream",
        "metadata": {"error_type": "provider_unavailable"},
    }


def empty_stream(turn: Turn) -> Iterator[Step]:
    """Send a role chunk, and then the end, without any text."""
    yield Headers(stream_headers(turn))
    yield Write(framing.event(chunk(turn, {"content": "", "role": "assistant"})), 1)
    yield from list(answering(EMPTY).stream(turn))[1:]
