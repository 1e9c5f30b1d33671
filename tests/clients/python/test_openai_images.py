"""OpenAI's official client, with images."""

import base64

import openai
import pytest
from rig import EXHAUSTED, EXHAUSTED_CALLS, Upstream

TABLE = "images"
CLIENT = PACKAGE = "openai"
MODEL = "openai/gpt-image-1"
PROMPT = "A red panda"
PNG = b"\x89PNG"


def is_png(picture: str | None) -> bool:
    return base64.b64decode(picture or "").startswith(PNG)


@pytest.mark.shows("plain")
def test_it_gets_as_many_pictures_as_it_asks_for(client: openai.OpenAI) -> None:
    answer = client.images.generate(model=MODEL, prompt=PROMPT, n=2)
    assert [is_png(image.b64_json) for image in answer.data or []] == [True, True]
    assert answer.usage
    assert answer.usage.total_tokens > 0


@pytest.mark.shows("stream")
@pytest.mark.parametrize("model", [MODEL, "sim/image-named-events"])
def test_it_gets_partial_pictures_and_the_last_one(model: str, client: openai.OpenAI) -> None:
    events = list(client.images.generate(model=model, prompt=PROMPT, stream=True))
    kinds = [event.type for event in events]
    assert set(kinds[:-1]) == {"image_generation.partial_image"}
    assert kinds[-1] == "image_generation.completed"
    assert is_png(events[-1].b64_json)


@pytest.mark.shows("errors")
def test_a_refused_prompt_is_its_bad_request_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        client.images.generate(model="sim/image-refused", prompt=PROMPT)


@pytest.mark.shows("errors")
@pytest.mark.parametrize("streamed", [False, True])
def test_an_exhausted_chain_is_its_server_error_and_not_tried_again(
    streamed: bool, client: openai.OpenAI, upstream: Upstream
) -> None:
    with pytest.raises(openai.InternalServerError):
        client.images.generate(model=EXHAUSTED, prompt=PROMPT, stream=streamed)
    assert upstream.models() == [EXHAUSTED] * EXHAUSTED_CALLS


@pytest.mark.shows("broken stream")
@pytest.mark.parametrize("model", ["sim/image-not-completed", "sim/image-error-word"])
def test_a_stream_without_its_last_picture_raises(model: str, client: openai.OpenAI) -> None:
    stream = client.images.generate(model=model, prompt=PROMPT, stream=True)
    with pytest.raises(openai.APIError):
        list(stream)


@pytest.mark.shows("fallback")
def test_models_in_extra_body_are_the_chain(client: openai.OpenAI, upstream: Upstream) -> None:
    chain = ["sim/status-503", MODEL]
    answer = client.images.generate(model=chain[0], prompt=PROMPT, extra_body={"models": chain[1:]})
    assert is_png((answer.data or [])[0].b64_json)
    assert upstream.models() == chain
