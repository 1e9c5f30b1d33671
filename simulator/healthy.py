"""Scripts of models that answer: fast, slow or long, with tools, images or reasoning."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from simulator import framing
from simulator.answers import JSON_TYPE, Answer, ToolCall
from simulator.steps import Complete, Headers, Pair, Pause, Step, Write
from simulator.tool_choice import arguments_of, tool_for
from simulator.turn import Turn

BLANK = b"         \n\n"  # OpenRouter's keep-alive of a slow plain response
BEAT_S = 0.2
OK = Answer(("Canberra", " is the", " capital", " of", " Australia."))
NO_WORD = Answer(("",))
LARGE_EVENT_CHARACTERS = 1_000_000
_PIECE_CHARACTERS = 4096
_PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    "AAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

Answers = Callable[[Turn], Answer]


def plain_headers(turn: Turn) -> dict[str, str]:
    """Return the headers of a plain answer."""
    return {"Content-Type": turn.dialect.media_type(turn), "X-Generation-Id": turn.id}


def json_headers(turn: Turn) -> dict[str, str]:
    """Return the headers of JSON, whatever the endpoint answers otherwise."""
    return {"Content-Type": JSON_TYPE, "X-Generation-Id": turn.id}


def stream_headers(turn: Turn) -> dict[str, str]:
    """Return the headers of a stream."""
    return {
        "Content-Type": "text/event-stream",
        "Cache-Control": "no-cache",
        "X-Generation-Id": turn.id,
    }


def complete(turn: Turn, answer: Answer) -> Complete:
    """Return a plain answer as one step."""
    dialect = turn.dialect
    return Complete(200, dialect.payload(turn, answer), plain_headers(turn), dialect.tally(turn, answer))


def events(turn: Turn, answer: Answer) -> Iterator[Write]:
    """Yield the events of a complete stream."""
    yield from said(turn, answer)
    yield from ending(turn, answer)


def said(turn: Turn, answer: Answer) -> Iterator[Write]:
    """Yield the events of a stream without its ending."""
    yield from opening(turn, answer)
    yield from progress(turn, answer)


def opening(turn: Turn, answer: Answer) -> Iterator[Write]:
    """Yield the events that come before anything is said (none in chat)."""
    return map(framing.write, turn.dialect.opening(turn, answer))


def progress(turn: Turn, answer: Answer) -> Iterator[Write]:
    """Yield the events that contain the answer's pieces."""
    return map(framing.write, turn.dialect.progress(turn, answer))


def ending(turn: Turn, answer: Answer) -> Iterator[Write]:
    """Yield the finish reason, the usage and the last event."""
    return map(framing.write, turn.dialect.closing(turn, answer))


def answering(answers: Answers | Answer) -> Pair:
    """Return the plain and the stream script of this answer."""
    answer_to = answers if callable(answers) else lambda _: answers

    def plain(turn: Turn) -> Iterable[Step]:
        return (complete(turn, answer_to(turn)),)

    def stream(turn: Turn) -> Iterator[Step]:
        yield Headers(stream_headers(turn))
        yield from events(turn, answer_to(turn))

    return Pair(plain, stream=stream)


OK_PAIR = answering(OK)


def keep_alive(line: bytes, duration_s: float, events: int = 0) -> Iterator[Step]:
    """Yield the line at once, and then every 200 ms until the duration is over."""
    while duration_s > 0:
        yield Write(line, events)
        yield Pause(min(BEAT_S, duration_s))
        duration_s -= BEAT_S


def bytes_answer(turn: Turn) -> Answer:
    """Return a text that makes the plain JSON about n bytes long."""
    length = max(0, turn.number - len(turn.dialect.payload(turn, NO_WORD)))
    text = "x" * length
    return Answer(tuple(text[at : at + _PIECE_CHARACTERS] for at in range(0, length, _PIECE_CHARACTERS)))


def tool_answer(turn: Turn) -> Answer:
    """Return a tool call; return text once the last message is a tool's result."""
    tool = tool_for(turn.dialect.asked(turn.body))
    if tool is None:
        return Answer(("It is", " raining", " in Oslo."))
    call = ToolCall(call_id(turn), tool.name, arguments_of(tool), custom=tool.custom)
    return Answer(tool=call, finish_reason="tool_calls")


def judged(verdict: str | None) -> Pair:
    """Return the scripts of `tools` with another outcome of the check of its tool calls."""
    return answering(lambda turn: replace(tool_answer(turn), verdict=verdict))


def half_tool_answer(turn: Turn) -> Answer:
    """Return a tool call whose arguments are half a JSON document, as if the tokens were used up."""
    answer = tool_answer(turn)
    if answer.tool is None:
        return answer
    half = replace(answer.tool, arguments=answer.tool.arguments[:-1])
    return replace(answer, tool=half, finish_reason="length")


def call_id(turn: Turn) -> str:
    """Return the id of the answer's tool call."""
    return f"call_{turn.id[-8:]}"


def echo_answer(turn: Turn) -> Answer:
    """Return the request's body, unchanged, as text."""
    text = turn.raw.decode(errors="replace")
    return Answer(tuple(text[at : at + _PIECE_CHARACTERS] for at in range(0, len(text), _PIECE_CHARACTERS)))


REASONING = Answer(
    ("Canberra", " it is."), reasoning=("Sydney is larger,", " but the capital", " is Canberra.")
)
IMAGE = Answer(("Here you are.",), image_url=_PIXEL)
JSON = Answer((json.dumps({"city": "Canberra"})[:9], json.dumps({"city": "Canberra"})[9:]))
REFUSAL = Answer(refusal="I cannot help with that.")
CACHED = Answer(OK.pieces, cached=True)
LENGTH = Answer(reasoning=("Let me think", " step by step.", " First"), finish_reason="length")
LARGE = Answer(("x" * LARGE_EVENT_CHARACTERS,))
MULTI_BYTE = Answer(("Ærlig ", "talt: ", "日本語", " og 🦊", "."))
