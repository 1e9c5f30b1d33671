"""Builds the events of a chat stream as OpenRouter sends them, and parses them as a client does."""

import json
from typing import Any

from gateway.http.sse import SseDecoder, data_of

DONE = b"data: [DONE]\n\n"
COMMENT = b": OPENROUTER PROCESSING\n\n"
COST_USD = 0.000_021


def event(payload: object) -> bytes:
    """Return ``payload`` as one server-sent event."""
    return b"data: " + json.dumps(payload, separators=(",", ":")).encode() + b"\n\n"


def chunk(delta: object = None, *, finish: str | None = None, **fields: object) -> bytes:
    """Return an event with one choice."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish, "native_finish_reason": finish}
    base = {
        "id": "gen-1",
        "object": "chat.completion.chunk",
        "created": 1_795_338_000,
        "model": "served/one",
    }
    return event({**base, "choices": [choice], **fields})


def text(content: str) -> bytes:
    """Return an event with a piece of text."""
    return chunk({"role": "assistant", "content": content})


ROLE = chunk({"role": "assistant", "content": ""})
STOP = chunk({"content": ""}, finish="stop")
USAGE = chunk(finish="stop", usage={"prompt_tokens": 3, "completion_tokens": 2, "cost": COST_USD})


def payloads_in(body: bytes) -> list[Any]:
    """Return the payloads of a body's events: parsed JSON, or the text ``[DONE]``."""
    decoder = SseDecoder()
    found = [data_of(each) for each in decoder.feed(body)]
    assert not decoder.rest.strip(), "a body must not end inside an event"
    return ["[DONE]" if data == b"[DONE]" else json.loads(data) for data in found if data is not None]


def text_in(payloads: list[Any]) -> str:
    """Return the text that a client assembles from the payloads of a stream."""
    choices = [choice for each in payloads if each != "[DONE]" for choice in each.get("choices", [])]
    return "".join(choice["delta"].get("content") or "" for choice in choices)
