"""Anthropic Messages over HTTP: what a client gets when a chain answers, and when it does not."""

import hashlib
import json
from typing import Any

import httpx
import pytest

from tests.support.chat import OK_TEXT
from tests.support.chunks import payloads_in
from tests.support.journal import Journal
from tests.support.runtimes import Gateway

MESSAGES = "/v1/messages"
LARGE_BYTES = 2_000_000


def body_of(journal: Journal, *models: str, **fields: object) -> dict[str, Any]:
    """Return a Messages request to a chain."""
    return {
        "models": list(models),
        "max_tokens": 1_000,
        "metadata": {"user_id": journal.user},
        "messages": [{"role": "user", "content": "What is the capital of Australia?"}],
        **fields,
    }


def post(
    gateway: Gateway, body: dict[str, Any] | bytes, path: str = MESSAGES, **headers: str
) -> httpx.Response:
    """Return the complete response to a Messages request."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with gateway.client() as client:
        return client.post(path, content=raw, headers={"content-type": "application/json", **headers})


def text_of(answer: httpx.Response) -> str:
    """Return the text of a plain answer."""
    assert answer.status_code == 200, answer.text
    return "".join(block.get("text", "") for block in answer.json()["content"])


def streamed_text(answer: httpx.Response) -> str:
    """Return the text of a complete stream."""
    assert answer.status_code == 200, answer.text
    events = payloads_in(answer.content)
    assert events[0]["type"] == "message_start"
    assert events[-1]["type"] == "message_stop"
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    return "".join(delta.get("text", "") for delta in deltas)


@pytest.mark.parametrize("path", ["/v1/messages", "/api/v1/messages", "/v1/messages?beta=true"])
def test_a_plain_answer_has_the_receipt(gateway: Gateway, journal: Journal, path: str) -> None:
    answer = post(gateway, body_of(journal, "sim/ok"), path)

    assert text_of(answer) == OK_TEXT
    assert answer.json()["gateway"]["served"] == "sim/ok"
    assert [entry["path"] for entry in journal.entries()] == ["/api/v1/messages"]


def test_a_stream_falls_back_and_has_the_receipt_beside_its_usage(gateway: Gateway, journal: Journal) -> None:
    answer = post(gateway, body_of(journal, "sim/status-529", "sim/error-first", "sim/ok", stream=True))

    assert streamed_text(answer) == OK_TEXT
    (end,) = [each for each in payloads_in(answer.content) if each["type"] == "message_delta"]
    assert end["gateway"]["served"] == "sim/ok"
    assert end["gateway"]["attempts"][0]["code"] == "overloaded"
    assert end["usage"]["cost"] > 0


@pytest.mark.parametrize(
    "fault",
    [
        "sim/hang-body",
        "sim/reset",
        "sim/html",
        "sim/empty",
        "sim/garbage",
        "sim/comments-end",
        "sim/stall-before",
        "sim/chat-envelope-503",
        "sim/filtered",
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_fault_before_the_answer_is_followed_by_the_next_model(
    gateway: Gateway, journal: Journal, fault: str, *, stream: bool
) -> None:
    options = {"attempt_ms": 1_500, "retries": 0}
    answer = post(gateway, body_of(journal, fault, "sim/ok", stream=stream, gateway=options))

    assert (streamed_text(answer) if stream else text_of(answer)) == OK_TEXT


@pytest.mark.parametrize(
    "fault", ["sim/cut-after", "sim/reset-after", "sim/error-mid", "sim/stray-delta", "sim/stall-after"]
)
def test_an_answer_that_breaks_off_ends_in_an_error_event(
    gateway: Gateway, journal: Journal, fault: str
) -> None:
    body = body_of(journal, fault, "sim/ok", stream=True, gateway={"idle_ms": 1_500})
    answer = post(gateway, body)

    events = payloads_in(answer.content)
    assert events[-1]["type"] == "error"
    assert "message_stop" not in [event["type"] for event in events]
    assert events[-1]["error"]["metadata"]["partial"] is True


@pytest.mark.parametrize("fault", ["sim/done-named", "sim/done-unnamed", "sim/pings", "sim/second-start"])
def test_what_clients_cannot_read_is_not_passed_on(gateway: Gateway, journal: Journal, fault: str) -> None:
    answer = post(gateway, body_of(journal, fault, stream=True))

    assert streamed_text(answer) == OK_TEXT
    assert b"[DONE]" not in answer.content
    assert answer.content.count(b"event: message_start") == 1


def test_an_exhausted_chain_is_an_error_at_which_claude_code_stops(
    gateway: Gateway, journal: Journal
) -> None:
    answer = post(gateway, body_of(journal, "sim/status-529", "sim/status-503", gateway={"retries": 0}))

    assert answer.status_code == 503
    assert answer.headers["x-should-retry"] == "false"
    body = answer.json()
    assert (body["type"], body["error"]["type"]) == ("error", "api_error")
    assert body["request_id"] == answer.headers["x-request-id"]


def test_a_prompt_that_is_too_long_says_so_in_the_words_that_clients_act_on(
    gateway: Gateway, journal: Journal
) -> None:
    answer = post(gateway, body_of(journal, "sim/prompt-limit-1"))

    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("prompt is too long")


def test_a_large_body_arrives_byte_for_byte_with_the_anthropic_headers(
    gateway: Gateway, journal: Journal
) -> None:
    text = "\\u00e9 and é, " * (LARGE_BYTES // 13)
    kept = (
        f'"metadata": {{"user_id":"{journal.user}"}},  "max_tokens":10 ,'
        f'"messages":[ {{"role":"user","content":"{text}"}} ]'
    ).encode()
    raw = b'{"model":"sim/ok",' + kept + b',"gateway":{"retries":0}}'

    answer = post(gateway, raw, **{"anthropic-version": "2023-06-01", "anthropic-beta": "a-1,b-2"})

    assert text_of(answer)
    (entry,) = journal.entries()
    assert entry["body_sha256"] == hashlib.sha256(b'{"model":"sim/ok",' + kept + b"}").hexdigest()
    assert entry["headers"]["anthropic-version"] == "2023-06-01"
    assert entry["headers"]["anthropic-beta"] == "a-1,b-2"


def test_tokens_are_counted_without_a_call(gateway: Gateway, journal: Journal) -> None:
    body = body_of(journal, "sim/ok")
    answer = post(gateway, body, f"{MESSAGES}/count_tokens")

    assert answer.status_code == 200
    assert answer.json()["input_tokens"] > 0
    assert answer.json()["gateway"]["estimated"] is True
    assert not journal.entries()
