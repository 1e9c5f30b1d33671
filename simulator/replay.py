"""Scripts that replay a sample, or its equivalent in the other form (plain or stream)."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import starmap
from typing import Any

from simulator import framing
from simulator.answers import Json, dumps
from simulator.errors import bad_gateway
from simulator.samples import Sample, with_fresh_times
from simulator.steps import Break, Head, Pair, Script, Step, Tally, Whole, Write

_HEALTHY_STREAMS = ("sse-01", "sse-02", "sse-03")
_CUT = ("sse-07",)  # the recording stops in the middle of an event: the socket was closed
_ENVELOPE = ("id", "created", "model", "provider")
_TOOL_PIECES = 2


def replaying(sample: Sample) -> Pair:
    """How a model named after this sample answers."""
    family = sample.stem.split("-")[0]
    return _FAMILIES[family](sample)


def _error(sample: Sample) -> Pair:
    return Pair.same(_as_recorded(sample))


def _answer(sample: Sample) -> Pair:
    return Pair(_as_recorded(sample), stream=_as_stream(sample, _stream_payloads))


def _soft(sample: Sample) -> Pair:
    return Pair(_as_recorded(sample), stream=_as_stream(sample, _soft_payloads))


def _sse(sample: Sample) -> Pair:
    plain = _as_plain(sample) if sample.stem.startswith(_HEALTHY_STREAMS) else bad_gateway
    return Pair(plain, stream=_recorded_events(sample))


_FAMILIES: Mapping[str, Callable[[Sample], Pair]] = {
    "err": _error,
    "ok": _answer,
    "soft": _soft,
    "sse": _sse,
}


def _as_recorded(sample: Sample) -> Script:
    payload: Json = json.loads(sample.text)

    def script(_: object) -> Iterable[Step]:
        headers = {name: with_fresh_times(value) for name, value in sample.headers.items()}
        return (Whole(sample.status, with_fresh_times(sample.text).encode(), headers, _tally(payload)),)

    return script


def _recorded_events(sample: Sample) -> Script:
    def script(_: object) -> Iterator[Step]:
        yield Head(sample.headers)
        for block in with_fresh_times(sample.text).rstrip("\n").split("\n\n"):
            cut = not block.startswith(":") and not _is_complete(block)
            tally = None if cut else _tally(_payload(block))
            framed = block if cut else f"{block}\n\n"
            yield Write(framed.encode(), int(block.startswith("data: ") and not cut), tally)
        if sample.stem.startswith(_CUT):
            yield Break.CLOSE

    return script


def _as_stream(sample: Sample, payloads_of: Callable[[Json], Iterable[Json]]) -> Script:
    payload: Json = json.loads(sample.text)

    def script(_: object) -> Iterator[Step]:
        yield Head({**sample.headers, "content-type": "text/event-stream", "cache-control": "no-cache"})
        for chunk in payloads_of(payload):
            yield Write(framing.event(chunk), 1, _tally(chunk))
        if "error" not in payload:
            yield Write(framing.DONE, 1)

    return script


def _soft_payloads(payload: Json) -> Iterable[Json]:
    if "error" in payload:
        return (payload,)
    if not payload["choices"]:
        return (_chunk(payload, [], usage=payload["usage"]),)
    return _stream_payloads(payload)


def _stream_payloads(payload: Json) -> Iterator[Json]:
    """The chunks that would have carried this plain answer."""
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


def _as_plain(sample: Sample) -> Script:
    body = _joined([chunk for block in sample.text.split("\n\n") if (chunk := _payload(block))])
    headers = {"content-type": "application/json", "x-generation-id": str(body["id"])}
    whole = Whole(200, dumps(body), headers, _tally(body))
    return lambda _: (whole,)


def _joined(chunks: list[Json]) -> Json:
    """The plain answer that these chunks add up to."""
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


def _is_complete(block: str) -> bool:
    return block == "data: [DONE]" or _payload(block) is not None


def _payload(block: str) -> Json | None:
    try:
        parsed = json.loads(block.removeprefix("data: "))
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _tally(payload: Json | None) -> Tally | None:
    """What the payload's own usage says; None where it has none."""
    usage = (payload or {}).get("usage")
    if not isinstance(usage, dict):
        return None
    reasoning = usage.get("completion_tokens_details", {}).get("reasoning_tokens", 0)
    finish = next((str(choice["finish_reason"]) for choice in (payload or {})["choices"]), "stop")
    return Tally(
        usage["prompt_tokens"],
        usage["completion_tokens"],
        reasoning,
        round(usage["cost"] * 1e9),
        finish,
    )
