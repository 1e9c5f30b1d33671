"""Direct upstreams that declare which wire formats they speak, and Anthropic's own API."""

import json

import pytest

from tests.support.responses import RESPONSE, message
from tests.support.speech import MESSAGES
from tests.support.upstream import DIRECT_BASE_URL, reply
from tests.support.world import TOKEN, Answer, World, finish

pytestmark = pytest.mark.anyio
KEY = "canary-of-the-direct-key"
PRICES = {"fast": {"prompt": 1, "completion": 10}}
MODEL = "direct:near/fast"
ANSWER = {
    **RESPONSE,
    "status": "completed",
    "output": [message("Hello.")],
    "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
}


def world(**declared: object) -> World:
    near = {"base_url": DIRECT_BASE_URL, "secret": "NEAR_KEY", "usd_per_million_tokens": PRICES, **declared}
    return World({"UPSTREAMS": json.dumps({"near": near}), "NEAR_KEY": KEY})


async def respond(made: World, *models: str, **given: object) -> Answer:
    body = {"input": "Hi", "models": list(models), **given}
    headers = {"authorization": f"Bearer {TOKEN}"}
    return await finish(await made.begin(body, path="/v1/responses", headers=headers))


async def test_an_upstream_that_declares_a_format_is_called_without_openrouters_fields() -> None:
    made = world(dialects=["chat", "responses"]).script("fast", reply(200, json.dumps(ANSWER).encode()))

    answer = await respond(made, MODEL, provider={"sort": "price"}, session_id="s", store=False)

    (call,) = made.upstream.received
    assert (call.host, call.path) == ("direct.example", "/v1/responses")
    assert call.body == {"model": "fast", "input": "Hi", "store": False}
    assert answer.receipt["cost_usd"] == pytest.approx(0.000023)


@pytest.mark.parametrize("declared", [{}, {"dialects": ["chat"]}, {"format": "anthropic"}])
async def test_any_other_upstream_is_skipped_and_the_receipt_says_why(declared: dict[str, object]) -> None:
    made = world(**declared).script("a/one", reply(200, json.dumps(ANSWER).encode()))

    answer = await respond(made, MODEL, "a/one")

    assert answer.receipt["served"] == "a/one"
    assert answer.receipt["skipped"] == [{"model": MODEL, "reason": "format_unsupported"}]


@pytest.mark.parametrize("streamed", [False, True])
async def test_anthropics_api_gets_its_key_in_its_own_header_and_the_version(streamed: bool) -> None:
    act = MESSAGES.streams("Hello.") if streamed else MESSAGES.answers("Hello.")
    made = world(format="anthropic").script("fast", act)
    beta = {"anthropic-beta": "x-2026-01-01", "x-session-id": "s"}

    answer = await MESSAGES.ask(
        made, MODEL, stream=streamed, headers=beta, provider={"sort": "price"}, user="u", metadata={}
    )

    (call,) = made.upstream.received
    assert (call.host, call.path) == ("direct.example", "/v1/messages")
    assert call.headers["x-api-key"] == KEY
    assert "authorization" not in call.headers
    assert "x-session-id" not in call.headers
    assert call.headers["anthropic-version"] == "2023-06-01"
    assert call.headers["anthropic-beta"] == "x-2026-01-01"
    assert not {"provider", "user", "models"} & set(call.body)
    assert answer.receipt["cost_usd"] == pytest.approx(0.000023)
    assert KEY not in answer.body.decode() + str(answer.headers) + made.log_text


async def test_a_fault_of_a_direct_upstream_is_that_of_its_own_kind() -> None:
    made = (
        world(format="anthropic")
        .script("fast", MESSAGES.fails(401))
        .script("a/one", MESSAGES.answers("One."))
    )

    answer = await MESSAGES.ask(made, MODEL, "a/one")

    assert answer.receipt["attempts"][0]["code"] == "direct_key_rejected"
    assert answer.receipt["served"] == "a/one"
