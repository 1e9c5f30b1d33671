"""Takes requests for embeddings and their answers apart, and puts them together: a vector for each input."""

from collections.abc import Sequence
from dataclasses import replace

from gateway.dialects.embeddings.answer import Vectors
from gateway.dialects.embeddings.expected import ExpectedVectors
from gateway.dialects.embeddings.vector import VectorError, size_of
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_answer import Completion
from gateway.http.json_bytes import parse_json, to_json_bytes
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty
from gateway.http.long_strings import LongStrings
from gateway.http.number_arrays import without_arrays, without_vectors

# What the usage of an answer says that cost nothing.
NOTHING_USED: JsonObject = {"prompt_tokens": 0, "total_tokens": 0, "cost": 0}
# Vectors stand in for values of this form in the text that they are put into.
_MARK, _CLOSING = '"@long-0-', '@"'


class EmbeddingParts:
    """See ``AnswerParts``."""

    def items_of(self, request: ModelRequest) -> list[bytes]:
        """Return the inputs."""
        start, end = request.fields.places["input"]
        short, long = without_arrays(b"{%b}" % request.fields.text[start:end])
        (value,) = object_or_empty(parse_json(short)).values()
        items = value if isinstance(value, list) else [value]
        return [long.restore(to_json_bytes(each)) for each in items]

    def fields_of_all(self, request: ModelRequest) -> bytes:
        """Return all fields but the input."""
        return request.fields.without(("input",)).text

    def may_differ(self, request: ModelRequest) -> bool:
        """Return whether models of several spaces may answer."""
        return _expected(request).may_change

    def with_items(self, request: ModelRequest, items: Sequence[bytes], size: int | None) -> ModelRequest:
        """Return a request with these inputs."""
        expected = _expected(request)
        fields = request.fields.without(("input",)).plus_text("input", b"[%b]" % b",".join(items))
        dimensions = expected.dimensions if size is None else size
        return replace(
            request, fields=fields, expected=replace(expected, rows=len(items), dimensions=dimensions)
        )

    def parts_of(self, answer: Completion) -> list[bytes]:
        """Return the vectors, each as the JSON that it is in the answer."""
        rows = [*map(object_or_empty, list_or_empty(answer.payload["data"]))]
        if all(isinstance(row.get("index"), int) for row in rows):
            rows.sort(key=lambda row: int(str(row["index"])))
        return [answer.long.restore(to_json_bytes(row["embedding"])) for row in rows]

    def size_of(self, request: ModelRequest, part: bytes) -> int | None:
        """Return how many numbers a vector has; None if the request asks for another form or number."""
        expected = _expected(request)
        try:
            short, long = without_vectors(part)
            size = size_of(parse_json(short), long, is_base64=expected.is_base64)
        except VectorError:
            return None
        return size if expected.dimensions in (None, size) else None

    def with_parts(self, answer: Completion | None, parts: Sequence[bytes], model: str) -> Completion:
        """Return an answer with these vectors."""
        said: JsonObject = {"object": "list", "data": [], "model": model, "usage": {**NOTHING_USED}}
        rows: list[Json] = [
            {"object": "embedding", "index": place, "embedding": f"{_MARK[1:]}{place}{_CLOSING[:-1]}"}
            for place in range(len(parts))
        ]
        payload = {**(answer.payload if answer else said), "data": rows}
        long = LongStrings(tuple(map(memoryview, parts)), _MARK, (), _CLOSING)
        first = without_vectors(parts[0])
        size = size_of(parse_json(first[0]), first[1], is_base64=True)
        raw = long.restore(to_json_bytes(payload))
        return Vectors(payload=payload, raw=raw, long=long, dimensions=size)


def _expected(request: ModelRequest) -> ExpectedVectors:
    assert isinstance(request.expected, ExpectedVectors)  # by `parse`
    return request.expected


PARTS = EmbeddingParts()
