"""Signed reasoning over HTTP: a conversation goes back to the model that signed it."""

import json
from typing import Any

import pytest

from tests.support.chunks import payloads_in
from tests.support.journal import Journal
from tests.support.runtimes import Gateway

ALPHA, BETA = "sim/signs-alpha", "sim/signs-beta"
ASKED = {"role": "user", "content": "What is the capital of Australia?"}
PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages"}


def ask(
    gateway: Gateway,
    journal: Journal,
    dialect: str,
    *models: str,
    stream: bool = False,
    turns: tuple[dict[str, Any], ...] = (),
) -> Any:  # noqa: ANN401  # a payload, or those of a stream
    """Return the answer's payload; of a stream all its payloads."""
    body = {
        "models": list(models),
        "max_tokens": 1_000,
        "messages": [ASKED, *(each for turn in turns for each in (turn, ASKED))],
        "stream": stream,
        **({"metadata": {"user_id": journal.user}} if dialect == "messages" else {"user": journal.user}),
    }
    with gateway.client() as client:
        answer = client.post(PATHS[dialect], json=body)
    assert answer.status_code == 200, answer.text
    return payloads_in(answer.content) if stream else answer.json()


def signature_in(payload: object) -> str:
    """Return the signature in an answer, wherever it is."""
    text = json.dumps(payload)
    begin = text.index("signed-by:")
    return text[begin : text.index('"', begin)]


def turn_of(dialect: str, signature: str) -> dict[str, Any]:
    """Return the answer as a client sends it back."""
    if dialect == "messages":
        block = {"type": "thinking", "thinking": "Hm.", "signature": signature}
        return {"role": "assistant", "content": [block, {"type": "text", "text": "Canberra."}]}
    detail = {"type": "reasoning.text", "text": "Hm.", "signature": signature}
    return {"role": "assistant", "content": "Canberra.", "reasoning_details": [detail]}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("dialect", PATHS)
def test_a_conversation_goes_back_to_the_model_that_signed_it(
    gateway: Gateway, journal: Journal, dialect: str, stream: bool
) -> None:
    first = ask(gateway, journal, dialect, ALPHA, stream=stream)

    again = ask(gateway, journal, dialect, BETA, ALPHA, turns=(turn_of(dialect, signature_in(first)),))

    assert [each["model"] for each in again["gateway"]["attempts"]] == [ALPHA]
    assert again["gateway"]["signed_by"] == ALPHA


@pytest.mark.parametrize("dialect", PATHS)
def test_a_model_that_refuses_a_signature_answers_without_it(
    gateway: Gateway, journal: Journal, dialect: str
) -> None:
    first = ask(gateway, journal, dialect, ALPHA)

    other = ask(gateway, journal, dialect, BETA, turns=(turn_of(dialect, signature_in(first)),))

    attempts = other["gateway"]["attempts"]
    assert [each["model"] for each in attempts] == [BETA, BETA]
    assert [each["code"] for each in attempts] == ["foreign_signature", None]
    assert [each.get("signed_parts_removed", 0) for each in attempts] == [0, 1]
