"""Scripts of faults that only embeddings, rerank, images, speech and transcriptions have."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace

from simulator import framing
from simulator.answers import Json, dumps
from simulator.connection import LET_ARRIVE_S
from simulator.dialects.images import IMAGES
from simulator.dialects.vectors import Form, Vector, formed, unformed
from simulator.errors import FIRST, refused
from simulator.fault import PROVIDER_ERROR, Fault, provider_metadata
from simulator.framing import Event
from simulator.healthy import OK, OK_PAIR, complete, events, plain_headers, said, stream_headers
from simulator.steps import Break, Complete, Headers, Pair, Pause, Script, Step, Write
from simulator.turn import Turn

Rows = list[Json]
Alter = Callable[[Turn, Rows], Rows]
# Source: OpenAI's words for a prompt that its safety system refuses.
_UNSAFE = "Your request was rejected by the safety system. safety_violations=[violence]."


def altered(field: str, alter: Alter) -> Pair:
    """Return scripts of the usual answer with other rows in this field."""

    def plain(turn: Turn) -> Iterator[Step]:
        body = turn.dialect.body(turn, OK)
        tally = turn.dialect.tally(turn, OK)
        yield Complete(200, dumps({**body, field: alter(turn, body[field])}), plain_headers(turn), tally)

    return Pair(plain, stream=OK_PAIR.stream)


def first_vector(alter: Callable[[Vector], Vector]) -> Pair:
    """Return scripts of the usual embeddings with another first vector."""
    return altered("data", lambda _, rows: [_with_vector(rows[0], alter), *rows[1:]])


def each_vector(alter: Callable[[Vector], Vector]) -> Pair:
    """Return scripts of the usual embeddings with other vectors."""
    return altered("data", lambda _, rows: [_with_vector(row, alter) for row in rows])


def last_vector(alter: Callable[[Vector], Vector]) -> Pair:
    """Return scripts of the usual embeddings with another last vector."""
    return altered("data", lambda _, rows: [*rows[:-1], _with_vector(rows[-1], alter)])


def in_other_form(turn: Turn, rows: Rows) -> Rows:
    """Give the vectors in the form that the request did not ask for."""
    as_base64 = turn.body.get("encoding_format") != "base64"
    return [{**row, "embedding": formed(unformed(row["embedding"]), as_base64=as_base64)} for row in rows]


def with_cut_base64(_: Turn, rows: Rows) -> Rows:
    """Take the last byte from the first vector in base64; from a list, its last number."""
    form: Form = rows[0]["embedding"]
    cut = b64encode(b64decode(form)[:-1]).decode() if isinstance(form, str) else form[:-1]
    return [{**rows[0], "embedding": cut}, *rows[1:]]


def with_garbled_base64(_: Turn, rows: Rows) -> Rows:
    """Put a text that is no base64 in the place of the first vector."""
    return [{**rows[0], "embedding": "not base64"}, *rows[1:]]


def without(name: str) -> Alter:
    """Return a function that takes this field out of each row."""
    return lambda _, rows: [{key: value for key, value in row.items() if key != name} for row in rows]


def with_index(index: int) -> Alter:
    """Return a function that gives each row the same index."""
    return lambda _, rows: [{**row, "index": index} for row in rows]


def one_too_many(_: Turn, rows: Rows) -> Rows:
    """Add a row: its index is the next one."""
    return [*rows, {**rows[-1], "index": len(rows)}]


def beyond(turn: Turn, rows: Rows) -> Rows:
    """Give each result the index after the last document."""
    return with_index(len(turn.body["documents"]))(turn, rows)


def more_than_given(turn: Turn, rows: Rows) -> Rows:
    """Repeat the rows until there is one more than documents."""
    return [rows[number % len(rows)] for number in range(len(turn.body["documents"]) + 1)]


def unsafe(turn: Turn) -> Iterator[Step]:
    """Refuse the prompt as a provider's safety system does."""
    metadata = provider_metadata(
        f'{{"error":{{"message":"{_UNSAFE}","code":"moderation_blocked"}}}}',
        error_type="content_policy_violation",
    )
    yield refused(turn.dialect, turn.id, Fault(400, PROVIDER_ERROR, metadata, _UNSAFE))


def _named(turn: Turn) -> Iterator[Step]:
    yield Headers(stream_headers(turn))
    for event in (*turn.dialect.progress(turn, OK), *turn.dialect.closing(turn, OK)):
        name = event.data["type"] if isinstance(event.data, dict) else None
        yield framing.write(replace(event, name=name))


def _never_completed(turn: Turn) -> Iterator[Step]:
    yield Headers(stream_headers(turn))
    yield from said(turn, OK)
    yield framing.write(framing.DONE)


def _text_chunks(turn: Turn) -> Iterator[Step]:
    yield Headers(stream_headers(turn))
    for text in ('<svg xmlns="http://www.w3.org/2000/svg">', "<rect/>", "</svg>"):
        yield framing.write(Event({"type": "image_generation.text_chunk", "phase": "content", "text": text}))
    yield from map(framing.write, IMAGES.closing(turn, OK))


def _failing_with_a_word(turn: Turn) -> Iterator[Step]:
    yield Headers(stream_headers(turn))
    yield from said(turn, OK)
    error = {"message": "Generation failed", "code": "server_error"}
    yield framing.write(turn.dialect.error_event(turn, {"error": error}))


NAMED = Pair(OK_PAIR.plain, stream=_named)
NEVER_COMPLETED = Pair(OK_PAIR.plain, stream=_never_completed)
TEXT_CHUNKS = Pair(OK_PAIR.plain, stream=_text_chunks)
FAILING_WITH_A_WORD = Pair(lambda turn: (refused(turn.dialect, turn.id, FIRST),), stream=_failing_with_a_word)


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


def _with_vector(row: Json, alter: Callable[[Vector], Vector]) -> Json:
    form: Form = row["embedding"]
    return {**row, "embedding": formed(alter(unformed(form)), as_base64=isinstance(form, str))}
