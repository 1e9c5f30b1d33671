"""OpenRouter's official client. It validates answers and errors with strict models."""

from collections.abc import Iterator

import pytest
from openrouter import OpenRouter, errors
from openrouter.utils import BackoffStrategy, RetryConfig
from rig import (
    ANSWER,
    CITY_SCHEMA,
    CUT_OFF,
    CUT_OFF_TEXT,
    EXHAUSTED,
    EXHAUSTED_CALLS,
    LISTED,
    MESSAGES,
    WEATHER,
    WEATHER_TOOL,
    Gateway,
    Upstream,
)

CLIENT = PACKAGE = "openrouter"
# By default it retries any 5xx for an hour, and there is no header that stops it.
NO_RETRIES = RetryConfig("none", BackoffStrategy(1, 1, 1, 1), retry_connection_errors=False)
REMARK = "with its own retries off"


@pytest.fixture
def client(gateway: Gateway) -> Iterator[OpenRouter]:
    with OpenRouter(api_key=gateway.key, server_url=gateway.api_v1, retry_config=NO_RETRIES) as client:
        yield client


@pytest.mark.shows("plain")
def test_it_gets_an_answer_and_its_cost(client: OpenRouter) -> None:
    answer = client.chat.send(model="sim/ok", messages=MESSAGES)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (ANSWER, "stop")
    assert answer.usage.cost > 0


@pytest.mark.shows("stream")
def test_it_gets_a_stream_with_the_usage(client: OpenRouter) -> None:
    with client.chat.send(model="sim/ok", messages=MESSAGES, stream=True) as stream:
        chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason] == ["stop"]
    assert chunks[-1].usage.cost > 0


@pytest.mark.shows("tools")
def test_a_tools_result_leads_to_text(client: OpenRouter) -> None:
    asked = {"model": "sim/tools", "tools": [WEATHER_TOOL]}
    message = client.chat.send(messages=MESSAGES, **asked).choices[0].message
    call = message.tool_calls[0]
    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city":"Oslo"}')
    result = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
    second = client.chat.send(messages=[*MESSAGES, message, result], **asked)
    assert second.choices[0].message.content == WEATHER


@pytest.mark.shows("tools")
def test_a_streamed_tool_call_is_complete(client: OpenRouter) -> None:
    with client.chat.send(model="sim/tools", messages=MESSAGES, tools=[WEATHER_TOOL], stream=True) as stream:
        pieces = [call for chunk in stream for call in chunk.choices[0].delta.tool_calls or []]
    assert pieces[0].function.name == "get_weather"
    assert "".join(piece.function.arguments or "" for piece in pieces) == '{"city":"Oslo"}'


@pytest.mark.shows("structured")
def test_it_gets_json_by_a_schema(client: OpenRouter) -> None:
    schema = {"name": "city", "strict": True, "schema": CITY_SCHEMA}
    answer = client.chat.send(
        model="sim/json",
        messages=MESSAGES,
        response_format={"type": "json_schema", "json_schema": schema},
    )
    assert answer.choices[0].message.content == '{"city": "Canberra"}'


@pytest.mark.shows("errors", REMARK)
def test_a_wrong_key_is_its_unauthorized_error(gateway: Gateway) -> None:
    client = OpenRouter(api_key="wrong", server_url=gateway.api_v1)
    with client, pytest.raises(errors.UnauthorizedResponseError):
        client.chat.send(model="sim/ok", messages=MESSAGES)


@pytest.mark.shows("errors", REMARK)
def test_a_bad_field_is_its_bad_request_error(client: OpenRouter) -> None:
    with pytest.raises(errors.BadRequestResponseError):
        client.chat.send(model="sim/ok", messages=[])


@pytest.mark.shows("errors", REMARK)
def test_a_rate_limit_is_its_too_many_requests_error(limited: str, client: OpenRouter) -> None:
    with pytest.raises(errors.TooManyRequestsResponseError):
        client.chat.send(model=limited, messages=MESSAGES)


@pytest.mark.shows("errors", REMARK)
def test_an_exhausted_chain_is_its_bad_gateway_error(client: OpenRouter) -> None:
    with pytest.raises(errors.BadGatewayResponseError):
        client.chat.send(model=EXHAUSTED, messages=MESSAGES)


@pytest.mark.shows("errors", REMARK)
def test_an_exhausted_chain_is_not_tried_again(client: OpenRouter, upstream: Upstream) -> None:
    with pytest.raises(errors.OpenRouterError) as raised:
        client.chat.send(model=EXHAUSTED, messages=MESSAGES)
    assert raised.value.status_code == 502
    assert upstream.models() == [EXHAUSTED] * EXHAUSTED_CALLS


@pytest.mark.shows("broken stream")
@pytest.mark.parametrize("model", CUT_OFF)
def test_a_cut_off_stream_ends_in_its_error_chunk(model: str, client: OpenRouter) -> None:
    with client.chat.send(model=model, messages=MESSAGES, stream=True) as stream:
        chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == CUT_OFF_TEXT
    assert "was cut off" in chunks[-1].error.message
    assert chunks[-1].choices[0].finish_reason == "error"


@pytest.mark.shows("models")
def test_it_gets_the_state_of_the_key(client: OpenRouter) -> None:
    data = client.api_keys.get_current_key_metadata().data
    assert (data.label != "", data.usage >= 0) == (True, True)


@pytest.mark.shows("fallback")
def test_models_are_the_chain(client: OpenRouter, upstream: Upstream) -> None:
    chain = ["sim/status-503", "sim/ok"]
    answer = client.chat.send(models=chain, messages=MESSAGES)
    assert (answer.model, upstream.models()) == ("sim/ok", chain)


@pytest.mark.shows("models")
@pytest.mark.parametrize("limit", [1, 500])
def test_it_lists_the_models_page_by_page(limit: int, client: OpenRouter) -> None:
    page = client.models.list(limit=limit)
    ids = []
    while page:
        ids += [model.id for model in page.result.data]
        total = page.result.total_count
        page = page.next()
    assert set(LISTED) <= set(ids)
    assert len(ids) == len(set(ids)) == total


@pytest.mark.shows("models")
@pytest.mark.parametrize("model", LISTED)
def test_it_gets_a_model(model: str, client: OpenRouter) -> None:
    author, _, slug = model.partition("/")
    found = client.models.get(author=author, slug=slug).data
    assert (found.id, float(found.pricing.prompt) >= 0) == (model, True)


@pytest.mark.shows("models")
def test_it_lists_a_models_endpoints(client: OpenRouter) -> None:
    assert client.endpoints.list(author="sim", slug="ok").data.endpoints


@pytest.mark.shows("models")
def test_an_unknown_model_is_its_not_found_error(client: OpenRouter) -> None:
    with pytest.raises(errors.NotFoundResponseError):
        client.models.get(author="sim", slug="none")
