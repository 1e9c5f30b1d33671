"""The JSON of Anthropic Messages: messages, the events of their streams, usage and errors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.answers import Json, cost_fields
from simulator.asked import mappings
from simulator.dialects.messages_blocks import Block
from simulator.fault import Fault
from simulator.framing import Event
from simulator.steps import Tally
from simulator.turn import PROVIDER, Turn

PING = Event({"type": "ping"}, "ping")
MESSAGE_STOP = Event({"type": "message_stop"}, "message_stop")
# Source: Anthropic's words; OpenRouter's `error_type` decides (table of `error.type` by `error_type`).
_ERROR_TYPES: Mapping[str, str] = {
    "authentication": "authentication_error",
    "permission_denied": "permission_error",
    "payment_required": "billing_error",
    "not_found": "not_found_error",
    "payload_too_large": "request_too_large",
    "rate_limit_exceeded": "rate_limit_error",
    "provider_overloaded": "overloaded_error",
    "timeout": "timeout_error",
    "context_length_exceeded": "invalid_request_error",
    "content_policy_violation": "invalid_request_error",
    "invalid_request": "invalid_request_error",
}


@dataclass(frozen=True, slots=True)
class Message:
    """A message: its blocks, why it stopped, what it costs, and the verdict about its tool calls."""

    blocks: tuple[Block, ...]
    stop_reason: str | None
    tally: Tally
    verdict: str | None = "not_flagged"
    more: Mapping[str, Any] = field(default_factory=dict)  # further fields of the ending, as `stop_details`


def usage_object(turn: Turn, tally: Tally) -> Json:
    """Return the `usage` object; `cost` is in USD."""
    return {
        **_tokens(tally.prompt_tokens, tally.completion_tokens, tally.cached_tokens),
        "output_tokens_details": {"thinking_tokens": tally.reasoning_tokens},
        "server_tool_use": None,
        "service_tier": "standard",
        **cost_fields(turn, tally),
    }


def plain_body(turn: Turn, message: Message) -> Json:
    """Return the body of a plain answer."""
    return {
        **_envelope(turn),
        "content": [block.whole for block in message.blocks],
        **ending_of(turn, message),
        "usage": usage_object(turn, message.tally),
    }


def message_start(turn: Turn, cached_tokens: int = 0) -> Event:
    """Return the first event. Its usage has the tokens of the prompt."""
    started = {**_envelope(turn), "content": [], "stop_reason": None, "stop_sequence": None}
    usage = _tokens(turn.prompt_tokens, 0, cached_tokens)
    return Event({"type": "message_start", "message": {**started, "usage": usage}}, "message_start")


def block_start(index: int, block: Block) -> Event:
    """Return the event with which a block begins."""
    name = "content_block_start"
    return Event({"type": name, "index": index, "content_block": block.start}, name)


def block_deltas(index: int, block: Block) -> Iterator[Event]:
    """Yield the pieces of a block."""
    name = "content_block_delta"
    return (Event({"type": name, "index": index, "delta": delta}, name) for delta in block.deltas)


def block_stop(index: int) -> Event:
    """Return the event with which a block ends."""
    return Event({"type": "content_block_stop", "index": index}, "content_block_stop")


def block_events(index: int, block: Block) -> Sequence[Event]:
    """Return all events of a block."""
    return block_start(index, block), *block_deltas(index, block), block_stop(index)


def message_delta(turn: Turn, message: Message) -> Event:
    """Return the event with the stop reason and the usage."""
    usage = usage_object(turn, message.tally)
    data = {"type": "message_delta", "delta": ending_of(turn, message), "usage": usage}
    return Event(data, "message_delta", tally=message.tally)


def ending_of(turn: Turn, message: Message) -> Json:
    """Return the fields that say how a message ended: the same in a plain body and in `message_delta`."""
    ending: Json = {"stop_reason": message.stop_reason, "stop_sequence": None, **message.more}
    calls = [block.whole["id"] for block in message.blocks if block.whole["type"] == "tool_use"]
    safeguards = mappings(turn.body.get("safeguards"))
    if safeguards and calls and message.verdict:
        ending["safeguard_results"] = [
            {"type": each.get("type"), "status": _verdicts(calls, message.verdict)} for each in safeguards
        ]
    return ending


def error_object(fault: Fault) -> Json:
    """Return the value of `error`."""
    kind = _ERROR_TYPES.get(fault.error_type, "invalid_request_error" if fault.status < 500 else "api_error")
    return {"type": kind, "message": fault.words or fault.message, "error_type": fault.error_type}


def _tokens(prompt: int, output: int, cached: int) -> Json:
    """Return the counts of tokens; those of the cache are no part of `input_tokens`."""
    return {
        "input_tokens": prompt - cached,
        "output_tokens": output,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
    }


def _verdicts(calls: list[str], outcome: str) -> Json:
    verdict = {"type": "evaluated", "outcome": outcome}
    if outcome == "flagged":
        verdict["explanation"] = "The simulator flags every tool call of this model."
    return {"type": "available", "tool_uses": dict.fromkeys(calls, verdict)}


def _envelope(turn: Turn) -> Json:
    return {
        "id": f"msg_{turn.id.rpartition('-')[2]}",
        "type": "message",
        "role": "assistant",
        "model": turn.model,
        "provider": PROVIDER,
    }
