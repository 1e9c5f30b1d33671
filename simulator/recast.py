"""Converts a recorded answer between its two wire forms, plain and stream."""

from collections.abc import Iterable, Iterator
from itertools import starmap
from typing import Any

from simulator.answers import Json

_ENVELOPE = ("id", "created", "model", "provider")
_TOOL_PIECES = 2


def soft_payloads(payload: Json) -> Iterable[Json]:
    """Yield the chunks of a stream with the same unusable answer."""
    if "error" in payload:
        return (payload,)
    if not payload["choices"]:
        return (_chunk(payload, [], usage=payload["usage"]),)
    return stream_payloads(payload)


def stream_payloads(payload: Json) -> Iterator[Json]:
    """Yield the chunks of a stream with the same answer as this plain body."""
    choice = payload["choices"][0]
    for delta in _deltas(choice["message"]):
        yield _chunk(payload, [_choice({"content": "", "role": "assistant", **delta})])
    finish = _choice({"content": "", "role": "assistant"})
    finish |= {
        key: choice[key] for key in ("finish_reason", "native_finish_reason", "error") if key in choice
    }
    yield _chunk(payload, [finish])
    extra = {key: payload[key] for key in ("usage", "openrouter_metadata") if key in payload}
    yield _chunk(payload, [finish], **extra)


def _deltas(message: Json) -> Iterator[Json]:
    said = False
    if message.get("reasoning"):
        said = True
        details = message.get("reasoning_details", [])
        yield {"reasoning": message["reasoning"], "reasoning_details": details}
    if message.get("content"):
        said = True
        words = message["content"].split(" ")
        yield from ({"content": word} for word in starmap(_spaced, enumerate(words)))
    for call in message.get("tool_calls", []):
        said = True
        yield from _tool_deltas(call)
    if not said:
        yield {}


def _spaced(position: int, word: str) -> str:
    return word if position == 0 else f" {word}"


def _tool_deltas(call: Json) -> Iterator[Json]:
    function = call["function"]
    arguments = function["arguments"]
    yield {"content": None, "tool_calls": [{**call, "function": {"name": function["name"], "arguments": ""}}]}
    size = -(-len(arguments) // _TOOL_PIECES)
    for start in range(0, len(arguments), size):
        piece = {"arguments": arguments[start : start + size]}
        yield {
            "content": None,
            "tool_calls": [{"index": call["index"], "type": "function", "function": piece}],
        }


def _choice(delta: Json) -> Json:
    return {"index": 0, "delta": delta, "finish_reason": None, "native_finish_reason": None}


def _chunk(payload: Json, choices: list[Json], **more: object) -> Json:
    envelope = {key: payload[key] for key in _ENVELOPE}
    return {**envelope, "object": "chat.completion.chunk", "choices": choices, **more}


def joined(chunks: list[Json]) -> Json:
    """Return the plain answer that these chunks add up to."""
    message: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None, "reasoning": None}
    ending: Json = {}
    for choice in (choice for chunk in chunks for choice in chunk["choices"]):
        delta = choice["delta"]
        message["content"] += delta.get("content") or ""
        if delta.get("reasoning"):
            message["reasoning"] = (message["reasoning"] or "") + delta["reasoning"]
        for call in delta.get("tool_calls", []):
            _add_tool_piece(message, call)
        if choice["finish_reason"]:
            ending = {key: choice[key] for key in ("finish_reason", "native_finish_reason")}
    if "tool_calls" in message:
        message["content"] = None
    choices = [{"index": 0, "logprobs": None, **ending, "message": message}]
    envelope = {key: chunks[0][key] for key in _ENVELOPE}
    usage = chunks[-1]["usage"]
    return {
        **envelope,
        "object": "chat.completion",
        "system_fingerprint": None,
        "choices": choices,
        "usage": usage,
    }


def _add_tool_piece(message: Json, call: Json) -> None:
    calls = message.setdefault("tool_calls", [])
    if "id" in call:
        calls.append({**call, "function": dict(call["function"])})
    else:
        calls[call["index"]]["function"]["arguments"] += call["function"]["arguments"]
