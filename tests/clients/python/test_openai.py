"""OpenAI's official client."""

import openai
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

CLIENT = PACKAGE = "openai"


class City(BaseModel):
    city: str


@pytest.mark.shows("plain")
def test_it_gets_an_answer_and_its_usage(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="sim/ok", messages=MESSAGES)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (ANSWER, "stop")
    assert answer.usage
    assert answer.usage.total_tokens > 0


@pytest.mark.shows("stream")
@pytest.mark.parametrize("asks_for_usage", [True, False])
def test_it_gets_a_stream_whose_last_chunk_has_the_usage(asks_for_usage: bool, client: openai.OpenAI) -> None:
    options = {"stream_options": {"include_usage": True}} if asks_for_usage else {}
    chunks = list(client.chat.completions.create(model="sim/ok", messages=MESSAGES, stream=True, **options))
    assert "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices) == ANSWER
    assert chunks[-1].usage
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason] == [
        "stop"
    ]
    assert (chunks[-1].choices == []) is asks_for_usage


@pytest.mark.shows("stream")
def test_its_stream_helper_puts_the_answer_together(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="sim/ok", messages=MESSAGES) as stream:
        answer = stream.get_final_completion()
    assert answer.choices[0].message.content == ANSWER


@pytest.mark.shows("tools")
@pytest.mark.parametrize("streamed", [False, True])
def test_a_tools_result_leads_to_text(streamed: bool, client: openai.OpenAI) -> None:
    asked = {"model": "sim/tools", "tools": [WEATHER_TOOL]}
    if streamed:
        with client.chat.completions.stream(messages=MESSAGES, **asked) as stream:
            answer = stream.get_final_completion()
    else:
        answer = client.chat.completions.create(messages=MESSAGES, **asked)
    message = answer.choices[0].message
    assert answer.choices[0].finish_reason == "tool_calls"
    assert message.tool_calls
    call = message.tool_calls[0]
    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city":"Oslo"}')
    result = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
    second = client.chat.completions.create(messages=[*MESSAGES, message, result], **asked)
    assert second.choices[0].message.content == WEATHER


@pytest.mark.shows("structured")
def test_it_parses_a_model_of_pydantics(client: openai.OpenAI) -> None:
    answer = client.chat.completions.parse(model="sim/json", messages=MESSAGES, response_format=City)
    assert answer.choices[0].message.parsed == City(city="Canberra")


@pytest.mark.shows("errors")
def test_a_wrong_key_is_its_authentication_error(gateway: Gateway) -> None:
    client = openai.OpenAI(base_url=gateway.v1, api_key="wrong")
    with client, pytest.raises(openai.AuthenticationError) as raised:
        client.chat.completions.create(model="sim/ok", messages=MESSAGES)
    assert (raised.value.status_code, raised.value.code) == (401, "invalid_key")


@pytest.mark.shows("errors")
def test_a_bad_field_is_its_bad_request_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="sim/ok", messages=[])
    assert raised.value.param == "messages"


@pytest.mark.shows("errors")
def test_a_rate_limit_is_its_rate_limit_error_and_not_tried_again(
    limited: str, client: openai.OpenAI, upstream: Upstream
) -> None:
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model=limited, messages=MESSAGES)
    assert upstream.models() == [limited]


@pytest.mark.shows("errors")
@pytest.mark.parametrize("streamed", [False, True])
def test_an_exhausted_chain_is_its_server_error_and_not_tried_again(
    streamed: bool, client: openai.OpenAI, upstream: Upstream
) -> None:
    with pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(model=EXHAUSTED, messages=MESSAGES, stream=streamed)
    assert (raised.value.status_code, raised.value.code) == (502, "provider_error")
    assert upstream.models() == [EXHAUSTED] * EXHAUSTED_CALLS


@pytest.mark.shows("errors")
def test_an_exhausted_chain_raises_after_keep_alive_comments(client: openai.OpenAI) -> None:
    asked = {"model": "sim/hang", "messages": MESSAGES, "extra_body": WITH_KEEP_ALIVE}
    stream = client.chat.completions.create(stream=True, **asked)
    with pytest.raises(openai.APIError) as raised:
        list(stream)
    assert raised.value.code == "attempt_timeout"


@pytest.mark.shows("broken stream")
@pytest.mark.parametrize("model", CUT_OFF)
def test_a_cut_off_stream_raises_after_its_text(model: str, client: openai.OpenAI) -> None:
    read = []
    stream = client.chat.completions.create(model=model, messages=MESSAGES, stream=True)
    with pytest.raises(openai.APIError, match="was cut off"):
        read.extend(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "".join(read) == CUT_OFF_TEXT


@pytest.mark.shows("fallback")
def test_models_in_extra_body_are_the_chain(client: openai.OpenAI, upstream: Upstream) -> None:
    chain = ["sim/status-503", "sim/ok"]
    answer = client.chat.completions.create(
        model=chain[0], messages=MESSAGES, extra_body={"models": chain[1:]}
    )
    assert (answer.model, upstream.models()) == ("sim/ok", chain)


@pytest.mark.shows("models")
def test_it_lists_the_models(client: openai.OpenAI) -> None:
    listed = {model.id: model for model in client.models.list()}
    assert set(LISTED) <= set(listed)
    assert (listed["sim/ok"].object, listed["sim/ok"].owned_by) == ("model", "sim")
    assert listed["sim/ok"].created > 0


@pytest.mark.shows("models")
@pytest.mark.parametrize("model", LISTED)
def test_it_retrieves_a_model(model: str, client: openai.OpenAI) -> None:
    assert client.models.retrieve(model).id == model


@pytest.mark.shows("models")
def test_an_unknown_model_is_its_not_found_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        client.models.retrieve("sim/none")
    assert raised.value.code == "not_found"
