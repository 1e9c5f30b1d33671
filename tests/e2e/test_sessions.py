"""Sessions over HTTP: the model that keeps one, its budget, and agents that go round in circles."""

import json
import uuid
from typing import Any

import pytest

from tests.support.chat import error_in, post, question
from tests.support.gateway_keys import FRUGAL, PAGE
from tests.support.journal import Journal
from tests.support.ledger import usage, wait_for
from tests.support.runtimes import KEY, Gateway

AGENTS_HEADERS = "x-session-id, x-claude-code-session-id, session-id, session_id, thread-id"
LONG = [{"role": "user", "content": "word " * 9_000}]
WAIT_S = 15.0


def new_session() -> str:
    return uuid.uuid4().hex


def circle(times: int) -> list[dict[str, Any]]:
    """Return a transcript whose agent has read the same file again and again."""
    call = {"id": "1", "type": "function", "function": {"name": "read_file", "arguments": '{"path": "a"}'}}
    turn: list[dict[str, Any]] = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "x"},
    ]
    return [{"role": "user", "content": "Mend it."}, *turn * times]


@pytest.mark.parametrize("stream", [False, True])
def test_a_long_session_stays_with_its_model_and_openrouter_is_told(
    budget_gateway: Gateway, journal: Journal, stream: bool
) -> None:
    headers = {"x-claude-code-session-id": new_session()}
    first = question(journal, "sim/status-503", "sim/ok", messages=LONG)
    assert post(budget_gateway, first, **headers).status_code == 200

    body = question(journal, "sim/tools", "sim/ok", messages=LONG, stream=stream)
    with budget_gateway.client() as client:
        plan = client.post("/v1/plan", json=body, headers=headers).json()
    got = post(budget_gateway, body, **headers)

    assert (plan["order"], plan["sticky"], plan["chain"][0]["model"]) == ("auto", True, "sim/ok")
    assert got.headers["x-gateway-model"] == "sim/ok"
    receipt = json.loads(got.headers["x-gateway-receipt"]) if stream else got.json()["gateway"]
    assert receipt["sticky"]
    assert journal.models() == ["sim/status-503", "sim/ok", "sim/ok"]
    sent = {each["body"]["session_id"] for each in journal.entries()}
    assert sent == {*headers.values()}


def test_a_session_that_has_spent_its_budget_is_refused(budget_gateway: Gateway, journal: Journal) -> None:
    headers = {"authorization": f"Bearer {FRUGAL}", "session-id": new_session()}
    body = question(journal, "sim/ok", max_tokens=10)
    before = usage(budget_gateway)["totals"]["requests"]

    answers = [post(budget_gateway, body, **headers) for _ in range(60)]
    answered = [each for each in answers if each.status_code == 200]
    refusals = [error_in(each) for each in answers if each.status_code != 200]
    wait_for(budget_gateway, before + len(answered), timeout_s=WAIT_S)
    other = post(budget_gateway, body, **(headers | {"session-id": new_session()}))

    assert answered
    assert refusals
    assert {each["code"] for each in refusals} <= {"session_budget_spent", "budget_too_small"}
    assert sum(each["cost_usd"] for each in journal.entries()[: len(answered)]) <= 0.000_5
    assert other.status_code == 200


def test_a_spent_session_is_named_with_its_amounts(budget_gateway: Gateway, journal: Journal) -> None:
    session = new_session()
    assert post(budget_gateway, question(journal, "sim/ok", session_id=session)).status_code == 200

    limited = question(journal, "sim/ok", session_id=session, gateway={"max_session_usd": 0.000_001})
    error = error_in(post(budget_gateway, limited))

    assert error["code"] == "session_budget_spent"
    assert error["metadata"]["limit_usd"] == 0.000_001
    (call,) = journal.entries()
    assert error["metadata"]["spent_usd"] == pytest.approx(call["cost_usd"])


@pytest.mark.parametrize(("token", "limit"), [(KEY, 3), (FRUGAL, 2)])
def test_an_agent_in_a_circle_is_refused(
    budget_gateway: Gateway, journal: Journal, token: str, limit: int
) -> None:
    headers = {"authorization": f"Bearer {token}"}

    below = post(budget_gateway, question(journal, "sim/ok", messages=circle(limit - 1)), **headers)
    lifted = question(journal, "sim/ok", messages=circle(limit), gateway={"loop_limit": limit})
    error = error_in(post(budget_gateway, lifted, **headers))

    assert below.status_code == 200
    assert (error["code"], error["metadata"]["tool"]) == ("agent_loop", "read_file")
    assert f"{limit} times" in error["message"]
    assert len(journal.models()) == 1


def test_a_page_may_name_a_session(budget_gateway: Gateway) -> None:
    with budget_gateway.client() as client:
        for requested in (AGENTS_HEADERS, ""):
            got = client.options(
                "/v1/chat/completions",
                headers={
                    "origin": PAGE,
                    "access-control-request-method": "POST",
                    **({"access-control-request-headers": requested} if requested else {}),
                },
            )
            allowed = got.headers["access-control-allow-headers"].split(", ")
            assert {*AGENTS_HEADERS.split(", ")} <= {*allowed}
