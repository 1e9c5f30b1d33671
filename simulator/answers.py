"""Answers as data, and their two wire forms: one JSON body, or the chunks of a stream."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from simulator.steps import Tally
from simulator.turn import PROVIDER, Turn, tokens_of

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function call. A stream sends the name in its first piece, and then the arguments in pieces."""

    id: str
    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The model's answer; each piece is one event of a stream."""

    pieces: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    tool: ToolCall | None = None
    image_url: str | None = None
    refusal: str | None = None
    finish_reason: str = "stop"

    @property
    def content(self) -> str | None:
        """The text; None when OpenRouter sends null (for tool calls and refusals)."""
        return None if self.tool or self.refusal else "".join(self.pieces)


def dumps(value: object) -> bytes:
    """Return compact JSON in UTF-8 without escapes, as OpenRouter sends it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def tally_of(turn: Turn, answer: Answer) -> Tally:
    """Return the tokens and the cost of an answer; they depend on the request and the answer only."""
    reasoning = tokens_of(sum(map(len, answer.reasoning)))
    spoken = [*answer.pieces, answer.refusal or "", *(answer.tool.arguments if answer.tool else ())]
    completion = reasoning + tokens_of(
        sum(map(len, spoken)) + (len(answer.image_url) if answer.image_url else 0)
    )
    prompt = turn.prompt_tokens
    cost = prompt * turn.price.prompt_nano_usd + completion * turn.price.completion_nano_usd
    return Tally(prompt, completion, reasoning, cost, answer.finish_reason)


def usage_object(turn: Turn, tally: Tally) -> Json:
    """Return the `usage` object; `cost` is in USD."""
    prompt_nano_usd = tally.prompt_tokens * turn.price.prompt_nano_usd
    return {
        "prompt_tokens": tally.prompt_tokens,
        "completion_tokens": tally.completion_tokens,
        "total_tokens": tally.prompt_tokens + tally.completion_tokens,
        "cost": tally.cost_nano_usd / 1e9,
        "is_byok": False,
        "prompt_tokens_details": {
            "cached_tokens": 0,
            "cache_write_tokens": 0,
            "audio_tokens": 0,
            "video_tokens": 0,
        },
        "cost_details": {
            "upstream_inference_cost": None,
            "upstream_inference_prompt_cost": prompt_nano_usd / 1e9,
            "upstream_inference_completions_cost": (tally.cost_nano_usd - prompt_nano_usd) / 1e9,
        },
        "completion_tokens_details": {
            "reasoning_tokens": tally.reasoning_tokens,
            "image_tokens": 0,
            "audio_tokens": 0,
        },
    }


def completion(turn: Turn, choices: list[Json], usage: Json) -> Json:
    """Return the body of a plain answer with these choices."""
    return {
        "id": turn.id,
        "object": "chat.completion",
        "created": turn.created_s,
        "model": turn.model,
        "provider": PROVIDER,
        "system_fingerprint": None,
        "service_tier": None,
        "choices": choices,
        "usage": usage,
    }


def choice_of(answer: Answer) -> Json:
    """Return the single choice of a plain answer."""
    message: Json = {
        "role": "assistant",
        "content": answer.content,
        "refusal": answer.refusal,
        "reasoning": "".join(answer.reasoning) or None,
    }
    if answer.reasoning:
        message["reasoning_details"] = _reasoning_details(message["reasoning"])
    if answer.tool:
        function = {"name": answer.tool.name, "arguments": "".join(answer.tool.arguments)}
        message["tool_calls"] = [{"id": answer.tool.id, "type": "function", "index": 0, "function": function}]
    if answer.image_url:
        message["images"] = [_image(answer.image_url)]
    return {
        "index": 0,
        "logprobs": None,
        "finish_reason": answer.finish_reason,
        "native_finish_reason": answer.finish_reason,
        "message": message,
    }


def plain_body(turn: Turn, answer: Answer) -> Json:
    """Return the complete body of a plain answer."""
    return completion(turn, [choice_of(answer)], usage_object(turn, tally_of(turn, answer)))


def chunk(turn: Turn, delta: Json, finish_reason: str | None = None, **more: object) -> Json:
    """Return a stream chunk; `more` are further top-level fields such as `usage` or `error`."""
    choice = {
        "index": 0,
        "delta": delta,
        "finish_reason": finish_reason,
        "native_finish_reason": finish_reason,
    }
    return bare_chunk(turn, [choice], **more)


def bare_chunk(turn: Turn, choices: list[Json], **more: object) -> Json:
    """Return a chunk with these choices."""
    return {
        "id": turn.id,
        "object": "chat.completion.chunk",
        "created": turn.created_s,
        "model": turn.model,
        "provider": PROVIDER,
        "choices": choices,
        **more,
    }


def content_chunk(turn: Turn, text: str) -> Json:
    """Return a chunk with a piece of text."""
    return chunk(turn, {"content": text, "role": "assistant"})


def progress_chunks(turn: Turn, answer: Answer) -> Iterator[Json]:
    """Yield the chunks that contain the answer's pieces."""
    for delta in _deltas(answer):
        yield chunk(turn, {"content": "", "role": "assistant", **delta})


def ending_chunks(turn: Turn, answer: Answer, *, usage_with_empty_choices: bool = False) -> tuple[Json, Json]:
    """Return the chunk with the finish reason, and the usage chunk in one of its two forms."""
    usage = usage_object(turn, tally_of(turn, answer))
    empty = {"content": "", "role": "assistant"}
    finish = chunk(turn, empty, answer.finish_reason)
    if usage_with_empty_choices:
        return finish, bare_chunk(turn, [], usage=usage)
    return finish, chunk(turn, empty, answer.finish_reason, usage=usage)


def _deltas(answer: Answer) -> Iterator[Json]:
    for text in answer.reasoning:
        yield {"reasoning": text, "reasoning_details": _reasoning_details(text)}
    for text in answer.pieces:
        yield {"content": text}
    if answer.tool:
        named = {"name": answer.tool.name, "arguments": ""}
        yield _tool_delta({"index": 0, "id": answer.tool.id, "type": "function", "function": named})
        for piece in answer.tool.arguments:
            yield _tool_delta({"index": 0, "type": "function", "function": {"arguments": piece}})
    if answer.refusal:
        yield {"content": None, "refusal": answer.refusal}
    if answer.image_url:
        yield {"images": [_image(answer.image_url)]}


def _tool_delta(call: Json) -> Json:
    return {"content": None, "tool_calls": [call]}


def _reasoning_details(text: object) -> list[Json]:
    return [{"type": "reasoning.text", "text": text, "format": "unknown", "index": 0}]


def _image(url: str) -> Json:
    return {"type": "image_url", "image_url": {"url": url}, "index": 0}
