import json
import math
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest

from simulator.dialects.vectors import unformed, vector_of
from tests.simulator.rig import NEEDED, Rig

PATH = "/embeddings"
INPUTS = NEEDED[PATH]["input"]
Rows = list[dict[str, Any]]


def _data(sim: Rig, model: str = "sim/ok", **more: object) -> Rows:
    data: Rows = json.loads(sim.ask(PATH, model, **more).content)["data"]
    return data


def test_a_vector_depends_on_the_model_and_the_input_only(sim: Rig) -> None:
    rows = _data(sim)
    assert [row["index"] for row in rows] == [0, 1, 2]
    assert [row["embedding"] for row in rows] == [vector_of("sim/ok", text, 8) for text in INPUTS]
    assert _data(sim, input=INPUTS[::-1])[0]["embedding"] == rows[2]["embedding"]
    assert _data(sim, input=INPUTS[0])[0]["embedding"] == rows[0]["embedding"]


def test_two_models_have_vectors_of_one_length_in_different_spaces(sim: Rig) -> None:
    for one, other in (
        ("openai/text-embedding-3-small", "openai/text-embedding-ada-002"),
        ("sim/space-alpha", "sim/space-beta"),
    ):
        first, second = _data(sim, one)[0]["embedding"], _data(sim, other)[0]["embedding"]
        assert len(first) == len(second)
        assert first != second


def test_dimensions_shorten_a_vector_to_its_beginning(sim: Rig) -> None:
    whole = _data(sim, "openai/text-embedding-3-small")[0]["embedding"]
    assert len(whole) == 1536
    assert _data(sim, "openai/text-embedding-3-small", dimensions=256)[0]["embedding"] == whole[:256]


@pytest.mark.parametrize("dimensions", [1, 8, 1000])
def test_base64_has_exactly_the_numbers_of_the_list(sim: Rig, dimensions: int) -> None:
    floats = _data(sim, dimensions=dimensions, encoding_format="float")
    base64s = _data(sim, dimensions=dimensions, encoding_format="base64")
    assert all(isinstance(row["embedding"], str) for row in base64s)
    assert [unformed(row["embedding"]) for row in base64s] == [row["embedding"] for row in floats]


@pytest.mark.parametrize(
    ("value", "count", "tokens"),
    [
        ("twelve chars", 1, 3),
        (["twelve chars", "four"], 2, 4),
        ([1, 2, 3, 4, 5], 1, 5),
        ([[1, 2], [3]], 2, 3),
        ([{"content": [{"type": "text", "text": "four"}]}], 1, 1),
        ([{"content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}], 1, 258),
    ],
)
def test_each_form_of_input_is_counted(sim: Rig, value: object, count: int, tokens: int) -> None:
    body = sim.ask(PATH, "sim/ok", input=value).json()
    assert len(body["data"]) == count
    assert (body["usage"]["prompt_tokens"], body["usage"]["total_tokens"]) == (tokens, tokens)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"input": ""}, "input: Invalid input"),
        ({"input": []}, "input: Invalid input"),
        ({"input": ["a", ""]}, "input: Invalid input"),
        ({"input": ["a", 1]}, "input: Invalid input"),
        ({"input": [True]}, "input: Invalid input"),
        ({"input": [{"content": []}]}, "input: Invalid input"),
        ({"dimensions": 0}, "dimensions: Expected an integer from 1 to 16384"),
        ({"encoding_format": "int8"}, "encoding_format: Expected 'float' or 'base64'"),
    ],
)
def test_an_invalid_request_is_refused(sim: Rig, wrong: dict[str, object], message: str) -> None:
    answer = sim.ask(PATH, "sim/ok", **wrong)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, message)


def _lengths(rows: Rows) -> list[int]:
    return [len(unformed(row["embedding"])) for row in rows]


def _first_number(rows: Rows) -> float | None:
    return unformed(rows[0]["embedding"])[0]


FAULTS: dict[str, Callable[[Rows], bool]] = {
    "empty": lambda rows: rows == [],
    "vectors-fewer": lambda rows: len(rows) == 2,
    "vectors-more": lambda rows: [row["index"] for row in rows] == [0, 1, 2, 3],
    "vectors-empty": lambda rows: _lengths(rows) == [0, 8, 8],
    "vectors-unequal": lambda rows: _lengths(rows) == [8, 8, 7],
    "vectors-longer": lambda rows: _lengths(rows) == [9, 9, 9],
    "vectors-reversed": lambda rows: [row["index"] for row in rows] == [2, 1, 0],
    "vectors-same-index": lambda rows: [row["index"] for row in rows] == [0, 0, 0],
    "vectors-no-index": lambda rows: not any("index" in row for row in rows),
    "vectors-nan": lambda rows: math.isnan(_first_number(rows) or 0),
    "vectors-null": lambda rows: _first_number(rows) is None or isinstance(rows[0]["embedding"], str),
    "vectors-other-form": lambda rows: _lengths(rows) == [8, 8, 8],
}


@pytest.mark.parametrize("encoding_format", ["float", "base64"])
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_in_either_form(sim: Rig, name: str, encoding_format: str) -> None:
    rows = _data(sim, f"sim/{name}", encoding_format=encoding_format)
    assert FAULTS[name](rows)
    is_text = (encoding_format == "base64") != (name == "vectors-other-form")
    assert all(isinstance(row["embedding"], str) == is_text for row in rows)


def test_rows_in_reverse_have_the_vectors_of_their_index(sim: Rig) -> None:
    rows = _data(sim, "sim/vectors-reversed")
    assert [row["embedding"] for row in rows] == [
        vector_of("sim/vectors-reversed", INPUTS[row["index"]], 8) for row in rows
    ]


def test_base64_can_be_cut_or_garbled(sim: Rig) -> None:
    cut = _data(sim, "sim/vectors-cut", encoding_format="base64")[0]["embedding"]
    assert len(b64decode(cut, validate=True)) == 8 * 4 - 1
    assert _data(sim, "sim/vectors-garbled", encoding_format="base64")[0]["embedding"] == "not base64"
    assert len(_data(sim, "sim/vectors-cut")[0]["embedding"]) == 7
