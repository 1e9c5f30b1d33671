"""Scripts of embeddings, rankings and images with wrong rows."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator

from simulator.answers import Json, dumps
from simulator.dialects.vectors import Form, Vector, formed, unformed
from simulator.healthy import OK, OK_PAIR, plain_headers
from simulator.steps import Complete, Pair, Step
from simulator.turn import Turn

Rows = list[Json]
Alter = Callable[[Turn, Rows], Rows]


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


def _with_vector(row: Json, alter: Callable[[Vector], Vector]) -> Json:
    form: Form = row["embedding"]
    return {**row, "embedding": formed(alter(unformed(form)), as_base64=isinstance(form, str))}
