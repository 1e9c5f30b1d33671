"""Direct upstreams: in one chain with OpenRouter, each with its own key."""

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
    accept_key,
    answer,
    breaks,
    fail,
    refuse,
    reply,
    stream,
)
from tests.support.world import TOKEN, UPSTREAM_KEY, World, chat, finish, one_key

pytestmark = pytest.mark.anyio
DIRECT_KEY = "canary-of-the-direct-key"
DIRECT_HOST = "direct.example"
PRICES = {"fast": {"prompt": 1, "completion": 10}}
DECLARED = {"near": {"base_url": DIRECT_BASE_URL, "secret": "NEAR_KEY", "usd_per_million_tokens": PRICES}}
DIRECT_MODEL, OPENROUTER_MODEL = "direct:near/fast", "a/one"


def world(**env: str) -> World:
    return World({"UPSTREAMS": json.dumps(DECLARED), "NEAR_KEY": DIRECT_KEY, **env})


def openai_error(status: int, code: str | None, message: str = "No.", **headers: str) -> Act:
    error = {"message": message, "type": "x", "param": None, "code": code}
    return reply(status, json.dumps({"error": error}).encode(), **headers)


def upstreams_in(receipt: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(each["model"], each["upstream"], each["code"]) for each in receipt["attempts"]]


@pytest.mark.parametrize("streamed", [False, True])
async def test_each_key_goes_to_its_own_host_and_nowhere_else(streamed: bool) -> None:
    made = world().script("fast", fail(503))
    headers = {"authorization": f"Bearer {TOKEN}", "http-referer": "https://app.example", "x-title": "App"}

    asked = chat(DIRECT_MODEL, OPENROUTER_MODEL, stream=streamed)
    got = await finish(await made.begin(asked, headers=headers))

    assert [(each.host, each.model) for each in made.upstream.received] == [
        (DIRECT_HOST, "fast"),
        ("openrouter.ai", OPENROUTER_MODEL),
    ]
    direct, openrouter = made.upstream.received
    assert direct.headers["authorization"] == f"Bearer {DIRECT_KEY}"
    assert openrouter.headers["authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert openrouter.headers["http-referer"] == "https://app.example"
    assert not {"http-referer", "x-title", "x-openrouter-title"} & set(direct.headers)
    assert UPSTREAM_KEY not in str(direct)
    assert DIRECT_KEY not in str(openrouter) + made.log_text + got.body.decode() + str(got.headers)


@pytest.mark.parametrize("streamed", [False, True])
async def test_every_attempt_in_the_receipt_names_its_upstream(streamed: bool) -> None:
    made = world().script("fast", fail(503))

    got = await made.ask(DIRECT_MODEL, OPENROUTER_MODEL, stream=streamed)

    assert upstreams_in(got.receipt) == [
        (DIRECT_MODEL, "near", "overloaded"),
        (OPENROUTER_MODEL, "openrouter", None),
    ]


async def test_a_direct_upstream_answers_if_openrouter_is_down() -> None:
    made = world().script(OPENROUTER_MODEL, refuse).script("b/two", fail(502))

    got = await made.ask(OPENROUTER_MODEL, "b/two", DIRECT_MODEL)

    assert got.receipt["served"] == DIRECT_MODEL
    assert got.headers["x-gateway-model"] == DIRECT_MODEL


@pytest.mark.parametrize(
    ("act", "code"),
    [
        pytest.param(openai_error(401, "invalid_api_key"), "direct_key_rejected", id="its key"),
        pytest.param(openai_error(429, "insufficient_quota"), "direct_quota_spent", id="its quota"),
        pytest.param(openai_error(402, None), "direct_quota_spent", id="its credit"),
        pytest.param(reply(302, location="https://evil.example/"), "direct_redirected", id="a redirect"),
    ],
)
async def test_an_account_fault_drops_its_own_upstream_only(act: Act, code: str) -> None:
    made = world().script("fast", act)

    got = await made.ask(DIRECT_MODEL, "direct:near/other", OPENROUTER_MODEL)

    assert [each.model for each in made.upstream.received] == ["fast", OPENROUTER_MODEL]
    assert upstreams_in(got.receipt)[0] == (DIRECT_MODEL, "near", code)
    assert got.receipt["skipped"] == [
        {"model": "direct:near/other", "reason": "account_at_fault", "upstream": "near"}
    ]


async def test_direct_upstreams_are_still_called_if_openrouter_refuses_its_key() -> None:
    made = world().script(OPENROUTER_MODEL, fail(401, "User not found."))

    got = await made.ask(OPENROUTER_MODEL, "b/two", DIRECT_MODEL)

    assert upstreams_in(got.receipt) == [
        (OPENROUTER_MODEL, "openrouter", "upstream_key_rejected"),
        (DIRECT_MODEL, "near", None),
    ]


async def test_an_account_fault_ends_a_chain_without_another_upstream() -> None:
    made = world().script("fast", openai_error(401, "invalid_api_key"))

    got = await made.ask(DIRECT_MODEL, "direct:near/other")

    assert (got.status, got.error["code"]) == (502, "direct_key_rejected")
    assert got.error["metadata"]["source"] == "provider"
    assert got.headers["x-should-retry"] == "false"
    assert len(made.upstream.received) == 1


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
        pytest.param(reply(403, b"<html>", content_type="text/html"), "direct_refused", id="its firewall"),
        (breaks(RESET), "direct_connection_failed"),
        (reply(200, b'{"choices": [', RESET), "direct_connection_lost"),
        (reply(200, b""), "not_json"),
    ],
)
async def test_other_faults_fall_back_and_are_never_attributed_to_openrouter(act: Act, code: str) -> None:
    made = world().script("fast", act)

    got = await made.ask(DIRECT_MODEL, OPENROUTER_MODEL)

    assert upstreams_in(got.receipt)[0] == (DIRECT_MODEL, "near", code)
    assert got.receipt["attempts"][0]["source"] == "provider"
    assert got.receipt["served"] == OPENROUTER_MODEL


def test_no_fault_of_a_direct_upstream_mentions_openrouter() -> None:
    translated = [RULES[code] for code in AT_DIRECT.values()]

    assert {rule.source for rule in translated} == {"provider"}
    assert not [rule.message for rule in translated if "OpenRouter" in rule.message]


def test_every_fault_of_openrouter_or_of_an_account_has_a_counterpart_at_a_direct_upstream() -> None:
    of_openrouter = {code for code, rule in RULES.items() if rule.source == "openrouter"}
    of_account = {code for code, rule in RULES.items() if rule.scope is not Scope.MODEL}

    assert of_openrouter | of_account <= set(AT_DIRECT) | set(AT_DIRECT.values())


async def test_openrouters_own_fields_are_not_sent_to_a_direct_upstream() -> None:
    made = world()

    await made.ask(
        DIRECT_MODEL,
        provider={"sort": "price"},
        plugins=[{"id": "web"}],
        reasoning={"effort": "low"},
        session_id="s",
        temperature=0,
        my_own=1,
    )

    (call,) = made.upstream.received
    assert set(call.body) == {"model", "messages", "temperature", "my_own", "reasoning_effort"}
    assert call.body["reasoning_effort"] == "low"


async def test_a_request_without_openrouters_own_fields_is_sent_unchanged() -> None:
    made = world()

    await made.ask(DIRECT_MODEL, temperature=0.25, my_own={"a": [1]})

    (call,) = made.upstream.received
    assert call.body["my_own"] == {"a": [1]}
    assert "stream_options" not in call.body


async def test_a_stream_is_asked_for_its_usage_and_its_cost_is_computed() -> None:
    usage = b'data: {"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 20}}\n\n'
    made = world().script("fast", stream(text("Hello."), STOP, usage, DONE))

    got = await made.ask(DIRECT_MODEL, stream=True, stream_options={"x": 1})

    (call,) = made.upstream.received
    assert call.body["stream_options"] == {"x": 1, "include_usage": True}
    assert got.receipt["cost_usd"] == pytest.approx(0.0003)
    assert got.events[-2]["usage"]["cost"] == pytest.approx(0.0003)


async def test_a_plain_answers_cost_is_computed_from_the_declared_price() -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    made = world().script("fast", answer(usage=usage))

    got = await made.ask(DIRECT_MODEL)

    assert got.receipt["attempts"][0]["cost_usd"] == pytest.approx(0.0003)
    assert got.receipt["attempts"][0]["billed"] == "yes"
    assert got.json["usage"]["cost"] == pytest.approx(0.0003)


@pytest.mark.parametrize("reported", [{}, {"cost": 7}], ids=["no cost", "a cost in an unknown unit"])
async def test_without_a_declared_price_the_cost_is_unknown(reported: dict[str, object]) -> None:
    made = world().script("other", answer(usage={"prompt_tokens": 100, "completion_tokens": 20, **reported}))

    got = await made.ask("direct:near/other")

    assert got.receipt["cost_usd"] is None
    assert got.json["usage"].get("cost") == reported.get("cost")


@pytest.mark.parametrize("model", [DIRECT_MODEL, "direct:near/other"])
async def test_a_cost_that_a_failed_direct_answer_reports_is_ignored(model: str) -> None:
    empty = {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
    name = model.removeprefix("direct:near/")
    made = world().script(name, answer(choices=[empty], usage={"cost": 700}))

    got = await made.ask(model, gateway={"retries": 0})

    assert (got.error["code"], got.receipt["cost_usd"]) == ("empty_answer", None)


async def test_a_cost_ceiling_uses_the_declared_price() -> None:
    got = await world().ask(DIRECT_MODEL, max_tokens=100_000, gateway={"max_cost_usd": 0.5})

    assert (got.status, got.error["code"]) == (402, "over_max_cost")


@pytest.mark.parametrize("model", ["direct:nobody/fast", "direct:near", "direct:near/", "direct:"])
async def test_an_undeclared_upstream_is_a_400(model: str) -> None:
    made = world()

    got = await made.ask(OPENROUTER_MODEL, model)

    assert (got.status, got.error["code"], got.error["param"]) == (400, "unknown_upstream", "models")
    assert made.upstream.received == []


@pytest.mark.parametrize(
    ("allowed", "listed"),
    [
        (None, "near, second."),
        (["direct:second/*"], "second."),
        (["direct:near/fast", "a/*"], "near."),
        (["direct:*"], "near, second."),
        (["a/*"], "none."),
    ],
    ids=repr,
)
async def test_of_the_upstreams_a_caller_is_told_those_that_its_key_may_use(
    allowed: list[str] | None, listed: str
) -> None:
    key = one_key(models=allowed) if allowed else one_key()
    declared = {name: {"base_url": DIRECT_BASE_URL} for name in ("near", "second")}
    made = World({"GATEWAY_KEYS": key, "UPSTREAMS": json.dumps(declared)})

    got = await made.ask("direct:nobody/fast")

    assert got.error["message"].endswith(f" are: {listed}")


async def test_a_caller_with_a_key_of_its_own_is_told_of_no_upstream() -> None:
    made = World(
        {"ALLOW_CLIENT_KEYS": "true", "UPSTREAMS": json.dumps({"near": {"base_url": DIRECT_BASE_URL}})}
    )
    made.upstream.pages["/key"] = (accept_key,)

    response = await made.begin(chat("direct:nobody/fast"), headers={"authorization": "Bearer sk-or-own"})

    assert (await finish(response)).error["message"].endswith(" are: none.")


async def test_openrouters_free_limit_does_not_affect_direct_models() -> None:
    made = world().script("x/y:free", fail(429, "free-models-per-min."))

    await made.ask("x/y:free", "direct:near/z:free")

    assert made.upstream.models == ["x/y:free", "z:free"]
