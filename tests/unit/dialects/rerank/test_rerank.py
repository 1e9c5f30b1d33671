"""Which rerank requests are accepted, and which answers are usable."""

import json

import pytest

from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_answer import Completion
from gateway.dialects.rerank.dialect import RERANK
from gateway.faults.fault import AttemptFailedError
from gateway.http.errors import GatewayError


def parsed(**fields: object) -> ModelRequest:
    body = {"model": "a/one", "query": "q", "documents": ["a", {"text": "b"}], **fields}
    return RERANK.parse(json.dumps(body).encode(), max_values=1_000)


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"query": None}, "missing_field", "query"),
        ({"query": 1}, "invalid_field", "query"),
        ({"documents": None}, "missing_field", "documents"),
        ({"documents": []}, "invalid_field", "documents"),
        ({"documents": "a"}, "invalid_field", "documents"),
        ({"documents": ["a", 1]}, "invalid_field", "documents[1]"),
        ({"documents": [None]}, "invalid_field", "documents[0]"),
        ({"top_n": 0}, "invalid_field", "top_n"),
        ({"top_n": 1.5}, "invalid_field", "top_n"),
        ({"stream": True}, "invalid_field", "stream"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, object], code: str, param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        parsed(**fields)

    assert (caught.value.code, caught.value.param) == (code, param)


def test_images_need_a_model_that_sees() -> None:
    assert parsed(documents=[{"image": "https://x.example/a.png"}]).requirements.inputs == {"image"}


def test_more_documents_than_a_search_unit_cost_more_than_is_known() -> None:
    assert not parsed(documents=["a"] * 100).requirements.has_fees
    assert parsed(documents=["a"] * 101).requirements.has_fees


def result(index: object, score: object = 0.5) -> dict[str, object]:
    return {"index": index, "relevance_score": score}


def read(results: object) -> Completion:
    test = AnswerTest(json=False, reasoning_only=False, expected=parsed().expected)
    raw = json.dumps({"id": "i", "results": results, "usage": {"cost": 0.5}}).encode()
    return RERANK.read_answer(raw, test, header=lambda _: None, now_s=0.0)


@pytest.mark.parametrize("results", [[result(1), result(0)], [result(1)], [{**result(0), "document": {}}]])
def test_a_usable_answer(results: object) -> None:
    assert read(results).payload["results"] == results


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ([], "empty_answer"),
        (None, "empty_answer"),
        ({}, "empty_answer"),
        ([result(2)], "malformed_answer"),
        ([result(-1)], "malformed_answer"),
        ([result("0")], "malformed_answer"),
        ([result(True)], "malformed_answer"),
        ([result(None)], "malformed_answer"),
        ([result(0), result(0)], "malformed_answer"),
        ([result(0), result(1), result(0)], "malformed_answer"),
        ([result(0, None)], "malformed_answer"),
        ([result(0, "0.5")], "malformed_answer"),
        (["x"], "malformed_answer"),
    ],
)
def test_what_is_no_usable_answer(results: object, code: str) -> None:
    with pytest.raises(AttemptFailedError) as caught:
        read(results)

    assert (caught.value.fault.code, caught.value.fault.cost_usd) == (code, 0.5)
