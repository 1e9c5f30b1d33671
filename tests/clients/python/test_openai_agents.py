"""OpenAI's Agents SDK. It asks by Responses unless it is told otherwise."""

from collections.abc import AsyncIterator

import pytest
from agents import (
    Agent,
    AgentOutputSchema,
    ModelSettings,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from agents.result import RunResultBase
from openai import APIError, APIStatusError, AsyncOpenAI
from pydantic import BaseModel
from rig import ANSWER, CUT_OFF, EXHAUSTED, EXHAUSTED_CALLS, QUESTION, WEATHER, Gateway, Upstream

CLIENT = PACKAGE = "openai-agents"
HANDOFF = "Let the weather agent answer."
set_tracing_disabled(True)
pytestmark = pytest.mark.anyio


class City(BaseModel):
    city: str


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@function_tool
def get_weather(city: str) -> str:
    """Return the weather in a city."""
    return f"rain in {city}"


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=gateway.v1, api_key=gateway.key) as client:
        yield client


def model(client: AsyncOpenAI, name: str) -> OpenAIResponsesModel:
    return OpenAIResponsesModel(model=name, openai_client=client)


def agent(client: AsyncOpenAI, name: str, **more: object) -> Agent:
    return Agent(**{"name": "Weather agent", "model": model(client, name), **more})


async def run(asked: Agent, prompt: str = QUESTION, *, is_streamed: bool = False) -> RunResultBase:
    if not is_streamed:
        return await Runner.run(asked, prompt)
    result = Runner.run_streamed(asked, prompt)
    async for _ in result.stream_events():
        pass
    return result


@pytest.mark.shows("plain")
async def test_it_gets_an_answer_and_its_usage(client: AsyncOpenAI) -> None:
    result = await run(agent(client, "sim/ok"))
    assert result.final_output == ANSWER
    assert result.context_wrapper.usage.total_tokens > 0


@pytest.mark.shows("stream")
@pytest.mark.parametrize("name", ["sim/ok", "sim/no-terminal"])
async def test_it_gets_a_stream(name: str, client: AsyncOpenAI) -> None:
    result = await run(agent(client, name), is_streamed=True)
    assert result.final_output == ANSWER


@pytest.mark.shows("tools")
@pytest.mark.parametrize("is_streamed", [False, True])
async def test_a_tools_result_leads_to_text(is_streamed: bool, client: AsyncOpenAI) -> None:
    weather = agent(client, "sim/tools", tools=[get_weather])
    result = await run(weather, is_streamed=is_streamed)
    assert result.final_output == WEATHER
    assert "tool_call_output_item" in [item.type for item in result.new_items]


@pytest.mark.shows("tools")
@pytest.mark.parametrize("is_streamed", [False, True])
async def test_it_hands_over_to_another_agent(is_streamed: bool, client: AsyncOpenAI) -> None:
    weather = agent(client, "sim/tools", tools=[get_weather])
    triage = Agent(name="Triage", model=model(client, "sim/tools"), handoffs=[weather])
    result = await run(triage, HANDOFF, is_streamed=is_streamed)
    assert result.last_agent is weather
    assert result.final_output == WEATHER


@pytest.mark.shows("structured")
async def test_it_parses_a_model_of_pydantics(client: AsyncOpenAI) -> None:
    typed = agent(client, "sim/json", output_type=AgentOutputSchema(City))
    assert (await run(typed)).final_output == City(city="Canberra")


@pytest.mark.shows("errors")
async def test_a_wrong_key_is_openais_error_with_401(client: AsyncOpenAI) -> None:
    with pytest.raises(APIStatusError) as raised:
        await run(agent(client.copy(api_key="wrong"), "sim/ok"))
    assert raised.value.status_code == 401


@pytest.mark.shows("errors")
async def test_a_rate_limit_is_openais_error_with_429_and_not_tried_again(
    limited: str, client: AsyncOpenAI, upstream: Upstream
) -> None:
    with pytest.raises(APIStatusError) as raised:
        await run(agent(client, limited))
    assert raised.value.status_code == 429
    assert upstream.models() == [limited]


@pytest.mark.shows("errors")
@pytest.mark.parametrize("is_streamed", [False, True])
async def test_an_exhausted_chain_is_openais_error_and_not_tried_again(
    is_streamed: bool, client: AsyncOpenAI, upstream: Upstream
) -> None:
    failing = agent(client, EXHAUSTED)
    with pytest.raises(APIStatusError) as raised:
        await run(failing, is_streamed=is_streamed)
    assert raised.value.status_code == 502
    assert upstream.models() == [EXHAUSTED] * EXHAUSTED_CALLS


@pytest.mark.shows("broken stream")
@pytest.mark.parametrize("name", CUT_OFF)
async def test_a_cut_off_stream_raises(name: str, client: AsyncOpenAI) -> None:
    with pytest.raises(APIError, match="was cut off"):
        await run(agent(client, name), is_streamed=True)


@pytest.mark.shows("fallback")
async def test_models_in_extra_body_are_the_chain(client: AsyncOpenAI, upstream: Upstream) -> None:
    chain = ["sim/status-503", "sim/ok"]
    settings = ModelSettings(extra_body={"models": chain[1:]})
    result = await run(agent(client, chain[0], model_settings=settings))
    assert (result.final_output, upstream.models()) == (ANSWER, chain)


@pytest.mark.shows("models")
@pytest.mark.skip(reason="no such call")
def test_it_lists_the_models() -> None:
    raise NotImplementedError
