"""The bodies of the bench's upstream, by model. The load uses them too, to check every reply."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType

from gateway.http.json_values import Json, JsonObject

DOWN = "bench/down"
"""Answers 503 at once."""
STREAM_FLAT, STREAM_PACED = "bench/stream-flat", "bench/stream-paced"
"""200 events: one as fast as they are read, the other one event every ``PACE_S``."""
STREAM_SHORT = "bench/stream-short"
"""20 events as fast as they are read, so that a prompt costs more than its answer."""
PACE_S = 0.001
EVENTS, SHORT_EVENTS = 200, 20
WORD = "lorem "
"""The word of all prompts. The upstream counts it, which shows whether the complete body has arrived."""
TEXTS: Mapping[str, str] = MappingProxyType(
    {"bench/1k": "It is sunny. " * 30, "bench/100k": "It is sunny. " * 7_600}
)
"""The texts of the plain answers, by model: the first complete answer has 1 KB, the second 100 KB."""
MODELS = (*TEXTS, STREAM_FLAT, STREAM_PACED, STREAM_SHORT, DOWN)
COUNTED = "@words@"


def answers() -> dict[str, Callable[[int], bytes]]:
    """Return for each model with a plain answer a function that makes its body without serialising."""

    def maker(model: str) -> Callable[[int], bytes]:
        before, after = _template(model).split(b'"%s"' % COUNTED.encode())
        return lambda words: before + str(words).encode() + after

    return {model: maker(model) for model in TEXTS}


def _template(model: str) -> bytes:
    message: JsonObject = {"role": "assistant", "content": TEXTS[model], "refusal": None, "reasoning": None}
    return dump(
        {
            "id": "gen-1760000000-benchbenchbenchbench",
            "provider": "Bench",
            "model": model,
            "object": "chat.completion",
            "created": 1_760_000_000,
            "choices": [
                {
                    "logprobs": None,
                    "finish_reason": "stop",
                    "native_finish_reason": "stop",
                    "index": 0,
                    "message": message,
                }
            ],
            "usage": _usage(COUNTED),
        }
    )


def unavailable() -> bytes:
    """Return the body of the 503."""
    return dump({"error": {"code": 503, "message": "Provider returned error", "metadata": {}}})


def events(count: int = EVENTS) -> list[bytes]:
    """Return a stream's events: ``count`` with text (about 300 bytes each), finish, usage and end."""
    texts = [_event({"content": token(index), "role": "assistant"}, None) for index in range(count)]
    usage: JsonObject = {**_chunk(), "choices": [], "usage": _usage(1)}
    return [*texts, _event({"content": "", "role": "assistant"}, "stop"), _sse(dump(usage)), _sse(b"[DONE]")]


def token(index: int) -> str:
    """Return the text of one event of a stream."""
    return f"word-{index:03} "


def _event(delta: JsonObject, finish: str | None) -> bytes:
    choice: JsonObject = {
        "index": 0,
        "delta": delta,
        "finish_reason": finish,
        "native_finish_reason": finish,
        "logprobs": None,
    }
    return _sse(dump({**_chunk(), "choices": [choice]}))


def _chunk() -> JsonObject:
    return {
        "id": "gen-1760000000-benchbenchbenchbench",
        "provider": "Bench",
        "model": "bench/stream",
        "object": "chat.completion.chunk",
        "created": 1_760_000_000,
    }


def _usage(prompt_tokens: Json) -> JsonObject:
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": 90,
        "total_tokens": 100,
        "cost": 0.000095,
        "is_byok": False,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "cost_details": {"upstream_inference_cost": None},
        "completion_tokens_details": {"reasoning_tokens": 0, "image_tokens": 0},
    }


def dump(value: Json) -> bytes:
    """Return a value as JSON without blanks."""
    return json.dumps(value, separators=(",", ":")).encode()


def _sse(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"
