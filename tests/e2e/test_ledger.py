"""The ledger over HTTP, on a real D1: rows, usage, budgets, and what the simulator billed."""

import asyncio
import json
import os
import random
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from gateway.settle_ledger import BACK_OFF_S, MOST_A_RUN
from tests.support.chat import CHAT, QUESTION, error_in, post, question
from tests.support.journal import Journal
from tests.support.runtimes import KEY, UPSTREAM_KEY, Gateway

TIGHT = "e2e-tight-token-0123456789"
WAIT_S = 15.0
# `LEDGER_LOAD=10000` for the whole of it; a suite that runs often makes do with fewer.
LOAD, WHOLE = int(os.environ.get("LEDGER_LOAD", "400")), 10_000
AT_ONCE = 32
HEALTHY = ("sim/ok", "sim/tools", "sim/slow-500ms")
FAILING = ("sim/status-503", "sim/status-500", "sim/err-404-data-policy")
BROKEN = ("sim/sse-07-truncated-no-finish", "sim/sse-05-midstream-error-documented")


@pytest.fixture(scope="session")
def booked(start_gateway: Callable[..., Gateway]) -> Gateway:
    """A gateway with a ledger, an admin's key, and one whose budget holds a few answers."""
    entries = [
        {"name": "boss", "token": KEY, "admin": True},
        {"name": "tight", "token": TIGHT, "budget": {"day_usd": 0.001}},
    ]
    gateway = start_gateway(bindings=("LEDGER", "MODEL_CACHE"), GATEWAY_KEYS=json.dumps(entries))
    with gateway.client(headers={"authorization": f"Bearer {KEY}"}) as client:
        assert client.get("/v1/models").status_code == 200
    return Gateway(gateway.runtime, gateway.base_url, KEY, gateway.leash)


def usage(gateway: Gateway, query: str = "") -> dict[str, Any]:
    with gateway.client() as client:
        answer = client.get(f"/v1/usage{query}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def wait_for(gateway: Gateway, requests: int, query: str = "") -> dict[str, Any]:
    """Return the totals once the ledger holds so many requests: rows are written after the answers."""
    deadline_s = time.monotonic() + WAIT_S
    while (totals := usage(gateway, query)["totals"])["requests"] < requests:
        assert time.monotonic() < deadline_s, totals
        time.sleep(0.1)
    found: dict[str, Any] = totals
    return found


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_booked_with_what_it_cost(booked: Gateway, journal: Journal, stream: bool) -> None:
    before = usage(booked)["totals"]

    answer = post(booked, question(journal, "sim/status-503", "sim/ok", stream=stream))
    assert answer.status_code == 200

    after = wait_for(booked, before["requests"] + 1)
    (call,) = [each for each in journal.entries() if each["status"] == 200]
    assert after["cost_usd"] - before["cost_usd"] == pytest.approx(call["cost_usd"])
    assert (after["fallbacks"], after["answered"]) == (before["fallbacks"] + 1, before["answered"] + 1)


def test_usage_is_by_model_and_in_csv(booked: Gateway, journal: Journal) -> None:
    before = usage(booked)["totals"]["requests"]
    post(booked, question(journal, "sim/ok"))
    wait_for(booked, before + 1)

    assert "sim/ok" in {row["name"] for row in usage(booked, "?by=model")["series"]}
    with booked.client() as client:
        csv = client.get("/v1/usage?by=outcome&format=csv")
    assert csv.headers["content-type"].startswith("text/csv")
    assert csv.text.startswith("outcome,requests,")


def test_a_budget_ends_what_it_does_not_cover(booked: Gateway, journal: Journal) -> None:
    headers = {"authorization": f"Bearer {TIGHT}"}
    refusals = []
    for _ in range(60):
        answer = post(booked, question(journal, "sim/ok", max_tokens=100), **headers)
        if answer.status_code != 200:
            refusals.append(error_in(answer))
    spent_usd = sum(each["cost_usd"] for each in journal.entries())

    assert refusals
    assert {each["code"] for each in refusals} <= {"budget_too_small", "budget_spent"}
    assert spent_usd <= 0.001
    with booked.client(headers=headers) as client:
        (row,) = client.get("/v1/key").json()["budgets"]
    assert row["limit_usd"] == 0.001
    assert row["spent_usd"] == pytest.approx(spent_usd, abs=0.000_1)


def test_requests_at_once_do_not_overshoot_a_budget(
    start_gateway: Callable[..., Gateway], journal: Journal
) -> None:
    entries = [{"name": "crowd", "token": KEY, "budget": {"day_usd": 0.01}}]
    crowd = start_gateway(bindings=("LEDGER", "MODEL_CACHE"), GATEWAY_KEYS=json.dumps(entries))
    gateway = Gateway(crowd.runtime, crowd.base_url, KEY, crowd.leash)
    with gateway.client() as client:
        assert client.get("/v1/models").status_code == 200
    body = question(journal, "sim/ok", max_tokens=2_000)  # at most 4 of 10 thousandths of a dollar each

    statuses = asyncio.run(_all_at_once(gateway, body, 100))

    spent_usd = sum(each["cost_usd"] for each in journal.entries())
    assert 0 < spent_usd <= 0.01, statuses
    assert statuses.get(402), statuses


async def _all_at_once(gateway: Gateway, body: dict[str, Any], count: int) -> dict[int, int]:
    statuses: dict[int, int] = {}
    async with gateway.async_client(limits=httpx.Limits(max_connections=count)) as client:
        for answer in await asyncio.gather(*(client.post(CHAT, json=body) for _ in range(count))):
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
    return statuses


@pytest.fixture
def billed(simulator: str) -> Callable[[], int]:
    """Call it to learn what the simulator has billed, in micro-dollars."""

    def bill() -> int:
        answer = httpx.get(simulator.removesuffix("/api/v1") + "/sim/bill", trust_env=False)
        micros: int = answer.json()["cost_micro_usd"]
        return micros

    return bill


def test_the_ledger_agrees_with_the_bill(
    start_gateway: Callable[..., Gateway], runtime: str, billed: Callable[[], int]
) -> None:
    if runtime == "workerd":
        pytest.skip("the 2024 runtime has no cron trigger, by which open costs are settled")
    own = start_gateway(bindings=("LEDGER", "MODEL_CACHE"), APP_TITLE="agrees")
    with own.client() as client:
        client.get("/v1/models")
    before = billed()

    asyncio.run(_load(own))

    wait_for(own, LOAD)
    if LOAD >= WHOLE:  # what clients left unread is asked for a minute later, by cron
        time.sleep(BACK_OFF_S[0] + 1)
        settle(own)
        assert usage(own)["totals"]["unsettled"] == 0
    after = usage(own)
    assert round(after["totals"]["cost_usd"] * 1_000_000) == billed() - before
    assert after["lost_writes"] == 0
    assert UPSTREAM_KEY not in str(after) + own.log_text()
    assert KEY not in str(after) + own.log_text()


def settle(gateway: Gateway) -> None:
    """Play the cron trigger until nothing is owed; each run asks for a bounded number of parts."""
    with gateway.client() as client:
        for _ in range(LOAD // MOST_A_RUN + 2):
            assert client.get("/__scheduled").text == "ran"


async def _load(gateway: Gateway) -> None:
    """Send plain requests and streams to models that answer, fail and break; some clients leave."""
    draw = random.Random(7)  # noqa: S311  # the same load each time
    numbers = iter(range(LOAD))

    async def send(client: httpx.AsyncClient) -> None:
        for number in numbers:
            stream = draw.random() < 0.5
            chain = [draw.choice(HEALTHY + FAILING + (BROKEN if stream else ())), "sim/ok"]
            body = {"models": chain, "messages": QUESTION, "stream": stream, "gateway": {"retries": 0}}
            leaves = stream and number % 10 == 0
            async with client.stream("POST", CHAT, json=body) as answer:
                async for _ in answer.aiter_bytes():
                    if leaves:
                        break

    async with gateway.async_client(limits=httpx.Limits(max_connections=AT_ONCE)) as client:
        await asyncio.gather(*(send(client) for _ in range(AT_ONCE)))
