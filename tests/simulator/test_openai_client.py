from collections.abc import Iterator

import openai
import pytest
from openai.types.chat import ChatCompletionUserMessageParam

from tests.simulator.rig import Rig

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
