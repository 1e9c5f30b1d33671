"""Which answers with vectors are usable, and what becomes of them."""

import json
from base64 import b64encode
from dataclasses import replace
from struct import pack
from typing import Any

import pytest

from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.embeddings.answer import Vectors
from gateway.dialects.embeddings.dialect import EMBEDDINGS
from gateway.dialects.embeddings.expected import ExpectedVectors
from gateway.faults.fault import AttemptFailedError
from gateway.http.json_values import JsonObject

VECTORS = [[0.5, -1.25e-05, 3], [1, 2, 3.5]]


def base64_of(vector: list[float]) -> str:
    return b64encode(pack(f"<{len(vector)}f", *vector)).decode()


def row(index: object, embedding: object) -> dict[str, object]:
    return {"object": "embedding", "index": index, "embedding": embedding}


def body(*rows: object, **fields: object) -> bytes:
    usage = {"prompt_tokens": 3, "total_tokens": 3, "cost": 0.5}
    answer: dict[str, object] = {"object": "list", "data": [*rows], "model": "m", "usage": usage}
    return json.dumps(answer | fields).encode()


FLOAT = ExpectedVectors(rows=2, dimensions=None, is_base64=False)
BASE64 = replace(FLOAT, is_base64=True)


def read(raw: bytes, expected: ExpectedVectors = FLOAT) -> Vectors:
    test = AnswerTest(json=False, reasoning_only=False, expected=expected)
    answer = EMBEDDINGS.read_answer(raw, test, header=lambda _: None, now_s=0.0)
    assert isinstance(answer, Vectors)
    return answer


def fault_of(raw: bytes, expected: ExpectedVectors = FLOAT) -> str:
    with pytest.raises(AttemptFailedError) as caught:
        read(raw, expected)
    return caught.value.fault.code


def test_the_numbers_are_not_parsed() -> None:
    answer = read(body(row(0, VECTORS[0]), row(1, VECTORS[1])))

    assert answer.dimensions == 3
    assert [bytes(each) for each in answer.long.parts] == [json.dumps(each).encode() for each in VECTORS]
    assert answer.long.restore(json.dumps(answer.payload).encode()) == answer.raw


@pytest.mark.parametrize("size", [1, 3, 16, 17, 100])
def test_base64_is_measured(size: int) -> None:
    vector = base64_of([0.25] * size)

    assert read(body(row(0, vector), row(1, vector)), BASE64).dimensions == size


def test_arrays_pass_where_base64_was_asked_for() -> None:
    assert read(body(row(0, VECTORS[0]), row(1, VECTORS[1])), BASE64).dimensions == 3


TWO = body(row(0, [1.5]), row(1, [2.5]))
FLOATS = {
    "no data": (body(), "empty_answer"),
    "data that is no list": (body(data={}), "empty_answer"),
    "one row too few": (body(row(0, [1.5, 2])), "malformed_answer"),
    "one row too many": (body(row(0, [1.5]), row(1, [2.5]), row(2, [2.5])), "malformed_answer"),
    "a row that is none": (body(row(0, [1.5]), "x"), "malformed_answer"),
    "an empty vector": (body(row(0, []), row(1, [])), "malformed_answer"),
    "unequal lengths": (body(row(0, [1.5, 2]), row(1, [1.5])), "malformed_answer"),
    "the same index": (body(row(0, [1.5]), row(0, [1.5])), "malformed_answer"),
    "an index beyond": (body(row(0, [1.5]), row(2, [1.5])), "malformed_answer"),
    "an index below": (body(row(-1, [1.5]), row(0, [1.5])), "malformed_answer"),
    "an index that is true": (body(row(0, [1.5]), row(True, [1.5])), "malformed_answer"),
    "one row without an index": (body(row(0, [1.5]), {"embedding": [1.5]}), "malformed_answer"),
    "a vector that is null": (body(row(0, None), row(1, None)), "malformed_answer"),
    "a number that is null": (body(row(0, [None]), row(1, [1.5])), "malformed_answer"),
    "a number that is text": (body(row(0, ["1"]), row(1, [1.5])), "malformed_answer"),
    "a vector of vectors": (body(row(0, [[1.5]]), row(1, [[1.5]])), "malformed_answer"),
    "NaN": (body(row(0, [float("nan")]), row(1, [1.5])), "not_json"),
    "infinity": (body(row(0, [float("inf")]), row(1, [1.5])), "not_json"),
    "a number that no float holds": (TWO.replace(b"2.5", b"2.5e999"), "malformed_answer"),
    "very many digits": (TWO.replace(b"2.5", b"2%b" % (b"0" * 400)), "malformed_answer"),
    "base64": (body(row(0, base64_of([1.5])), row(1, base64_of([2.5]))), "malformed_answer"),
    "an error": (b'{"error": {"code": 429, "message": "x"}}', "rate_limited"),
    "another dialect": (b'{"choices": [{"message": {"content": "x"}}]}', "empty_answer"),
    "no JSON": (b"<html>", "not_json"),
    "cut off": (body(row(0, [1.5]), row(1, [1.5]))[:-20], "not_json"),
}  # fmt: skip  # one case a line


@pytest.mark.parametrize("case", FLOATS)
def test_what_is_no_usable_answer(case: str) -> None:
    raw, code = FLOATS[case]

    assert fault_of(raw) == code


LONG = base64_of([0.5] * 60)
NAN = b64encode(pack("<60f", *[0.5] * 59, float("nan"))).decode()
INFINITE = b64encode(pack("<60f", *[0.5] * 59, float("-inf"))).decode()


@pytest.mark.parametrize(
    "wrong", ["", "A", LONG[:-1], LONG[:-4], LONG[:-3] + "=", f"!{LONG}", f"{LONG}====", NAN, INFINITE]
)
def test_base64_that_holds_no_vector(wrong: str) -> None:
    assert fault_of(body(row(0, LONG), row(1, wrong)), BASE64) == "malformed_answer"


def test_large_floats_are_finite() -> None:
    vector = b64encode(pack("<2f", 3e38, -3e38)).decode()

    assert read(body(row(0, vector), row(1, vector)), BASE64).dimensions == 2


def test_the_number_of_dimensions_must_be_that_of_the_request() -> None:
    raw = body(row(0, [1.5, 2]), row(1, [1.5, 2]))

    assert read(raw, replace(FLOAT, dimensions=2)).dimensions == 2
    assert fault_of(raw, replace(FLOAT, dimensions=3)) == "malformed_answer"
    assert fault_of(raw, replace(FLOAT, dimensions=3, is_pinned=True)) == "wrong_embedding_space"


def test_a_fault_has_the_cost_that_the_answer_states() -> None:
    with pytest.raises(AttemptFailedError) as caught:
        read(body(row(0, [1.5])))

    assert caught.value.fault.cost_usd == 0.5


def test_a_fault_repeats_no_placeholder() -> None:
    word = "A" * 80
    raw = json.dumps({"error": {"code": 400, "message": word}, "data": [[1.5]]}).encode()

    with pytest.raises(AttemptFailedError) as caught:
        read(raw)

    assert "@long" not in repr(caught.value.fault)


def shaped(*rows: object, **fields: object) -> tuple[dict[str, Any], bool]:
    answer = read(body(*rows, **fields))
    names: JsonObject = {"id": "i", "created": 1, "model": "a/one"}
    changed = EMBEDDINGS.shape_answer(answer.payload, names, AnswerTest(json=False, reasoning_only=False))
    return json.loads(answer.long.restore(json.dumps(answer.payload).encode())), changed


def test_rows_come_in_the_order_of_their_inputs() -> None:
    answer, changed = shaped(row(1, VECTORS[1]), row(0, VECTORS[0]))

    assert [each["embedding"] for each in answer["data"]] == VECTORS
    assert changed


def test_rows_without_indexes_get_those_of_their_places() -> None:
    answer, changed = shaped({"embedding": VECTORS[0]}, {"embedding": VECTORS[1]}, model=None)

    assert answer["data"] == [row(0, VECTORS[0]), row(1, VECTORS[1])]
    assert answer["model"] == "a/one"
    assert changed


def test_an_answer_that_has_the_form_is_unchanged() -> None:
    _, changed = shaped(row(0, VECTORS[0]), row(1, VECTORS[1]))

    assert not changed
