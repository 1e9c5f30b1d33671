"""The ledger over HTTP, on a real D1: rows, usage and budgets."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.chat import CHAT, error_in, post, question
from tests.support.gateway_keys import DOCUMENTED, TIGHT
from tests.support.journal import Journal
from tests.support.ledger import usage, wait_for
from tests.support.runtimes import KEY, Gateway

WAIT_S = 15.0


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_recorded_with_its_cost(budget_gateway: Gateway, journal: Journal, stream: bool) -> None:
    before = usage(budget_gateway)["totals"]

    answer = post(budget_gateway, question(journal, "sim/status-503", "sim/ok", stream=stream))
    assert answer.status_code == 200

    after = wait_for(budget_gateway, before["requests"] + 1, timeout_s=WAIT_S)["totals"]
    (call,) = [each for each in journal.entries() if each["status"] == 200]
    assert after["cost_usd"] - before["cost_usd"] == pytest.approx(call["cost_usd"])
    assert (after["fallbacks"], after["answered"]) == (before["fallbacks"] + 1, before["answered"] + 1)


def test_usage_is_shown_by_model_and_as_csv(budget_gateway: Gateway, journal: Journal) -> None:
    before = usage(budget_gateway)["totals"]["requests"]
    post(budget_gateway, question(journal, "sim/ok"))
    wait_for(budget_gateway, before + 1, timeout_s=WAIT_S)

    assert "sim/ok" in {row["name"] for row in usage(budget_gateway, "?by=model")["series"]}
    with budget_gateway.client() as client:
        csv = client.get("/v1/usage?by=outcome&format=csv")
    assert csv.headers["content-type"].startswith("text/csv")
    assert csv.text.startswith("outcome,requests,")


def test_a_used_up_budget_refuses_requests(budget_gateway: Gateway, journal: Journal) -> None:
    headers = {"authorization": f"Bearer {TIGHT}"}
    refusals = []
    for _ in range(60):
        answer = post(budget_gateway, question(journal, "sim/ok", max_tokens=100), **headers)
        if answer.status_code != 200:
            refusals.append(error_in(answer))
    spent_usd = sum(each["cost_usd"] for each in journal.entries())

    assert refusals
    assert {each["code"] for each in refusals} <= {"budget_too_small", "budget_spent"}
    assert spent_usd <= 0.001
    with budget_gateway.client(headers=headers) as client:
        (row,) = client.get("/v1/key").json()["budgets"]
    assert row["limit_usd"] == 0.001
    assert row["spent_usd"] == pytest.approx(spent_usd, abs=0.000_1)


def test_concurrent_requests_do_not_exceed_a_budget(
    start_gateway: Callable[..., Gateway], journal: Journal
) -> None:
    entries = [{"name": "crowd", "token": KEY, "budget": {"day_usd": 0.01}}]
    crowd = start_gateway(
        bindings=("LEDGER", "MODEL_CACHE"), GATEWAY_KEYS=json.dumps(entries), BUDGET_HOLD="worst"
    )
    gateway = Gateway(crowd.runtime, crowd.base_url, KEY, crowd.leash)
    with gateway.client() as client:
        assert client.get("/v1/models").status_code == 200
    body = question(journal, "sim/ok", max_tokens=2_000)  # at most 0.004 of the 0.010 dollars each

    statuses = asyncio.run(_all_at_once(gateway, body, 100))

    spent_usd = sum(each["cost_usd"] for each in journal.entries())
    assert 0 < spent_usd <= 0.01, statuses
    assert statuses.get(429), statuses  # held by the requests in flight


@pytest.mark.parametrize("model", ["openai/gpt-6.1-sol", "task/reasoning"])
@pytest.mark.parametrize("stream", [False, True])
def test_twelve_requests_at_once_pass_under_the_documented_key(
    budget_gateway: Gateway, journal: Journal, model: str, stream: bool
) -> None:
    body = question(journal, model, stream=stream)

    statuses = asyncio.run(_all_at_once(budget_gateway, body, 12, key=DOCUMENTED))

    assert statuses == {200: 12}
    assert len(journal.entries()) == 12


async def _all_at_once(
    gateway: Gateway, body: dict[str, Any], count: int, *, key: str = KEY
) -> dict[int, int]:
    statuses: dict[int, int] = {}
    headers, limits = {"authorization": f"Bearer {key}"}, httpx.Limits(max_connections=count)
    async with gateway.async_client(headers=headers, limits=limits) as client:
        for answer in await asyncio.gather(*(client.post(CHAT, json=body) for _ in range(count))):
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
    return statuses
