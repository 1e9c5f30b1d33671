"""OpenAI's official client, with Responses."""

import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel
from rig import (
    ANSWER,
    CUT_OFF,
    CUT_OFF_TEXT,
    EXHAUSTED,
    EXHAUSTED_CALLS,
    QUESTION,
    RESPONSES_TOOL,
    WEATHER,
    WITH_KEEP_ALIVE,
    Gateway,
    Upstream,
)

CLIENT = "openai` `responses"
PACKAGE = "openai"


class City(BaseModel):
    city: str


@pytest.mark.shows("plain")
def test_it_gets_an_answer_and_its_usage(client: openai.OpenAI) -> None:
    answer = client.responses.create(model="sim/ok", input=QUESTION)
    assert (answer.output_text, answer.status) == (ANSWER, "completed")
    assert answer.usage
    assert answer.usage.total_tokens > 0


@pytest.mark.shows("stream")
@pytest.mark.parametrize("model", ["sim/ok", "sim/no-terminal", "sim/no-created", "sim/unnumbered"])
def test_it_gets_a_typed_stream(model: str, client: openai.OpenAI) -> None:
    with client.responses.stream(model=model, input=QUESTION) as stream:
        numbers = [event.sequence_number for event in stream]
        answer = stream.get_final_response()
    assert (answer.output_text, answer.status) == (ANSWER, "completed")
    assert numbers == sorted(set(numbers))


@pytest.mark.shows("stream")
def test_it_gets_a_raw_stream(client: openai.OpenAI) -> None:
    events = list(client.responses.create(model="sim/ok", input=QUESTION, stream=True))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert (text, events[0].type, events[-1].type) == (ANSWER, "response.created", "response.completed")


@pytest.mark.shows("tools")
@pytest.mark.parametrize("streamed", [False, True])
def test_a_tools_result_leads_to_text(streamed: bool, client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": "sim/tools", "tools": [RESPONSES_TOOL]}
    if streamed:
        with client.responses.stream(input=QUESTION, **asked) as stream:
            answer = stream.get_final_response()
    else:
        answer = client.responses.create(input=QUESTION, **asked)
    call = next(item for item in answer.output if item.type == "function_call")
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Oslo"})
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    said = [item.to_dict() for item in answer.output]
    second = client.responses.create(input=[{"role": "user", "content": QUESTION}, *said, result], **asked)
    assert second.output_text == WEATHER


@pytest.mark.shows("structured")
def test_it_parses_a_model_of_pydantics(client: openai.OpenAI) -> None:
    answer = client.responses.parse(model="sim/json", input=QUESTION, text_format=City)
    assert answer.output_parsed == City(city="Canberra")


@pytest.mark.shows("errors")
def test_a_wrong_key_is_its_authentication_error(gateway: Gateway) -> None:
    client = openai.OpenAI(base_url=gateway.v1, api_key="wrong")
    with client, pytest.raises(openai.AuthenticationError) as raised:
        client.responses.create(model="sim/ok", input=QUESTION)
    assert (raised.value.status_code, raised.value.code) == (401, "invalid_key")


@pytest.mark.shows("errors")
@pytest.mark.parametrize("field", ["store", "background", "previous_response_id"])
def test_a_stored_response_is_its_bad_request_error(field: str, client: openai.OpenAI) -> None:
    value: Any = "resp_1" if field == "previous_response_id" else True
    with pytest.raises(openai.BadRequestError) as raised:
        client.responses.create(model="sim/ok", input=QUESTION, **{field: value})
    assert raised.value.param == field


@pytest.mark.shows("errors")
def test_a_rate_limit_is_its_rate_limit_error_and_not_tried_again(
    limited: str, client: openai.OpenAI, upstream: Upstream
) -> None:
    with pytest.raises(openai.RateLimitError):
        client.responses.create(model=limited, input=QUESTION)
    assert upstream.models() == [limited]


@pytest.mark.shows("errors")
@pytest.mark.parametrize("streamed", [False, True])
def test_an_exhausted_chain_is_its_server_error_and_not_tried_again(
    streamed: bool, client: openai.OpenAI, upstream: Upstream
) -> None:
    with pytest.raises(openai.InternalServerError) as raised:
        client.responses.create(model=EXHAUSTED, input=QUESTION, stream=streamed)
    assert (raised.value.status_code, raised.value.code) == (502, "provider_error")
    assert upstream.models() == [EXHAUSTED] * EXHAUSTED_CALLS


@pytest.mark.shows("errors")
def test_an_exhausted_chain_raises_after_keep_alive_comments(client: openai.OpenAI) -> None:
    stream = client.responses.create(
        model="sim/hang", input=QUESTION, stream=True, extra_body=WITH_KEEP_ALIVE
    )
    with pytest.raises(openai.APIError, match="sim/hang"):
        list(stream)


@pytest.mark.shows("broken stream")
@pytest.mark.parametrize("model", [*CUT_OFF, "sim/failed-after-server_error", "sim/error-flat-after"])
def test_a_raw_stream_that_is_cut_off_raises_after_its_text(model: str, client: openai.OpenAI) -> None:
    read = []
    stream = client.responses.create(model=model, input=QUESTION, stream=True)
    with pytest.raises(openai.APIError, match="was cut off"):
        read.extend(event.delta for event in stream if event.type == "response.output_text.delta")
    assert "".join(read) == CUT_OFF_TEXT


@pytest.mark.shows("broken stream")
@pytest.mark.parametrize("model", CUT_OFF)
def test_a_typed_stream_that_is_cut_off_raises(model: str, client: openai.OpenAI) -> None:
    with (
        pytest.raises(openai.APIError, match="was cut off"),
        client.responses.stream(model=model, input=QUESTION) as stream,
    ):
        stream.until_done()


@pytest.mark.shows("fallback")
def test_models_in_extra_body_are_the_chain(client: openai.OpenAI, upstream: Upstream) -> None:
    chain = ["sim/status-503", "sim/ok"]
    answer = client.responses.create(model=chain[0], input=QUESTION, extra_body={"models": chain[1:]})
    assert (answer.model, upstream.models()) == ("sim/ok", chain)


@pytest.mark.shows("models")
@pytest.mark.skip(reason="as `openai`")
def test_it_lists_the_models() -> None:
    raise NotImplementedError
