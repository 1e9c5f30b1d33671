"""Checks whether a body holds usable vectors, without making an object of each of their numbers."""

from gateway.dialects.answer_json import answer_object, raise_fault
from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.embeddings.expected import ExpectedVectors
from gateway.dialects.embeddings.vector import VectorError, size_of
from gateway.dialects.fill import fill
from gateway.dialects.plain_answer import Completion
from gateway.faults.classify import GetHeader
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, JsonObject, object_or_empty
from gateway.http.number_arrays import without_vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors(Completion):
    """An answer with vectors that passed the checks.

    Attributes:
        dimensions: how many numbers each vector has.
    """

    dimensions: int


def vectors_in(raw: bytes, test: AnswerTest, *, header: GetHeader, now_s: float) -> Vectors:
    """Return the vectors in the body of a plain reply with status 200, if they pass the checks.

    Raises:
        AttemptFailedError: a row is missing, doubled or none; a vector is empty, cut off, not finite, in
            another form, or has another number of dimensions than the others, or than the request says.
    """
    short, long = without_vectors(raw)
    try:
        payload = answer_object(short, header=header, now_s=now_s)
    except AttemptFailedError:
        answer_object(raw, header=header, now_s=now_s)  # what is told of a fault must hold no placeholders
        raise
    expected = test.expected
    assert isinstance(expected, ExpectedVectors)  # every request of this dialect has it
    data = payload.get("data")
    if not isinstance(data, list) or not data:
        raise_fault(Fault(code="empty_answer"), payload)
    rows = [*map(object_or_empty, data)]
    if not _are_places([row.get("index") for row in rows], expected.rows):
        raise_fault(Fault(code="malformed_answer"), payload)
    try:
        sizes = {size_of(row.get("embedding"), long, is_base64=expected.is_base64) for row in rows}
    except VectorError:
        raise_fault(Fault(code="malformed_answer"), payload)
    if len(sizes) > 1:
        raise_fault(Fault(code="malformed_answer"), payload)
    (size,) = sizes
    if expected.dimensions not in (None, size):
        raise_fault(
            Fault(code="wrong_embedding_space" if expected.is_pinned else "malformed_answer"), payload
        )
    return Vectors(payload=payload, raw=raw, long=long, dimensions=size)


def _are_places(indexes: list[Json], rows: int) -> bool:
    """Return whether these are the indexes of all rows, each once; or no row has one."""
    if len(indexes) != rows:
        return False
    if all(index is None for index in indexes):
        return True
    return {index for index in indexes if type(index) is int} == set(range(rows))


def shape_vectors(payload: JsonObject, names: JsonObject) -> bool:
    """Bring the rows into the order of their inputs, and fill what is missing.

    Clients go by the order of the rows, and not by their indexes. Returns whether anything changed.
    """
    data = payload["data"]
    assert isinstance(data, list)  # by `vectors_in`
    rows = [*map(object_or_empty, data)]
    changed = False
    for place, row in enumerate(rows):
        changed |= fill(row, {"object": "embedding", "index": place})
    ordered = sorted(rows, key=_index_of)
    if ordered != rows:
        payload["data"] = [*ordered]
        changed = True
    return fill(payload, {"object": "list", "model": names["model"]}) or changed


def _index_of(row: JsonObject) -> int:
    index = row["index"]
    return index if isinstance(index, int) else 0
