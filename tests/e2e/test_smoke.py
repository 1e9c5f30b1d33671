"""The smoke tests of `make smoke` and `make deploy`: safe for any gateway in use, and nearly free.

Four calls reach models: the cheapest model of the built-in task for bulk work, a few tokens per call, with a
cost ceiling. If the key may not use that task, the environment variable SMOKE_MODEL names another model.
"""

import os
import uuid
from typing import Any

import pytest

from tests.support.chat import CHAT, QUESTION, attempts_in, error_in, openai, post
from tests.support.chunks import payloads_in
from tests.support.runtimes import Gateway

pytestmark = pytest.mark.smoke

MODEL = os.environ.get("SMOKE_MODEL", "task/bulk")
CEILING = {"max_cost_usd": 0.01, "deadline_ms": 60_000}
USER = f"smoke-{uuid.uuid4().hex}"  # new in each run: a cached answer would test nothing
GONE = "nobody/no-such-model"
ENDS = {"stop", "length"}  # a reasoning model may use its few tokens for reasoning


def body(*models: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON of any kind
    chain = {"model": models[0], "models": list(models[1:])} if models[1:] else {"model": models[0]}
    return {"messages": QUESTION, "max_tokens": 32, "user": USER, "gateway": CEILING, **chain, **fields}


def test_the_gateway_is_set_up_and_has_a_list_of_models(gateway: Gateway) -> None:
    with gateway.client() as client:
        health = client.get("/health", params={"deep": "1"}).json()
        listed = client.get("/v1/models").json()["data"]
    assert health["status"] in {"ok", "degraded"}, health  # degraded: a model of a chain is not listed
    assert listed


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer a-wrong-token-0123456789"}])
def test_a_request_without_a_valid_key_is_refused(gateway: Gateway, headers: dict[str, str]) -> None:
    with gateway.client(headers=headers) as client:
        answers = [client.post(CHAT, json=body(MODEL)), client.get("/v1/models"), client.get("/v1/key")]
    assert [each.status_code for each in answers] == [401, 401, 401]
    assert error_in(answers[0])["code"] in {"missing_key", "invalid_key"}


def test_the_key_is_accepted(gateway: Gateway) -> None:
    with gateway.client() as client:
        answer = client.get("/v1/key")
    assert answer.status_code == 200
    assert answer.json()["name"]


def test_a_plan_is_made_and_would_not_fail(gateway: Gateway) -> None:
    with gateway.client() as client:
        plan = client.post("/v1/plan", json=body(MODEL)).json()
    assert plan["would_fail_with"] is None
    assert plan["chain"]


def test_a_model_answers_and_the_receipt_has_the_cost(gateway: Gateway) -> None:
    answer = post(gateway, body(MODEL))
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["choices"][0]["finish_reason"] in ENDS
    assert document["usage"]["total_tokens"] > 0
    receipt = document["gateway"]
    assert receipt["served"] == answer.headers["x-gateway-model"]
    assert receipt["attempts"][-1]["outcome"] == "answered"
    assert receipt["cost_usd"] is None or receipt["cost_usd"] <= CEILING["max_cost_usd"]


def test_a_stream_is_complete(gateway: Gateway) -> None:
    answer = post(gateway, body(MODEL, stream=True))
    assert answer.status_code == 200, answer.text
    *payloads, last = payloads_in(answer.content)
    assert last == "[DONE]"
    assert [choice for each in payloads for choice in each["choices"] if choice.get("finish_reason") in ENDS]
    assert answer.headers["x-gateway-receipt"]


def test_an_unknown_model_is_followed_by_the_next(gateway: Gateway) -> None:
    answer = post(gateway, body(GONE, MODEL))
    assert answer.status_code == 200, answer.text
    (first, code), *others = attempts_in(answer.json()["gateway"])
    assert (first, code) == (GONE, "unknown_model")
    assert others[-1][1] == "answered"


def test_openais_client_works_unchanged(gateway: Gateway) -> None:
    with openai(gateway) as client:
        answer = client.chat.completions.create(
            model=MODEL,
            messages=QUESTION,  # type: ignore[arg-type]  # a dict is a message
            max_tokens=32,
            user=USER,
            extra_body={"gateway": CEILING},
        )
    assert answer.choices[0].finish_reason in ENDS


def test_an_invalid_option_is_named_and_costs_nothing(gateway: Gateway) -> None:
    answer = post(gateway, body(MODEL, gateway={"colour": "red"}))
    assert (answer.status_code, error_in(answer)["param"]) == (400, "gateway.colour")
    with gateway.client() as client:
        assert client.get("/v1/nothing").status_code == 404
        assert client.get("/openapi.json").json()["openapi"].startswith("3.")
