"""The JSON of Responses: the response object, the events of its stream, usage and errors."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simulator.answers import Json, cost_fields
from simulator.dialects.responses_items import Item
from simulator.fault import Fault
from simulator.framing import Event
from simulator.steps import Tally
from simulator.turn import Turn

COMPLETED, INCOMPLETE, FAILED = "completed", "incomplete", "failed"
SERVER_ERROR = "server_error"
# Source: OpenRouter's page on errors of the Responses API; every other type is a `server_error`.
_CODES: Mapping[str, str] = {
    "invalid_request": "invalid_prompt",
    "context_length_exceeded": "invalid_prompt",
    "rate_limit_exceeded": "rate_limit_exceeded",
    "content_policy_violation": "image_content_policy_violation",
}
# What the response object repeats of the request, and the values of a request that sets none.
# Source: the Open Responses specification, whose schema requires each of them.
_ECHOED: Mapping[str, object] = {
    "temperature": 1.0,
    "top_p": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "top_logprobs": 0,
    "truncation": "disabled",
    **dict.fromkeys(("instructions", "reasoning", "max_output_tokens", "max_tool_calls")),
    **dict.fromkeys(("prompt_cache_key", "safety_identifier", "user")),
}


def response(turn: Turn, status: str | None, items: Sequence[Item] = (), **more: object) -> Json:
    """Return the response object; it repeats the request's settings."""
    body = turn.body
    output = [item.whole for item in items]
    if status == INCOMPLETE and output:
        output[-1] = {**output[-1], "status": INCOMPLETE}
    return {
        "id": f"resp_{turn.id.rpartition('-')[2]}",
        "object": "response",
        "created_at": turn.created_s,
        "completed_at": turn.created_s if status == COMPLETED else None,
        "status": status,
        "model": turn.model,
        "output": output,
        "error": None,
        "incomplete_details": None,
        "metadata": body.get("metadata") or {},
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "tools": body.get("tools") or [],
        "tool_choice": body.get("tool_choice", "auto"),
        "text": body.get("text") or {"format": {"type": "text"}},
        **{name: value if body.get(name) is None else body[name] for name, value in _ECHOED.items()},
        "previous_response_id": None,
        "background": False,
        "store": False,
        "service_tier": "default",
        "usage": None,
        **more,
    }


def usage_object(turn: Turn, tally: Tally) -> Json:
    """Return the `usage` object; `cost` is in USD."""
    return {
        "input_tokens": tally.prompt_tokens,
        "input_tokens_details": {"cached_tokens": tally.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": tally.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": tally.reasoning_tokens},
        "total_tokens": tally.prompt_tokens + tally.completion_tokens,
        **cost_fields(turn, tally, "input", "output"),
    }


def code_of(fault: Fault) -> str:
    """Return the word of Responses for an error."""
    return fault.code or _CODES.get(fault.error_type, SERVER_ERROR)


def failed(turn: Turn, fault: Fault, items: Sequence[Item] = ()) -> Json:
    """Return a response that failed; `error_type` is at its top."""
    error = {"code": code_of(fault), "message": fault.words or fault.message}
    return response(turn, FAILED, items, error=error, error_type=fault.error_type)


def event(turn: Turn, name: str, tally: Tally | None = None, /, **fields: object) -> Event:
    """Return the next event of the stream; each has a number."""
    data: dict[str, Any] = {"type": name, "sequence_number": next(turn.sequence), **fields}
    return Event(data, name, tally=tally)


def starting(turn: Turn) -> Iterator[Event]:
    """Yield the events with which a stream begins."""
    for name in ("response.created", "response.in_progress"):
        yield event(turn, name, response=response(turn, "in_progress"))


def item_added(turn: Turn, index: int, item: Item) -> Iterator[Event]:
    """Yield the events with which an item begins."""
    yield event(turn, "response.output_item.added", output_index=index, item=item.added)
    yield from _of_item(turn, index, item, item.begins)


def item_deltas(turn: Turn, index: int, item: Item) -> Iterator[Event]:
    """Yield the pieces of an item."""
    return _of_item(turn, index, item, item.deltas)


def item_done(turn: Turn, index: int, item: Item) -> Iterator[Event]:
    """Yield the events with which an item ends."""
    yield from _of_item(turn, index, item, item.ends)
    yield event(turn, "response.output_item.done", output_index=index, item=item.whole)


def terminal(turn: Turn, ended: Json, tally: Tally | None = None) -> Event:
    """Return the event that ends a response: it is named for the status."""
    return event(turn, f"response.{ended['status']}", tally, response=ended)


def flat_error(turn: Turn, fault: Fault) -> Event:
    """Return an error event in OpenAI's form: its fields are those of the event."""
    return event(turn, "error", code=code_of(fault), message=fault.words or fault.message, param=None)


def nested_error(turn: Turn, error: object) -> Event:
    """Return an error event with the error inside."""
    return event(turn, "error", error=error)


def _of_item(turn: Turn, index: int, item: Item, bodies: Sequence[Json]) -> Iterator[Event]:
    for body in bodies:
        fields = {name: value for name, value in body.items() if name != "type"}
        yield event(turn, body["type"], item_id=item.whole["id"], output_index=index, **fields)
