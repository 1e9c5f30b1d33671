"""The JSON of chat completions: messages, deltas, usage and errors."""

from collections.abc import Iterator
from typing import Any

from simulator.answers import Answer, Json, cost_fields
from simulator.fault import Fault
from simulator.steps import Tally
from simulator.turn import Turn

USER_ID = "user_2xSIMULATED00000000000000000"


def usage_object(turn: Turn, tally: Tally) -> Json:
    """Return the `usage` object; `cost` is in USD."""
    return {
        "prompt_tokens": tally.prompt_tokens,
        "completion_tokens": tally.completion_tokens,
        "total_tokens": tally.prompt_tokens + tally.completion_tokens,
        **cost_fields(turn, tally),
        "prompt_tokens_details": {
            "cached_tokens": tally.cached_tokens,
            "cache_write_tokens": 0,
            "audio_tokens": 0,
            "video_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": tally.reasoning_tokens,
            "image_tokens": 0,
            "audio_tokens": 0,
        },
    }


def message_of(answer: Answer) -> Json:
    """Return the message of a plain answer."""
    message: Json = {
        "role": "assistant",
        "content": answer.content,
        "refusal": answer.refusal,
        "reasoning": "".join(answer.reasoning) or None,
    }
    details = _reasoning_details(answer)
    if details:
        message["reasoning_details"] = details
    if answer.tool:
        function = {"name": answer.tool.name, "arguments": "".join(answer.tool.arguments)}
        message["tool_calls"] = [{"id": answer.tool.id, "type": "function", "index": 0, "function": function}]
    if answer.image_url:
        message["images"] = [_image(answer.image_url)]
    return message


def deltas(answer: Answer) -> Iterator[Json]:
    """Yield the deltas of a stream."""
    for text in answer.reasoning:
        yield {"reasoning": text, "reasoning_details": [_reasoning_text(text, answer)]}
    if answer.signature or answer.encrypted:
        sealed = (
            _encrypted(answer) if answer.encrypted else {**_reasoning_text("", answer), **_signed(answer)}
        )
        yield {"reasoning": "", "reasoning_details": [sealed]}
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


def error_object(fault: Fault) -> dict[str, Any]:
    """Return the value of `error`."""
    error: dict[str, Any] = {"message": fault.message, "code": fault.status}
    if fault.metadata is not None:
        error["metadata"] = fault.metadata
    return error


def error_body(fault: Fault) -> Json:
    """Return an error in OpenRouter's own envelope."""
    return {"error": error_object(fault), "user_id": USER_ID}


def _tool_delta(call: Json) -> Json:
    return {"content": None, "tool_calls": [call]}


def _reasoning_details(answer: Answer) -> list[Json]:
    if answer.encrypted:
        return [_encrypted(answer)]
    text = "".join(answer.reasoning)
    return [{**_reasoning_text(text, answer), **_signed(answer)}] if text else []


def _reasoning_text(text: str, answer: Answer) -> Json:
    form = "anthropic-claude-v1" if answer.signature else "unknown"
    return {"type": "reasoning.text", "text": text, "format": form, "index": 0}


def _signed(answer: Answer) -> Json:
    return {"signature": answer.signature} if answer.signature else {}


def _encrypted(answer: Answer) -> Json:
    return {
        "type": "reasoning.encrypted",
        "data": answer.encrypted,
        "format": "openai-responses-v1",
        "index": 0,
    }


def _image(url: str) -> Json:
    return {"type": "image_url", "image_url": {"url": url}, "index": 0}
