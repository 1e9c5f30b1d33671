"""LangChain's client for OpenAI."""

import functools
import operator
from typing import Any

import openai
import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel
from rig import (
    ANSWER,
    CUT_OFF,
    CUT_OFF_TEXT,
    EXHAUSTED,
    EXHAUSTED_CALLS,
    QUESTION,
    WEATHER,
    WEATHER_TOOL,
    Gateway,
    Upstream,
)

CLIENT = PACKAGE = "langchain-openai"


class City(BaseModel):
    city: str


def chat(gateway: Gateway, model: str, **options: Any) -> ChatOpenAI:
    return ChatOpenAI(model=model, base_url=gateway.v1, **{"api_key": gateway.key, **options})


@pytest.mark.shows("plain")
def test_it_gets_an_answer_and_its_usage(gateway: Gateway) -> None:
    answer = chat(gateway, "sim/ok").invoke(QUESTION)
    assert answer.content == ANSWER
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.usage_metadata["total_tokens"] > 0


@pytest.mark.shows("stream")
@pytest.mark.parametrize("model", ["sim/ok", "sim/ok-usage-empty-choices"])
def test_it_gets_a_stream_and_counts_its_usage_once(model: str, gateway: Gateway) -> None:
    plain = chat(gateway, "sim/ok").invoke(QUESTION)
    answer = functools.reduce(operator.add, chat(gateway, model, stream_usage=True).stream(QUESTION))
    assert answer.content == ANSWER
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.usage_metadata["total_tokens"] == plain.usage_metadata["total_tokens"]


@pytest.mark.shows("tools")
@pytest.mark.parametrize("streamed", [False, True])
def test_a_tools_result_leads_to_text(streamed: bool, gateway: Gateway) -> None:
    model = chat(gateway, "sim/tools").bind_tools([WEATHER_TOOL])
    first = functools.reduce(operator.add, model.stream(QUESTION)) if streamed else model.invoke(QUESTION)
    call = first.tool_calls[0]
    assert (call["name"], call["args"]) == ("get_weather", {"city": "Oslo"})
    second = model.invoke([HumanMessage(QUESTION), first, ToolMessage("rain", tool_call_id=call["id"])])
    assert second.content == WEATHER


@pytest.mark.shows("structured")
@pytest.mark.parametrize("method", ["json_schema", "json_mode"])
def test_it_parses_a_model_of_pydantics(method: str, gateway: Gateway) -> None:
    model = chat(gateway, "sim/json").with_structured_output(City, method=method)
    assert model.invoke(QUESTION) == City(city="Canberra")


@pytest.mark.shows("structured")
def test_it_parses_a_tool_call_as_a_model_of_pydantics(gateway: Gateway) -> None:
    model = chat(gateway, "sim/tools").with_structured_output(City, method="function_calling")
    assert model.invoke(QUESTION) == City(city="Oslo")


@pytest.mark.shows("errors")
def test_a_wrong_key_is_openais_authentication_error(gateway: Gateway) -> None:
    with pytest.raises(openai.AuthenticationError):
        chat(gateway, "sim/ok", api_key="wrong").invoke(QUESTION)


@pytest.mark.shows("errors")
def test_a_bad_field_is_openais_bad_request_error(gateway: Gateway) -> None:
    with pytest.raises(openai.BadRequestError):
        chat(gateway, "sim/ok", extra_body={"gateway": {"unknown": 1}}).invoke(QUESTION)


@pytest.mark.shows("errors")
def test_a_rate_limit_is_openais_rate_limit_error_and_not_tried_again(
    limited: str, gateway: Gateway, upstream: Upstream
) -> None:
    with pytest.raises(openai.RateLimitError):
        chat(gateway, limited).invoke(QUESTION)
    assert upstream.models() == [limited]


@pytest.mark.shows("errors")
@pytest.mark.parametrize("streamed", [False, True])
def test_an_exhausted_chain_is_openais_server_error_and_not_tried_again(
    streamed: bool, gateway: Gateway, upstream: Upstream
) -> None:
    model = chat(gateway, EXHAUSTED)
    with pytest.raises(openai.APIStatusError) as raised:
        list(model.stream(QUESTION)) if streamed else model.invoke(QUESTION)
    assert raised.value.status_code == 502
    assert upstream.models() == [EXHAUSTED] * EXHAUSTED_CALLS


@pytest.mark.shows("broken stream")
@pytest.mark.parametrize("model", CUT_OFF)
def test_a_cut_off_stream_raises_after_its_text(model: str, gateway: Gateway) -> None:
    read = []
    stream = chat(gateway, model).stream(QUESTION)
    with pytest.raises(openai.APIError, match="was cut off"):
        read.extend(str(chunk.content) for chunk in stream)
    assert "".join(read) == CUT_OFF_TEXT


@pytest.mark.shows("fallback")
def test_models_in_extra_body_are_the_chain(gateway: Gateway, upstream: Upstream) -> None:
    chain = ["sim/status-503", "sim/ok"]
    answer = chat(gateway, chain[0], extra_body={"models": chain[1:]}).invoke(QUESTION)
    assert (answer.response_metadata["model_name"], upstream.models()) == ("sim/ok", chain)


@pytest.mark.shows("models")
@pytest.mark.skip(reason="no such call")
def test_it_lists_the_models() -> None:
    raise NotImplementedError
