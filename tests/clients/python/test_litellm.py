"""LiteLLM as a client, through two of its providers: the one for OpenAI's API, and the one for OpenRouter."""

import os
from collections.abc import Callable
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # otherwise its import fetches prices from the network

import litellm
import pytest
from pydantic import BaseModel
from rig import (
    ANSWER,
    CUT_OFF,
    CUT_OFF_TEXT,
    EXHAUSTED,
    EXHAUSTED_CALLS,
    LISTED,
    MESSAGES,
    WEATHER,
    WEATHER_TOOL,
    WITH_KEEP_ALIVE,
    Gateway,
    Upstream,
)

CLIENT = PACKAGE = "litellm"
OPENAI, OPENROUTER = "openai/…", "openrouter/…"
litellm.suppress_debug_info = True

Complete = Callable[..., Any]


class City(BaseModel):
    city: str


@pytest.fixture(params=[OPENAI, OPENROUTER])
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def complete(variant: str, gateway: Gateway) -> Complete:
    """A function that calls ``litellm.completion`` with a model of the gateway and further options."""
    base_url = gateway.v1 if variant == OPENAI else gateway.api_v1

    def call(model: str, **options: Any) -> Any:
        named = {"messages": MESSAGES, "api_key": gateway.key, **options}
        return litellm.completion(model=variant.replace("…", model), api_base=base_url, **named)

    return call


@pytest.mark.shows("plain")
def test_it_gets_an_answer_and_its_usage(complete: Complete) -> None:
    answer = complete("sim/ok")
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (ANSWER, "stop")
    assert answer.usage.total_tokens > 0


@pytest.mark.shows("plain")
def test_an_answer_cut_by_its_length_says_so(complete: Complete) -> None:
    assert complete("sim/length").choices[0].finish_reason == "length"


@pytest.mark.shows("stream")
@pytest.mark.parametrize("model", ["sim/ok", "sim/ok-usage-empty-choices"])
def test_it_gets_a_stream_with_the_usage(model: str, complete: Complete) -> None:
    chunks = list(complete(model, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == ANSWER
    reasons = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
    assert [reason for reason in reasons if reason] == ["stop"]
    assert chunks[-1].usage.total_tokens > 0


@pytest.mark.shows("tools")
@pytest.mark.parametrize("streamed", [False, True])
def test_a_tools_result_leads_to_text(streamed: bool, complete: Complete) -> None:
    first = complete("sim/tools", tools=[WEATHER_TOOL], stream=streamed)
    choice = (litellm.stream_chunk_builder(list(first)) if streamed else first).choices[0]
    assert choice.finish_reason == "tool_calls"
    call = choice.message.tool_calls[0]
    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city":"Oslo"}')
    result = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
    second = complete("sim/tools", tools=[WEATHER_TOOL], messages=[*MESSAGES, choice.message, result])
    assert second.choices[0].message.content == WEATHER


@pytest.mark.shows("structured")
def test_it_gets_json_by_a_model_of_pydantics(complete: Complete) -> None:
    answer = complete("sim/json", response_format=City)
    assert City.model_validate_json(answer.choices[0].message.content) == City(city="Canberra")


@pytest.mark.shows("errors")
def test_a_wrong_key_is_its_authentication_error(complete: Complete) -> None:
    with pytest.raises(litellm.AuthenticationError):
        complete("sim/ok", api_key="wrong")


@pytest.mark.shows("errors")
def test_a_bad_field_is_its_bad_request_error(complete: Complete) -> None:
    with pytest.raises(litellm.BadRequestError):
        complete("sim/ok", extra_body={"gateway": {"unknown": 1}})


@pytest.mark.shows("errors")
def test_a_rate_limit_is_its_rate_limit_error_and_not_tried_again(
    limited: str, complete: Complete, upstream: Upstream
) -> None:
    with pytest.raises(litellm.RateLimitError):
        complete(limited)
    assert upstream.models() == [limited]


@pytest.mark.shows("errors")
@pytest.mark.parametrize("streamed", [False, True])
def test_an_exhausted_chain_has_our_status_and_is_not_tried_again(
    streamed: bool, complete: Complete, upstream: Upstream
) -> None:
    # The class for a 502 depends on the provider; both classes are subclasses of OpenAI's, with the status.
    with pytest.raises((litellm.BadGatewayError, litellm.APIError)) as raised:
        complete(EXHAUSTED, stream=streamed)
    assert raised.value.status_code == 502
    assert upstream.models() == [EXHAUSTED] * EXHAUSTED_CALLS


@pytest.mark.shows("errors")
def test_an_exhausted_chain_raises_after_keep_alive_comments(complete: Complete) -> None:
    stream = complete("sim/hang", stream=True, extra_body=WITH_KEEP_ALIVE)
    # The class depends on the provider.
    with pytest.raises((litellm.exceptions.MidStreamFallbackError, litellm.APIError), match="deadline"):
        list(stream)


@pytest.mark.shows("broken stream")
@pytest.mark.parametrize("model", CUT_OFF)
def test_a_cut_off_stream_raises_its_own_error_after_its_text(model: str, complete: Complete) -> None:
    read = []
    stream = complete(model, stream=True)
    with pytest.raises(litellm.exceptions.MidStreamFallbackError, match="was cut off"):
        read.extend(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "".join(read) == CUT_OFF_TEXT


@pytest.mark.shows("fallback")
def test_models_in_extra_body_are_the_chain(complete: Complete, upstream: Upstream) -> None:
    chain = ["sim/status-503", "sim/ok"]
    answer = complete(chain[0], extra_body={"models": chain[1:]})
    assert (answer.model, upstream.models()) == ("sim/ok", chain)


@pytest.mark.shows("models")
def test_it_lists_the_models(variant: str, gateway: Gateway) -> None:
    if variant == OPENROUTER:
        pytest.skip("it has a list of its own")
    asked = {"check_provider_endpoint": True, "custom_llm_provider": "openai"}
    models = litellm.get_valid_models(**asked, api_key=gateway.key, api_base=gateway.v1)
    assert set(LISTED) <= set(models)
