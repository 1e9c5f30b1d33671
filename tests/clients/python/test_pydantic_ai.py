"""Pydantic AI, with two of its model classes: the one for OpenAI's API, and the one for OpenRouter."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput, exceptions
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.models.openrouter import OpenRouterModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openrouter import OpenRouterProvider
from rig import ANSWER, CUT_OFF, EXHAUSTED, EXHAUSTED_CALLS, QUESTION, WEATHER, Gateway, Upstream

CLIENT, PACKAGE = "pydantic-ai", "pydantic-ai-slim"
OPENAI, OPENROUTER = OpenAIChatModel.__name__, OpenRouterModel.__name__

MakeAgent = Callable[..., "Agent[None, Any]"]


class City(BaseModel):
    city: str


@pytest.fixture(params=[OPENAI, OPENROUTER])
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def agent(variant: str, gateway: Gateway) -> MakeAgent:
    """A function that makes an ``Agent`` with a model and further options."""

    def make(model: str, key: str = gateway.key, **options: Any) -> "Agent[None, Any]":
        if variant == OPENAI:
            provider = OpenAIProvider(openai_client=AsyncOpenAI(base_url=gateway.v1, api_key=key))
            return Agent(OpenAIChatModel(model, provider=provider), **options)
        client = AsyncOpenAI(base_url=gateway.api_v1, api_key=key)
        return Agent(OpenRouterModel(model, provider=OpenRouterProvider(openai_client=client)), **options)

    return make


async def stream(agent: "Agent[None, Any]") -> tuple[str, int]:
    """Return a streamed answer's text and its number of tokens."""
    async with agent.run_stream(QUESTION) as running:
        text = "".join([piece async for piece in running.stream_text(delta=True)])
        return text, running.usage.output_tokens


@pytest.mark.shows("plain")
def test_it_gets_an_answer_and_its_usage(agent: MakeAgent) -> None:
    answer = agent("sim/ok").run_sync(QUESTION)
    assert (answer.output, answer.response.finish_reason) == (ANSWER, "stop")
    assert answer.usage.output_tokens > 0


@pytest.mark.shows("stream")
@pytest.mark.parametrize("model", ["sim/ok", "sim/ok-usage-empty-choices"])
def test_it_gets_a_stream_with_the_usage(model: str, agent: MakeAgent) -> None:
    plain = agent("sim/ok").run_sync(QUESTION)
    assert asyncio.run(stream(agent(model))) == (ANSWER, plain.usage.output_tokens)


@pytest.mark.shows("tools")
@pytest.mark.parametrize("streamed", [False, True])
def test_a_tools_result_leads_to_text(streamed: bool, agent: MakeAgent) -> None:
    asked = []

    def get_weather(city: str) -> str:
        asked.append(city)
        return "rain"

    weather = agent("sim/tools", tools=[get_weather])
    text = asyncio.run(stream(weather))[0] if streamed else weather.run_sync(QUESTION).output
    assert (text, asked) == (WEATHER, ["Oslo"])


@pytest.mark.shows("structured")
def test_a_tool_call_is_its_output(agent: MakeAgent) -> None:
    assert agent("sim/tools", output_type=City).run_sync(QUESTION).output == City(city="Oslo")


@pytest.mark.shows("structured")
def test_it_parses_json_by_a_schema(variant: str, agent: MakeAgent) -> None:
    if variant == OPENROUTER:
        with pytest.raises(exceptions.UserError):  # it decides by the model's name whether it takes a schema
            agent("sim/json", output_type=NativeOutput(City)).run_sync(QUESTION)
        return
    assert agent("sim/json", output_type=NativeOutput(City)).run_sync(QUESTION).output == City(
        city="Canberra"
    )


@pytest.mark.shows("errors")
def test_a_wrong_key_is_its_authentication_error(agent: MakeAgent) -> None:
    with pytest.raises(exceptions.ModelAuthenticationError):
        agent("sim/ok", "wrong").run_sync(QUESTION)


@pytest.mark.shows("errors")
def test_a_bad_field_is_its_rejected_error(agent: MakeAgent) -> None:
    bad = {"extra_body": {"gateway": {"unknown": 1}}}
    with pytest.raises(exceptions.ModelRequestRejectedError):
        agent("sim/ok", model_settings=bad).run_sync(QUESTION)


@pytest.mark.shows("errors")
def test_a_rate_limit_is_its_rate_limit_error_and_not_tried_again(
    limited: str, agent: MakeAgent, upstream: Upstream
) -> None:
    with pytest.raises(exceptions.ModelRateLimitError):
        agent(limited).run_sync(QUESTION)
    assert upstream.models() == [limited]


@pytest.mark.shows("errors")
@pytest.mark.parametrize("streamed", [False, True])
def test_an_exhausted_chain_is_its_server_error_and_not_tried_again(
    streamed: bool, agent: MakeAgent, upstream: Upstream
) -> None:
    asked = agent(EXHAUSTED)
    with pytest.raises(exceptions.ModelServerError) as raised:
        asyncio.run(stream(asked) if streamed else asked.run(QUESTION))
    assert raised.value.status_code == 502
    assert upstream.models() == [EXHAUSTED] * EXHAUSTED_CALLS


@pytest.mark.shows("broken stream")
@pytest.mark.parametrize("model", CUT_OFF)
def test_a_cut_off_stream_raises(model: str, agent: MakeAgent) -> None:
    with pytest.raises(exceptions.ModelAPIError, match="was cut off"):
        asyncio.run(stream(agent(model)))


@pytest.mark.shows("fallback")
def test_models_are_the_chain(variant: str, agent: MakeAgent, upstream: Upstream) -> None:
    chain = ["sim/status-503", "sim/ok"]
    openai, openrouter = {"extra_body": {"models": chain[1:]}}, {"openrouter_models": chain[1:]}
    settings = openai if variant == OPENAI else openrouter
    answer = agent(chain[0], model_settings=settings).run_sync(QUESTION)
    assert (answer.response.model_name, upstream.models()) == ("sim/ok", chain)


@pytest.mark.shows("models")
@pytest.mark.usefixtures("variant")
@pytest.mark.skip(reason="no such call")
def test_it_lists_the_models() -> None:
    raise NotImplementedError
