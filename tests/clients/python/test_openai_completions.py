"""OpenAI's official client, with completions."""

import openai
import pytest
from rig import ANSWER, CUT_OFF, CUT_OFF_TEXT, EXHAUSTED, EXHAUSTED_CALLS, QUESTION, Upstream

CLIENT, PACKAGE = "openai` `completions", "openai"


@pytest.mark.shows("plain")
def test_it_gets_a_text_and_its_usage(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="sim/ok", prompt=QUESTION)
    assert (answer.choices[0].text, answer.choices[0].finish_reason) == (ANSWER, "stop")
    assert answer.usage
    assert answer.usage.total_tokens > 0


@pytest.mark.shows("stream")
def test_it_gets_a_stream(client: openai.OpenAI) -> None:
    chunks = list(client.completions.create(model="sim/ok", prompt=QUESTION, stream=True))
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices) == ANSWER


@pytest.mark.shows("tools")
def test_it_calls_no_tools() -> None:
    pytest.skip("no such field")


@pytest.mark.shows("structured")
def test_it_asks_for_no_schema() -> None:
    pytest.skip("no such field")


@pytest.mark.shows("errors")
def test_a_wrong_key_is_its_authentication_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="wrong").completions.create(model="sim/ok", prompt=QUESTION)


@pytest.mark.shows("errors")
@pytest.mark.parametrize("streamed", [False, True])
def test_an_exhausted_chain_is_its_server_error_and_not_tried_again(
    streamed: bool, client: openai.OpenAI, upstream: Upstream
) -> None:
    with pytest.raises(openai.InternalServerError):
        client.completions.create(model=EXHAUSTED, prompt=QUESTION, stream=streamed)
    assert upstream.models() == [EXHAUSTED] * EXHAUSTED_CALLS


@pytest.mark.shows("broken stream")
@pytest.mark.parametrize("model", CUT_OFF)
def test_a_cut_off_stream_raises_after_its_text(model: str, client: openai.OpenAI) -> None:
    texts: list[str] = []

    def read() -> None:
        for chunk in client.completions.create(model=model, prompt=QUESTION, stream=True):
            texts.extend(choice.text for choice in chunk.choices)

    with pytest.raises(openai.APIError, match="was cut off"):
        read()
    assert "".join(texts) == CUT_OFF_TEXT


@pytest.mark.shows("fallback")
def test_models_in_extra_body_are_the_chain(client: openai.OpenAI, upstream: Upstream) -> None:
    chain = ["sim/status-503", "sim/ok"]
    answer = client.completions.create(model=chain[0], prompt=QUESTION, extra_body={"models": chain[1:]})
    assert answer.model == "sim/ok"
    assert upstream.models() == chain


@pytest.mark.shows("models")
def test_it_lists_models() -> None:
    pytest.skip("as `openai`")
