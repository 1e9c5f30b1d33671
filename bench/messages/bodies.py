"""The bodies of the bench's upstream in the form of Messages, by model; see ``bench.bodies``."""

from collections.abc import Callable
from typing import TypeAlias

from bench.bodies import COUNTED, EVENTS, TEXTS, dump, token
from gateway.http.json_values import Json, JsonObject

OfWords: TypeAlias = Callable[[int], bytes]
"""Makes bytes that state a number of words, without serializing."""


def answers() -> dict[str, OfWords]:
    """Return for each model with a plain answer a function that makes its body."""
    return {model: _stating(dump(_message(model, text))) for model, text in TEXTS.items()}


def start_of_stream() -> OfWords:
    """Return a function that makes the first event of a stream."""
    message: JsonObject = {**_message("bench/stream", None), "stop_reason": None}
    return _stating(_event("message_start", message=message))


def events(count: int = EVENTS) -> list[bytes]:
    """Return a stream's events after the first: ``count`` with text, and what is around them."""
    texts = (
        _event("content_block_delta", index=0, delta={"type": "text_delta", "text": token(index)})
        for index in range(count)
    )
    return [
        _event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        _event("ping"),
        *texts,
        _event("content_block_stop", index=0),
        _event(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={"output_tokens": 90, "cost": 0.000095},
        ),
        _event("message_stop"),
    ]


def _stating(template: bytes) -> OfWords:
    before, after = template.split(b'"%s"' % COUNTED.encode())
    return lambda words: before + str(words).encode() + after


def _message(model: str, text: str | None) -> JsonObject:
    return {
        "id": "msg_benchbenchbenchbench",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [] if text is None else [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": COUNTED,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 1 if text is None else 90,
            **({} if text is None else {"cost": 0.000095}),
        },
    }


def _event(name: str, **members: Json) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), dump({"type": name, **members}))
