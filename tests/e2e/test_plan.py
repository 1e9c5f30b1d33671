"""Plans, task routes and orders over HTTP: a request does what the plan shows."""

from typing import Any

import pytest

from tests.support.chat import CHAT, attempts_in, error_in, post, question
from tests.support.gateway_keys import BOUND
from tests.support.journal import Journal
from tests.support.runtimes import Gateway

PLAN = "/v1/plan"
FAILING = ("sim/status-503", "sim/err-404-data-policy", "sim/status-500")


def plan_for(gateway: Gateway, body: dict[str, Any]) -> dict[str, Any]:
    with gateway.client() as client:
        answer = client.post(PLAN, json=body)
    assert answer.status_code == 200, answer.text
    plan: dict[str, Any] = answer.json()
    return plan


def models_in(plan: dict[str, Any]) -> list[str]:
    return [each["model"] for each in plan["chain"]]


def test_a_plan_calls_no_model_and_a_request_follows_it(routed_gateway: Gateway, journal: Journal) -> None:
    body = question(journal, *FAILING, gateway={"retries": 0})

    plan = plan_for(routed_gateway, body)
    assert journal.entries() == []

    error = error_in(post(routed_gateway, body))
    attempts = attempts_in(error["metadata"]["gateway"])
    assert models_in(plan) == [model for model, _ in attempts] == [*FAILING]
    assert plan["catalog"]["fresh"]


def test_a_client_can_choose_a_tasks_chain(routed_gateway: Gateway, journal: Journal) -> None:
    with routed_gateway.client() as client:
        ids = [each["id"] for each in client.get("/v1/models").json()["data"]]
    assert ids[:2] == ["task/classification", "task/reasoning"]
    assert "task/mine" in ids
    assert "task/code" not in ids

    answer = post(routed_gateway, question(journal, "task/mine"))
    assert attempts_in(answer.json()["gateway"]) == [("sim/status-503", "overloaded"), ("sim/ok", "answered")]


def test_order_cheapest_starts_with_the_cheapest_model_and_skips_too_expensive_ones(
    routed_gateway: Gateway, journal: Journal
) -> None:
    plan = plan_for(routed_gateway, question(journal, "task/cheap"))

    assert models_in(plan) == ["openai/gpt-oss-120b"]
    assert {each["model"]: each["reason"] for each in plan["skipped"]} == {
        "anthropic/claude-haiku-4.5": "over_max_price",
        "sim/ok": "over_max_price",
    }
    answer = post(routed_gateway, question(journal, "task/cheap"))
    assert answer.json()["gateway"]["served"] == "openai/gpt-oss-120b"
    (call,) = journal.entries()
    assert call["body"]["provider"] == {"max_price": {"prompt": 0.5}}


def test_a_model_without_image_input_is_skipped_for_an_image(
    routed_gateway: Gateway, journal: Journal
) -> None:
    picture = {"type": "image_url", "image_url": {"url": "https://pages.example/a.png"}}
    body = question(journal, "sim/ok", "anthropic/claude-haiku-4.5")
    body["messages"] = [{"role": "user", "content": [picture]}]

    answer = post(routed_gateway, body)

    assert answer.json()["gateway"]["served"] == "anthropic/claude-haiku-4.5"
    assert answer.json()["gateway"]["skipped"] == [
        {"model": "sim/ok", "reason": "no_such_input", "missing": ["image"]}
    ]
    assert [each["model"] for each in journal.entries()] == ["anthropic/claude-haiku-4.5"]


def test_a_request_that_no_model_can_serve_is_an_error_without_a_call(
    routed_gateway: Gateway, journal: Journal
) -> None:
    body = question(journal, "sim/ok", modalities=["text", "audio"])

    answer = post(routed_gateway, body)

    error = error_in(answer)
    assert (answer.status_code, error["code"], error["metadata"]["source"]) == (
        400,
        "no_model_fits",
        "client",
    )
    assert plan_for(routed_gateway, body)["would_fail_with"]["code"] == "no_model_fits"
    assert journal.entries() == []


def test_a_session_keeps_its_model(routed_gateway: Gateway, journal: Journal) -> None:
    body = question(
        journal,
        "sim/status-503",
        "sim/ok",
        session_id=journal.user,
        gateway={"order": "sticky", "retries": 0},
    )

    first, second = post(routed_gateway, body).json(), post(routed_gateway, body).json()

    assert len(first["gateway"]["attempts"]) == 2
    assert attempts_in(second["gateway"]) == [("sim/ok", "answered")]


def test_deep_health_names_models_that_are_no_longer_listed(routed_gateway: Gateway) -> None:
    with routed_gateway.client() as client:
        health = client.get("/health?deep=1").json()

    assert health["status"] == "degraded"
    assert health["chains"]["task/gone"]["not_listed"] == ["gone/model"]
    assert health["chains"]["task/reasoning"]["not_listed"] == []


def test_a_key_can_be_limited_to_models(routed_gateway: Gateway, journal: Journal) -> None:
    bound = {"authorization": f"Bearer {BOUND}"}

    refused = post(routed_gateway, question(journal, "sim/tools"), **bound)
    answered = post(routed_gateway, question(journal, "sim/tools", "sim/ok"), **bound)

    assert (refused.status_code, error_in(refused)["code"]) == (403, "model_not_allowed")
    assert answered.json()["gateway"]["served"] == "sim/ok"
    assert [each["model"] for each in journal.entries()] == ["sim/ok"]


@pytest.mark.parametrize("model", ["task/typo", "direct:nobody/m"])
def test_an_unknown_route_name_is_a_client_error(
    routed_gateway: Gateway, journal: Journal, model: str
) -> None:
    for path in (CHAT, PLAN):
        with routed_gateway.client() as client:
            answer = client.post(path, json=question(journal, model))
        assert (answer.status_code, error_in(answer)["param"]) == (400, "model")
    assert journal.entries() == []
