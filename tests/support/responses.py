"""The events of Responses as OpenRouter writes them, and a client that reads them strictly.

Source of the client's rules: OpenAI's "Streaming events"; how its Python SDK and Codex put events together.
"""

import json
from typing import Any

from tests.support.chunks import COST_USD

RESPONSE = {
    "id": "gen-1",
    "object": "response",
    "created_at": 1_795_338_000,
    "model": "served/one",
    "error": None,
    "incomplete_details": None,
}
BEGUN = {**RESPONSE, "status": "in_progress", "output": []}
USAGE = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5, "cost": COST_USD}
ENDS = ("response.completed", "response.incomplete", "response.failed")


def event(kind: str, **fields: object) -> bytes:
    """Return an event: its name is the payload's type."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def message(text: str) -> dict[str, Any]:
    """Return an item with a text."""
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}


def call(name: str = "read", arguments: str = '{"path": "a"}') -> dict[str, Any]:
    """Return an item with a call of a function."""
    return {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": name, "arguments": arguments}


def created(**fields: object) -> bytes:
    """Return the first event."""
    return event("response.created", response={**BEGUN, **fields})


def added(index: object = 0, item: object = None) -> bytes:
    """Return the event that adds an item; a message without content, if none is given."""
    return event(
        "response.output_item.added", output_index=index, item=item or {**message(""), "content": []}
    )


def done(index: object = 0, item: object = None) -> bytes:
    """Return the event that says that an item is done."""
    return event("response.output_item.done", output_index=index, item=item or message("Hello."))


def delta(text: object = "Hello.", index: object = 0, kind: str = "output_text") -> bytes:
    """Return the event with a piece of a text."""
    return event(f"response.{kind}.delta", output_index=index, content_index=0, item_id="msg_1", delta=text)


def part(step: str = "added", text: str = "", index: object = 0, place: object = 0) -> bytes:
    """Return the event that adds a part with a text to an item, or says that it is done."""
    shown = {"type": "output_text", "text": text, "annotations": []}
    at = {"output_index": index, "content_index": place, "item_id": "msg_1"}
    return event(f"response.content_part.{step}", part=shown, **at)


def said(text: str = "Hello.", index: object = 0, **fields: object) -> tuple[bytes, ...]:
    """Return the events of a message with a text, from its beginning until it is done."""
    parts = part(index=index), delta(text, index), part("done", text, index)
    return added(index), *parts, done(index, {**message(text), **fields})


def ended(kind: str = "completed", *items: object, **fields: object) -> bytes:
    """Return the last event."""
    return event(f"response.{kind}", response={**ended_response(kind, *items), **fields})


def ended_response(status: str, *items: object) -> dict[str, Any]:
    """Return a response that has ended."""
    return {**RESPONSE, "status": status, "output": [*items], "usage": USAGE}


def read(sent: bytes) -> list[dict[str, Any]]:
    """Return the payloads of a stream, as a strict client reads it.

    Raises:
        AssertionError: a client would fail at an event.
    """
    payloads: list[dict[str, Any]] = []
    items: set[int] = set()
    assert not sent or sent.endswith(b"\n\n")
    for block in sent.split(b"\n\n")[:-1]:
        if block.startswith(b":"):
            continue
        name, data = block.split(b"\n")
        payload = json.loads(data.removeprefix(b"data: "))
        kind = payload["type"]
        assert name == b"event: " + kind.encode()
        assert payloads or kind == "response.created", "the first event is another one"
        assert not payloads or kind != "response.created", "the answer begins twice"
        assert not payloads or payloads[-1]["type"] not in ENDS, "an event follows the end"
        expected = payloads[-1]["sequence_number"] + 1 if payloads else payload["sequence_number"]
        assert payload["sequence_number"] == expected
        if kind == "response.output_item.added":
            assert payload["output_index"] not in items
            items.add(payload["output_index"])
        elif kind.endswith(".delta") and kind.startswith("response."):
            assert payload["output_index"] in items, "a delta of no item"
        payloads.append(payload)
    return payloads
