"""Anthropic's official client."""

from collections.abc import Iterator
from typing import Any

import anthropic
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

CLIENT = PACKAGE = "anthropic"
TOOL = {
    "name": WEATHER_TOOL["function"]["name"],
    "input_schema": WEATHER_TOOL["function"]["parameters"],
}
ASKED: dict[str, Any] = {"messages": MESSAGES, "max_tokens": 1000}


class City(BaseModel):
    city: str


def text_of(answer: anthropic.types.Message) -> str:
    return "".join(block.text for block in answer.content if block.type == "text")


@pytest.fixture
def client(gateway: Gateway) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway.url, auth_token=gateway.key, api_key=None) as client:
        yield client


@pytest.mark.shows("plain")
@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
def test_it_gets_an_answer_and_its_usage(header: str, gateway: Gateway) -> None:
    key = {"auth_token": gateway.key} if header == "authorization" else {"api_key": gateway.key}
    with anthropic.Anthropic(base_url=gateway.url, **key) as client:
        answer = client.messages.create(model="sim/ok", **ASKED)
    assert (text_of(answer), answer.stop_reason, answer.model) == (ANSWER, "end_turn", "sim/ok")
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0


@pytest.mark.shows("plain")
def test_it_gets_thinking_with_its_signature(client: anthropic.Anthropic) -> None:
    asked = {
        "model": "sim/signs-one",
        "max_tokens": 2000,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    answer = client.messages.create(messages=MESSAGES, **asked)
    assert [block.type for block in answer.content] == ["thinking", "text"]
    assert answer.content[0].signature.startswith("signed-by:")
    history = [
        *MESSAGES,
        {"role": "assistant", "content": answer.content},
        {"role": "user", "content": "Sure?"},
    ]
    assert text_of(client.messages.create(messages=history, **asked)) == ANSWER


@pytest.mark.shows("plain")
def test_tokens_are_counted_without_a_call(client: anthropic.Anthropic, upstream: Upstream) -> None:
    counted = client.messages.count_tokens(model="sim/ok", messages=MESSAGES)
    assert counted.input_tokens > 0
    assert upstream.models() == []


@pytest.mark.shows("stream")
@pytest.mark.parametrize("model", ["sim/ok", "sim/no-done", "sim/pings", "sim/done-named"])
def test_its_stream_helper_puts_the_answer_together(model: str, client: anthropic.Anthropic) -> None:
    with client.messages.stream(model=model, **ASKED) as stream:
        assert "".join(stream.text_stream) == ANSWER
        answer = stream.get_final_message()
    assert (text_of(answer), answer.stop_reason) == (ANSWER, "end_turn")
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0


@pytest.mark.shows("stream")
@pytest.mark.parametrize("model", ["sim/signs-one", "sim/withheld-500ms"])
def test_it_streams_thinking(model: str, client: anthropic.Anthropic) -> None:
    with client.messages.stream(model=model, thinking={"type": "adaptive"}, **ASKED) as stream:
        answer = stream.get_final_message()
    assert [block.type for block in answer.content] == ["thinking", "text"]
    assert answer.content[0].signature


@pytest.mark.shows("tools")
@pytest.mark.parametrize("streamed", [False, True])
def test_a_tools_result_leads_to_text(streamed: bool, client: anthropic.Anthropic) -> None:
    asked = {"model": "sim/tools", "tools": [TOOL], "max_tokens": 1000}
    if streamed:
        with client.messages.stream(messages=MESSAGES, **asked) as stream:
            answer = stream.get_final_message()
    else:
        answer = client.messages.create(messages=MESSAGES, **asked)
    assert answer.stop_reason == "tool_use"
    (call,) = [block for block in answer.content if block.type == "tool_use"]
    assert (call.name, call.input) == ("get_weather", {"city": "Oslo"})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "rain"}
    history = [
        *MESSAGES,
        {"role": "assistant", "content": answer.content},
        {"role": "user", "content": [result]},
    ]
    assert text_of(client.messages.create(messages=history, **asked)) == WEATHER


@pytest.mark.shows("structured")
def test_it_parses_a_model_of_pydantics(client: anthropic.Anthropic) -> None:
    answer = client.messages.parse(model="sim/json", output_format=City, **ASKED)
    assert answer.parsed_output == City(city="Canberra")


@pytest.mark.shows("errors")
def test_a_wrong_key_is_its_authentication_error(gateway: Gateway) -> None:
    client = anthropic.Anthropic(base_url=gateway.url, api_key="wrong")
    with client, pytest.raises(anthropic.AuthenticationError) as raised:
        client.messages.create(model="sim/ok", **ASKED)
    assert (raised.value.status_code, raised.value.type) == (401, "authentication_error")


@pytest.mark.shows("errors")
def test_a_bad_field_is_its_bad_request_error(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="messages") as raised:
        client.messages.create(model="sim/ok", messages=[], max_tokens=10)
    assert raised.value.type == "invalid_request_error"


@pytest.mark.shows("errors")
def test_a_prompt_that_is_too_long_says_so_in_anthropics_words(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="prompt is too long"):
        client.messages.create(model="sim/prompt-limit-1", **ASKED)


@pytest.mark.shows("errors")
def test_a_rate_limit_is_its_rate_limit_error_and_not_tried_again(
    limited: str, client: anthropic.Anthropic, upstream: Upstream
) -> None:
    with pytest.raises(anthropic.RateLimitError) as raised:
        client.messages.create(model=limited, **ASKED)
    assert raised.value.type == "rate_limit_error"
    assert upstream.models() == [limited]


@pytest.mark.shows("errors")
@pytest.mark.parametrize("streamed", [False, True])
def test_an_exhausted_chain_is_its_server_error_and_not_tried_again(
    streamed: bool, client: anthropic.Anthropic, upstream: Upstream
) -> None:
    with pytest.raises(anthropic.InternalServerError) as raised:
        client.messages.create(model=EXHAUSTED, stream=streamed, **ASKED)
    assert (raised.value.status_code, raised.value.type) == (502, "api_error")
    assert upstream.models() == [EXHAUSTED] * EXHAUSTED_CALLS


@pytest.mark.shows("errors")
def test_an_exhausted_chain_raises_after_keep_alives(client: anthropic.Anthropic) -> None:
    stream = client.messages.create(model="sim/hang", stream=True, extra_body=WITH_KEEP_ALIVE, **ASKED)
    with pytest.raises(anthropic.APIStatusError, match=r"sim/hang") as raised:
        list(stream)
    assert raised.value.type == "timeout_error"


@pytest.mark.shows("broken stream")
@pytest.mark.parametrize("model", CUT_OFF)
@pytest.mark.parametrize("helper", [False, True])
def test_a_cut_off_stream_raises_after_its_text(
    helper: bool, model: str, client: anthropic.Anthropic
) -> None:
    read: list[str] = []

    def from_helper() -> None:
        with client.messages.stream(model=model, **ASKED) as stream:
            read.extend(stream.text_stream)

    def from_events() -> None:
        events = client.messages.create(model=model, stream=True, **ASKED)
        read.extend(event.delta.text for event in events if event.type == "content_block_delta")

    with pytest.raises(anthropic.APIStatusError, match="was cut off"):
        from_helper() if helper else from_events()
    assert "".join(read) == CUT_OFF_TEXT


@pytest.mark.shows("fallback")
@pytest.mark.parametrize(
    "fields", [{"models": ["sim/ok"]}, {"fallbacks": [{"model": "sim/ok"}]}], ids=["models", "fallbacks"]
)
@pytest.mark.parametrize("streamed", [False, True])
def test_models_in_extra_body_are_the_chain(
    fields: dict[str, Any], streamed: bool, client: anthropic.Anthropic, upstream: Upstream
) -> None:
    asked = {"model": "sim/status-503", "extra_body": fields, **ASKED}
    if streamed:
        with client.messages.stream(**asked) as stream:
            answer = stream.get_final_message()
    else:
        answer = client.messages.create(**asked)
    assert (text_of(answer), answer.model) == (ANSWER, "sim/ok")
    assert upstream.models() == ["sim/status-503", "sim/ok"]


@pytest.mark.shows("models")
def test_it_lists_the_models(client: anthropic.Anthropic) -> None:
    listed = {model.id: model for model in client.models.list()}
    assert "~anthropic/claude-sonnet-latest" in listed
    assert all(model.type == "model" and model.display_name for model in listed.values())


@pytest.mark.shows("models")
@pytest.mark.parametrize("model", LISTED)
def test_it_retrieves_a_model(model: str, client: anthropic.Anthropic) -> None:
    assert client.models.retrieve(model).id == model


@pytest.mark.shows("models")
def test_an_unknown_model_is_its_not_found_error(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("sim/none")
