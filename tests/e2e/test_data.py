"""Embeddings, reranking and images over HTTP: answers of data. Only images are streamed."""

from binascii import a2b_base64
from typing import Any

import httpx
import pytest

from tests.support.chunks import payloads_in
from tests.support.journal import Journal
from tests.support.runtimes import Gateway

EMBEDDINGS, RERANK, IMAGES = "/v1/embeddings", "/v1/rerank", "/v1/images/generations"
SPACE = "x-gateway-embedding-space"


def post(ours: Gateway, path: str, journal: Journal, *models: str, **fields: object) -> httpx.Response:
    """Return the response to a request."""
    with ours.client() as client:
        return client.post(path, json={"models": list(models), "user": journal.user, **fields})


def vectors_in(answer: httpx.Response) -> list[Any]:
    assert answer.status_code == 200, answer.text
    return [row["embedding"] for row in answer.json()["data"]]


@pytest.mark.parametrize("path", [EMBEDDINGS, f"/api{EMBEDDINGS}"])
def test_vectors_are_returned_with_their_space(gateway: Gateway, journal: Journal, path: str) -> None:
    answer = post(gateway, path, journal, "sim/ok", input=["one", "two"], dimensions=8)

    assert [len(each) for each in vectors_in(answer)] == [8, 8]
    assert answer.headers[SPACE] == "sim/ok/8"
    assert answer.json()["gateway"]["served"] == "sim/ok"


@pytest.mark.parametrize("encoding", ["float", "base64"])
@pytest.mark.parametrize("model", ["sim/vectors-fewer", "sim/vectors-same-index", "sim/vectors-nan"])
def test_wrong_vectors_are_never_returned(
    gateway: Gateway, journal: Journal, model: str, encoding: str
) -> None:
    answer = post(
        gateway,
        EMBEDDINGS,
        journal,
        model,
        input=["one", "two"],
        encoding_format=encoding,
        gateway={"retries": 0},
    )

    assert (answer.status_code, "data" in answer.json()) == (502, False)
    assert answer.json()["error"]["metadata"]["gateway"]["attempts"][0]["code"] in (
        "malformed_answer",
        "not_json",
    )


def test_another_model_is_refused_without_a_call(gateway: Gateway, journal: Journal) -> None:
    answer = post(gateway, EMBEDDINGS, journal, "sim/ok", "sim/space-other", input="one")

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "models")
    if gateway.is_ours:
        assert journal.models() == []


def test_the_next_model_sorts_documents(gateway: Gateway, journal: Journal) -> None:
    documents = ["The sea.", "Canberra is the capital of Australia."]
    answer = post(
        gateway, RERANK, journal, "sim/ranks-beyond", "sim/ok", query="capital Australia", documents=documents
    )

    assert answer.status_code == 200, answer.text
    assert [each["index"] for each in answer.json()["results"]] == [1, 0]
    assert answer.json()["gateway"]["served"] == "sim/ok"


def test_a_picture_is_relayed_from_the_next_model_that_makes_one(gateway: Gateway, journal: Journal) -> None:
    # `sim/ok` is listed as a model that makes texts only, so it would be skipped.
    answer = post(gateway, IMAGES, journal, "sim/status-503", "openai/gpt-image-1", prompt="a red panda")

    assert answer.status_code == 200, answer.text
    (picture,) = answer.json()["data"]
    assert a2b_base64(picture["b64_json"]).startswith(b"\x89PNG")
    assert [each["code"] for each in answer.json()["gateway"]["attempts"]] == ["overloaded", None]


@pytest.mark.parametrize("model", ["sim/image-no-bytes", "sim/close-bytes-100"])
def test_no_picture_is_paid_for_twice(gateway: Gateway, journal: Journal, model: str) -> None:
    answer = post(gateway, IMAGES, journal, model, "sim/ok", prompt="a red panda")

    error = answer.json()["error"]
    assert answer.status_code == 502
    assert "may have been billed" in error["message"]
    assert len(error["metadata"]["gateway"]["attempts"]) == 1


@pytest.mark.parametrize("model", ["openai/gpt-image-1", "sim/image-named-events"])
def test_a_stream_of_images_ends_with_the_picture_and_the_receipt(
    gateway: Gateway, journal: Journal, model: str
) -> None:
    answer = post(gateway, IMAGES, journal, model, prompt="a red panda", stream=True)

    assert answer.status_code == 200, answer.text
    *_, last, done = payloads_in(answer.content)
    assert done == "[DONE]"
    assert a2b_base64(last["b64_json"]).startswith(b"\x89PNG")
    assert last["gateway"]["served"] == model


def test_a_stream_of_images_that_is_not_completed_ends_in_an_error(
    gateway: Gateway, journal: Journal
) -> None:
    answer = post(gateway, IMAGES, journal, "sim/image-not-completed", prompt="a red panda", stream=True)

    assert payloads_in(answer.content)[-1]["type"] == "error"
