"""Which requests for embeddings are accepted, and what each means."""

import json

import pytest

from gateway.dialects.embeddings.dialect import EMBEDDINGS
from gateway.dialects.embeddings.expected import ExpectedVectors
from gateway.dialects.model_request import ModelRequest
from gateway.http.errors import GatewayError

MAX_VALUES = 1_000


def parsed(**fields: object) -> ModelRequest:
    return EMBEDDINGS.parse(json.dumps({"model": "a/one", **fields}).encode(), max_values=MAX_VALUES)


def rows_of(request: ModelRequest) -> int:
    assert isinstance(request.expected, ExpectedVectors)
    return request.expected.rows


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        ("text", 1),
        (["one"], 1),
        (["one", "two", "[1, 2]"], 3),
        ([1, 2, 3], 1),
        ([[1, 2], [3]], 2),
        (["one", [1, 2]], 2),
        ([{"content": [{"type": "text", "text": "one"}]}], 1),
        ("@long-0-0@", 1),
        (["@long-0-0@", [1]], 2),
    ],
)
def test_an_answer_must_have_a_row_for_each_input(given: object, rows: int) -> None:
    assert rows_of(parsed(input=given)) == rows


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": []}, "input"),
        ({"input": 1}, "input"),
        ({"input": {}}, "input"),
        ({"input": [None]}, "input[0]"),
        ({"input": ["a", []]}, "input[1]"),
        ({"input": ["a", 1]}, "input[1]"),
        ({"input": [[1], [1.5]]}, "input[1]"),
        ({"input": [-1]}, "input"),
        ({"input": [[[1]]]}, "input[0]"),
        ({"input": ["a"], "dimensions": 0}, "dimensions"),
        ({"input": ["a"], "dimensions": "3"}, "dimensions"),
        ({"input": ["a"], "encoding_format": "hex"}, "encoding_format"),
        ({"input": ["a"], "stream": True}, "stream"),
        ({"input": ["a"], "stream": "x"}, "stream"),
        ({"input": ["a"], "model": [1]}, "model"),
        ({"input": [1], "model": [1]}, "model"),
        ({"input": [1], "models": [[1]]}, "models[0]"),
        ({"input": [1], "input_type": [1]}, "input_type"),
        ({"input": "a", "gateway": {"embedding_space": "a/one"}}, "gateway.embedding_space"),
        ({"input": "a", "gateway": {"embedding_space": "a/one/0"}}, "gateway.embedding_space"),
        ({"input": "a", "gateway": {"allow_model_change": 1}}, "gateway.allow_model_change"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, object], param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        parsed(**fields)

    assert (caught.value.code, caught.value.param) == ("invalid_field", param)


@pytest.mark.parametrize("stream", [False, None])
def test_a_request_may_say_that_it_is_no_stream(stream: bool | None) -> None:
    assert not parsed(input="a", stream=stream).stream


def test_tokens_are_counted_and_not_parsed() -> None:
    request = parsed(input=[[*range(5_000)], [1, 2]], x=[1, 2])

    tokens = request.requirements.tokens
    assert rows_of(request) == 2
    assert 5_002 <= tokens.least < 5_010
    assert tokens.most is not None
    assert 5_002 <= tokens.most < 5_200


def test_arrays_that_are_no_tokens_count_as_values() -> None:
    with pytest.raises(GatewayError) as caught:
        parsed(input="a", x=[*range(MAX_VALUES)])

    assert caught.value.code == "body_too_large"


@pytest.mark.parametrize("text", [b"[1,]", b"[01]", b"[1 2]", b"[+1]", b"[.5]", b"[1]:2", b"[1,2", b'[1,"2]'])
def test_tokens_that_are_no_json_are_refused(text: bytes) -> None:
    with pytest.raises(GatewayError) as caught:
        EMBEDDINGS.parse(b'{"model":"a/one","input":[%b]}' % text, max_values=MAX_VALUES)

    assert caught.value.code == "invalid_json"


def test_tokens_are_no_name_of_a_field() -> None:
    with pytest.raises(GatewayError) as caught:
        EMBEDDINGS.parse(b'{"input":{[1]:2}}', max_values=MAX_VALUES)

    assert caught.value.code == "invalid_json"


def test_images_among_the_inputs_need_a_model_that_sees() -> None:
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}

    request = parsed(input=[{"content": [part]}])

    assert request.requirements.inputs == {"image"}
    assert request.requirements.tokens.images == 1
