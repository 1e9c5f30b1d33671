import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Literal

import openai
import pytest
from openai.types import ImageGenStreamEvent, ImagesResponse, responses
from openai.types.audio import TranscriptionVerbose
from openai.types.chat import ChatCompletionUserMessageParam

from simulator.dialects.vectors import vector_of
from tests.simulator.rig import AUDIO, Rig, fresh_user

QUESTION: list[ChatCompletionUserMessageParam] = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def client(sim: Rig) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=sim.url, api_key="sk-or-test", max_retries=0, timeout=5) as client:
        yield client


def test_the_openai_client_gets_a_plain_answer(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="sim/ok", messages=QUESTION)
    assert answer.choices[0].message.content == "Canberra is the capital of Australia."


def test_the_openai_client_gets_a_stream(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="sim/ok", messages=QUESTION, stream=True))
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text == "Canberra is the capital of Australia."
    assert chunks[-1].usage is not None


def test_the_openai_client_raises_the_error_of_a_status(client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="sim/retry-after-1", messages=QUESTION)


def test_the_openai_client_gets_embeddings_in_base64_as_it_asks_by_default(
    client: openai.OpenAI, sim: Rig
) -> None:
    user = fresh_user()
    answer = client.embeddings.create(model="sim/ok", input=["one", "two"], user=user)
    assert sim.one(user)["body"]["encoding_format"] == "base64"
    assert [row.embedding for row in answer.data] == [vector_of("sim/ok", text, 8) for text in ("one", "two")]
    floats = client.embeddings.create(model="sim/ok", input="one", encoding_format="float")
    assert floats.data[0].embedding == answer.data[0].embedding
    assert answer.usage.prompt_tokens == 2


def test_the_openai_client_finds_no_embeddings_in_an_empty_answer(client: openai.OpenAI) -> None:
    with pytest.raises(ValueError, match="No embedding data received"):
        client.embeddings.create(model="sim/empty", input="one")


def test_the_openai_client_gets_images(client: openai.OpenAI) -> None:
    answer = client.post("/images", cast_to=ImagesResponse, body={"model": "sim/ok", "prompt": "A cat"})
    assert answer.data is not None
    assert base64.b64decode(answer.data[0].b64_json or "").startswith(b"\x89PNG")


@pytest.mark.parametrize("model", ["sim/ok", "sim/image-named-events"])
def test_the_openai_client_gets_a_stream_of_images(client: openai.OpenAI, model: str) -> None:
    events = list(_image_events(client, model))
    assert [event.type.rpartition(".")[2] for event in events] == [*["partial_image"] * 5, "completed"]


@pytest.mark.parametrize("model", ["sim/error-mid", "sim/image-error-word"])
def test_the_openai_client_raises_the_error_of_a_stream_of_images(client: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.APIError):
        list(_image_events(client, model))


def test_the_openai_client_streams_speech(client: openai.OpenAI) -> None:
    request = client.audio.speech.with_streaming_response
    with request.create(
        model="sim/drip-1ms", voice="alloy", input="Rain fell.", response_format="mp3"
    ) as answer:
        assert answer.headers["content-type"] == "audio/mpeg"
        pieces = list(answer.iter_bytes(1000))
    assert len(pieces) > 5
    assert pieces[0].startswith(b"ID3")


@pytest.mark.parametrize("response_format", ["json", "verbose_json"])
def test_the_openai_client_gets_a_transcription_of_its_file(
    client: openai.OpenAI, sim: Rig, response_format: Literal["json", "verbose_json"]
) -> None:
    before = len(sim.get("/sim/log?model=openai/whisper-large-v3")["entries"])
    answer = client.audio.transcriptions.create(
        model="openai/whisper-large-v3", file=("speech.wav", AUDIO), response_format=response_format
    )
    assert isinstance(answer, TranscriptionVerbose) == (response_format == "verbose_json")
    assert f"Heard {len(AUDIO)} bytes, sha256 {hashlib.sha256(AUDIO).hexdigest()}." in answer.text
    entries = sim.get("/sim/log?model=openai/whisper-large-v3")["entries"]
    assert [part["name"] for part in entries[before]["form"]][-1] == "file"


def _image_events(client: openai.OpenAI, model: str) -> Iterator[ImageGenStreamEvent]:
    body = {"model": model, "prompt": "A cat", "stream": True}
    kind = openai.Stream[ImageGenStreamEvent]
    return iter(client.post("/images", cast_to=object, body=body, stream=True, stream_cls=kind))


def test_the_openai_client_gets_a_response(client: openai.OpenAI) -> None:
    response = client.responses.create(model="sim/reasoning", input="Hello")
    assert response.output_text == "Canberra it is."
    assert [item.type for item in response.output] == ["reasoning", "message"]
    assert response.usage is not None
    assert response.usage.output_tokens_details.reasoning_tokens > 0


def test_the_openai_client_gets_the_raw_events_of_a_response(client: openai.OpenAI) -> None:
    events = list(client.responses.create(model="sim/ok", input="Hello", stream=True))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == "Canberra is the capital of Australia."
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")


@pytest.mark.parametrize("model", ["sim/ok", "sim/reasoning", "sim/tools", "sim/refusal", "sim/web-search"])
def test_the_openai_client_adds_a_typed_stream_up(client: openai.OpenAI, model: str) -> None:
    with client.responses.stream(model=model, input="Hello") as stream:
        kinds = [event.type for event in stream]
        response = stream.get_final_response()
    plain = client.responses.create(model=model, input="Hello")
    assert kinds[-1] == "response.completed"
    assert response.output_text == plain.output_text
    assert [item.type for item in response.output] == [item.type for item in plain.output]


def test_the_openai_client_reads_a_call_of_its_tool(client: openai.OpenAI) -> None:
    tool = responses.FunctionToolParam(
        type="function",
        name="look_up",
        parameters={"type": "object", "properties": {"days": {"type": "integer"}}},
        strict=False,
    )
    [call] = client.responses.create(model="sim/tools", input="Hello", tools=[tool]).output
    assert isinstance(call, responses.ResponseFunctionToolCall)
    assert (call.name, json.loads(call.arguments)) == ("look_up", {"days": 1})


def test_the_openai_client_raises_the_errors_of_responses(client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError):
        client.responses.create(model="sim/status-429", input="Hello")
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model="sim/ok", input="Hello", store=True)
    with pytest.raises(openai.APIError, match="Provider disconnected"):
        list(client.responses.create(model="sim/error-nested-after", input="Hello", stream=True))


def test_the_openai_client_gets_completions(client: openai.OpenAI) -> None:
    plain = client.completions.create(model="sim/ok", prompt="The capital of Australia")
    chunks = list(client.completions.create(model="sim/ok", prompt="The capital of Australia", stream=True))
    text = "".join(choice.text for chunk in chunks for choice in chunk.choices)
    assert plain.choices[0].text == text == "Canberra is the capital of Australia."
    assert (plain.choices[0].finish_reason, chunks[-1].usage) == ("stop", plain.usage)
