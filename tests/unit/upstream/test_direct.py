"""Upstreams that are asked directly: beside OpenRouter in one chain, each with its own key."""

import json
from typing import Any

import pytest

from gateway.faults.policy import RULES, Scope
from gateway.upstream.direct import AT_DIRECT
from tests.support.chunks import DONE, STOP, text
from tests.support.upstream import (
    DIRECT_BASE_URL,
    RESET,
    Act,
    answer,
    breaks,
    fail,
    refuse,
    reply,
    stream,
)
from tests.support.world import UPSTREAM_KEY, World

pytestmark = pytest.mark.anyio
DIRECT_KEY = "canary-of-the-direct-key"
DIRECT_HOST = "direct.example"
PRICES = {"fast": {"prompt": 1, "completion": 10}}
DECLARED = {"near": {"base_url": DIRECT_BASE_URL, "secret": "NEAR_KEY", "usd_per_million_tokens": PRICES}}
NEAR, AFAR = "direct:near/fast", "a/one"


def world(**env: str) -> World:
    return World({"UPSTREAMS": json.dumps(DECLARED), "NEAR_KEY": DIRECT_KEY, **env})


def openai_error(status: int, code: str | None, message: str = "No.", **headers: str) -> Act:
    error = {"message": message, "type": "x", "param": None, "code": code}
    return reply(status, json.dumps({"error": error}).encode(), **headers)


def upstreams_in(receipt: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(each["model"], each["upstream"], each["code"]) for each in receipt["attempts"]]


@pytest.mark.parametrize("streamed", [False, True])
async def test_each_key_goes_to_its_own_host_and_nowhere_else(streamed: bool) -> None:
    asked = world(SITE_URL="https://app.example").script("fast", fail(503))

    got = await asked.ask(NEAR, AFAR, stream=streamed)

    assert [(each.host, each.model) for each in asked.upstream.received] == [
        (DIRECT_HOST, "fast"),
        ("openrouter.ai", AFAR),
    ]
    near, afar = asked.upstream.received
    assert near.headers["authorization"] == f"Bearer {DIRECT_KEY}"
    assert afar.headers["authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert "http-referer" not in near.headers
    assert UPSTREAM_KEY not in str(near)
    assert DIRECT_KEY not in str(afar) + asked.log_text + got.body.decode() + str(got.headers)


@pytest.mark.parametrize("streamed", [False, True])
async def test_every_attempt_says_which_upstream_it_was_at(streamed: bool) -> None:
    asked = world().script("fast", fail(503))

    got = await asked.ask(NEAR, AFAR, stream=streamed)

    assert upstreams_in(got.receipt) == [(NEAR, "near", "overloaded"), (AFAR, "openrouter", None)]


async def test_openrouters_outage_is_survived() -> None:
    asked = world().script(AFAR, refuse).script("b/two", fail(502))

    got = await asked.ask(AFAR, "b/two", NEAR)

    assert got.receipt["served"] == NEAR
    assert got.headers["x-gateway-model"] == NEAR


@pytest.mark.parametrize(
    ("act", "code"),
    [
        pytest.param(openai_error(401, "invalid_api_key"), "direct_key_rejected", id="its key"),
        pytest.param(openai_error(429, "insufficient_quota"), "direct_quota_spent", id="its quota"),
        pytest.param(openai_error(402, None), "direct_quota_spent", id="its credit"),
        pytest.param(reply(302, location="https://evil.example/"), "direct_redirected", id="a redirect"),
    ],
)
async def test_an_account_at_fault_ends_its_own_upstream_and_no_other(act: Act, code: str) -> None:
    asked = world().script("fast", act)

    got = await asked.ask(NEAR, "direct:near/other", AFAR)

    assert [each.model for each in asked.upstream.received] == ["fast", AFAR]
    assert upstreams_in(got.receipt)[0] == (NEAR, "near", code)
    assert got.receipt["skipped"] == [
        {"model": "direct:near/other", "reason": "account_at_fault", "upstream": "near"}
    ]


async def test_openrouters_refusal_of_its_key_leaves_direct_upstreams() -> None:
    asked = world().script(AFAR, fail(401, "User not found."))

    got = await asked.ask(AFAR, "b/two", NEAR)

    assert upstreams_in(got.receipt) == [(AFAR, "openrouter", "upstream_key_rejected"), (NEAR, "near", None)]


async def test_an_account_at_fault_ends_a_chain_that_has_no_other_upstream() -> None:
    asked = world().script("fast", openai_error(401, "invalid_api_key"))

    got = await asked.ask(NEAR, "direct:near/other")

    assert (got.status, got.error["code"]) == (502, "direct_key_rejected")
    assert got.error["metadata"]["source"] == "provider"
    assert got.headers["x-should-retry"] == "false"
    assert len(asked.upstream.received) == 1


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (openai_error(404, "model_not_found"), "direct_model_unknown"),
        (openai_error(400, "context_length_exceeded"), "context_too_long"),
        pytest.param(openai_error(400, None, "Unrecognized"), "rejected_by_provider", id="a field"),
        pytest.param(openai_error(400, None, "input required"), "rejected_by_provider", id="the input"),
        pytest.param(openai_error(413, None), "rejected_by_provider", id="the size"),
        (openai_error(429, "rate_limit_exceeded", retry_after="20"), "rate_limited"),
        pytest.param(openai_error(500, "server_error"), "provider_error", id="a fault"),
        pytest.param(reply(500, b"<html>", content_type="text/html"), "provider_error", id="its edge"),
        pytest.param(openai_error(403, "unsupported_country"), "direct_refused", id="the region"),
        pytest.param(reply(403, b"<html>", content_type="text/html"), "direct_refused", id="its wall"),
        (breaks(RESET), "direct_connection_failed"),
        (reply(200, b'{"choices": [', RESET), "direct_connection_lost"),
        (reply(200, b""), "not_json"),
    ],
)
async def test_another_fault_goes_on_to_the_next_model_and_is_never_openrouters(act: Act, code: str) -> None:
    asked = world().script("fast", act)

    got = await asked.ask(NEAR, AFAR)

    assert upstreams_in(got.receipt)[0] == (NEAR, "near", code)
    assert got.receipt["attempts"][0]["source"] == "provider"
    assert got.receipt["served"] == AFAR


def test_no_fault_of_a_direct_upstream_speaks_of_openrouter() -> None:
    translated = [RULES[code] for code in AT_DIRECT.values()]

    assert {rule.source for rule in translated} == {"provider"}
    assert not [rule.message for rule in translated if "OpenRouter" in rule.message]


def test_every_fault_that_is_openrouters_or_stops_a_chain_has_its_like_at_a_direct_upstream() -> None:
    of_openrouter = {code for code, rule in RULES.items() if rule.source == "openrouter"}
    of_account = {code for code, rule in RULES.items() if rule.scope is not Scope.MODEL}

    assert of_openrouter | of_account <= set(AT_DIRECT) | set(AT_DIRECT.values())


async def test_what_openrouter_alone_understands_does_not_go_to_a_direct_upstream() -> None:
    asked = world()

    await asked.ask(
        NEAR,
        provider={"sort": "price"},
        plugins=[{"id": "web"}],
        reasoning={"effort": "low"},
        session_id="s",
        temperature=0,
        my_own=1,
    )

    (call,) = asked.upstream.received
    assert set(call.body) == {"model", "messages", "temperature", "my_own", "reasoning_effort"}
    assert call.body["reasoning_effort"] == "low"


async def test_a_request_without_such_fields_goes_up_as_it_came() -> None:
    asked = world()

    await asked.ask(NEAR, temperature=0.25, my_own={"a": [1]})

    (call,) = asked.upstream.received
    assert call.body["my_own"] == {"a": [1]}
    assert "stream_options" not in call.body


async def test_a_stream_is_asked_for_its_usage_and_its_cost_is_reckoned() -> None:
    usage = b'data: {"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 20}}\n\n'
    asked = world().script("fast", stream(text("Hello."), STOP, usage, DONE))

    got = await asked.ask(NEAR, stream=True, stream_options={"x": 1})

    (call,) = asked.upstream.received
    assert call.body["stream_options"] == {"x": 1, "include_usage": True}
    assert got.receipt["cost_usd"] == pytest.approx(0.0003)
    assert got.events[-2]["usage"]["cost"] == pytest.approx(0.0003)


async def test_a_plain_answers_cost_is_reckoned_by_the_declared_price() -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    asked = world().script("fast", answer(usage=usage))

    got = await asked.ask(NEAR)

    assert got.receipt["attempts"][0]["cost_usd"] == pytest.approx(0.0003)
    assert got.receipt["attempts"][0]["billed"] == "yes"
    assert got.json["usage"]["cost"] == pytest.approx(0.0003)


@pytest.mark.parametrize("said", [{}, {"cost": 7}], ids=["nothing said", "a cost in some unit"])
async def test_without_a_declared_price_the_cost_is_not_known(said: dict[str, object]) -> None:
    asked = world().script("other", answer(usage={"prompt_tokens": 100, "completion_tokens": 20, **said}))

    got = await asked.ask("direct:near/other")

    assert got.receipt["cost_usd"] is None
    assert got.json["usage"]["cost"] == said.get("cost")


@pytest.mark.parametrize("model", [NEAR, "direct:near/other"])
async def test_what_a_failed_answer_says_that_it_cost_is_no_bill(model: str) -> None:
    empty = {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
    name = model.removeprefix("direct:near/")
    asked = world().script(name, answer(choices=[empty], usage={"cost": 700}))

    got = await asked.ask(model, gateway={"retries": 0})

    assert (got.error["code"], got.receipt["cost_usd"]) == ("empty_answer", None)


async def test_a_ceiling_binds_by_the_declared_price() -> None:
    got = await world().ask(NEAR, max_tokens=100_000, gateway={"max_cost_usd": 0.5})

    assert (got.status, got.error["code"]) == (402, "over_max_cost")


@pytest.mark.parametrize("model", ["direct:nobody/fast", "direct:near", "direct:near/", "direct:"])
async def test_an_upstream_that_is_not_declared_is_the_callers_fault(model: str) -> None:
    asked = world()

    got = await asked.ask(AFAR, model)

    assert (got.status, got.error["code"], got.error["param"]) == (400, "unknown_upstream", "models")
    assert asked.upstream.received == []


async def test_a_free_limit_of_openrouters_says_nothing_of_a_direct_model() -> None:
    asked = world().script("x/y:free", fail(429, "free-models-per-min."))

    await asked.ask("x/y:free", "direct:near/z:free")

    assert asked.upstream.models == ["x/y:free", "z:free"]
