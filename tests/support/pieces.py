"""Splits a plain answer into the chunks that a stream of the same content has, cut at random places."""

import json
from itertools import pairwise
from random import Random
from typing import Any

from tests.support.chunks import DONE, event

TEXTS = ("content", "reasoning", "refusal", "reasoning_content")


def stream_of(answer: dict[str, Any], draw: Random) -> bytes:
    """Return a stream with the content of a plain answer."""
    answer = json.loads(json.dumps(answer))
    usage, choices = answer.pop("usage", None), answer.pop("choices")
    base = {**answer, "object": "chat.completion.chunk"}
    finish = choices[0]["finish_reason"]
    left = [_pieces_of(choice, draw) for choice in choices]
    events = []
    while any(left):
        pieces = draw.choice([each for each in left if each])
        events.append(event({**base, "choices": [pieces.pop(0)]}))
    if usage is not None:
        repeated = [{"index": 0, "delta": {"content": ""}, "finish_reason": finish}]
        events.append(event({**base, "choices": draw.choice([[], repeated]), "usage": usage}))
    return b"".join(events) + DONE


def _pieces_of(choice: dict[str, Any], draw: Random) -> list[dict[str, Any]]:
    """Return the choice in pieces, each with a delta, in an order in which a provider may send them."""
    message, index = choice.pop("message"), choice.pop("index")
    logprobs = choice.pop("logprobs", None)
    ends: dict[str, Any] = {
        name: choice.pop(name) for name in ("finish_reason", "native_finish_reason") if name in choice
    }
    queues = [queue for name, value in message.items() for queue in _queues_of(name, value, draw)]
    for name, value in (logprobs or {}).items():
        queues.append([{"delta": {}, "logprobs": {name: [each]}} for each in value or []])
    queues = [each for each in queues if each]
    pieces: list[dict[str, Any]] = [{"delta": {"role": "assistant"}}]
    # Calls begin in their order; what follows of them may alternate.
    while queues:
        queue = draw.choice(queues[:2])
        pieces.append(queue.pop(0))
        queues = [each for each in queues if each]
    nulls = dict.fromkeys([*ends, "logprobs"])
    last: dict[str, Any] = {"index": index, **nulls, "delta": {}, **choice, **ends}
    return [{"index": index, **nulls, **each} for each in pieces] + [last]


def _queues_of(name: str, value: Any, draw: Random) -> list[list[dict[str, Any]]]:  # noqa: ANN401  # JSON
    """Return the deltas of a field of a message; several fields' deltas may alternate."""
    if name == "role":
        return []
    if name == "tool_calls":
        return [[{"delta": {name: [each]}} for each in _call(call, draw)] for call in value]
    deltas: list[Any]
    if name in TEXTS and value:
        deltas = cut(value, draw)
    elif name == "reasoning_details":
        deltas = [[each] for detail in value for each in _detail(detail, draw)]
    elif name == "audio":
        deltas = _audio(value, draw)
    else:
        deltas = [[each] for each in value] if isinstance(value, list) else [value]
    return [[{"delta": {name: each}} for each in deltas]]


def cut(text: str, draw: Random) -> list[str]:
    """Return a text in pieces."""
    places = sorted({0, len(text), *(draw.randrange(len(text)) for _ in range(draw.randrange(5)))})
    return [text[start:end] for start, end in pairwise(places)]


def _call(call: dict[str, Any], draw: Random) -> list[dict[str, Any]]:
    function = call["function"]
    first = {**call, "function": {**function, "arguments": ""}}
    rest = [
        {"index": call["index"], "function": {"arguments": each}} for each in cut(function["arguments"], draw)
    ]
    return [first, *rest]


def _detail(detail: dict[str, Any], draw: Random) -> list[dict[str, Any]]:
    name = next((each for each in ("text", "summary") if detail.get(each)), None)
    if name is None:
        return [detail]
    signature = {"signature": detail["signature"]} if "signature" in detail else {}
    rest = {each: value for each, value in detail.items() if each not in (name, "signature")}
    pieces = [{**rest, name: each} for each in cut(detail[name], draw)]
    pieces[-1] |= signature
    return pieces


def _audio(audio: dict[str, Any], draw: Random) -> list[dict[str, Any]]:
    rest = {name: value for name, value in audio.items() if name not in ("data", "transcript")}
    data = [{"data": each} for each in cut(audio["data"], draw)]
    return [rest, *data, *({"transcript": each} for each in cut(audio["transcript"], draw))]


def in_pieces(body: bytes, draw: Random) -> tuple[bytes, ...]:
    """Return a body in pieces as a network may deliver it."""
    places = sorted({0, len(body), *(draw.randrange(len(body)) for _ in range(10))})
    return tuple(body[start:end] for start, end in pairwise(places))
