"""The content blocks of Anthropic Messages: each as a whole, and as the start and the deltas of a stream."""

import hashlib
import json
from dataclasses import dataclass

from simulator.answers import Answer, Json, ToolCall
from simulator.turn import Turn

_SIGNED_BY = "signed-by:"


@dataclass(frozen=True, slots=True)
class Block:
    """One content block."""

    whole: Json
    start: Json
    deltas: tuple[Json, ...] = ()


def blocks_of(turn: Turn, answer: Answer) -> tuple[Block, ...]:
    """Return the blocks of an answer: reasoning, text, a tool call."""
    blocks = []
    if answer.encrypted:
        blocks.append(redacted(answer.encrypted))
    if answer.reasoning:
        signed = answer.signature or signature(turn.model, "".join(answer.reasoning))
        blocks.append(thinking(answer.reasoning, signed))
    spoken = answer.pieces or ((answer.refusal,) if answer.refusal else ())
    if spoken:
        blocks.append(text(spoken))
    if answer.tool:
        blocks.append(tool_use(answer.tool))
    return tuple(blocks)


def text(pieces: tuple[str, ...]) -> Block:
    """Return a block of text."""
    deltas = tuple({"type": "text_delta", "text": piece} for piece in pieces)
    empty = {"type": "text", "text": ""}
    return Block({**empty, "text": "".join(pieces)}, empty, deltas)


def thinking(pieces: tuple[str, ...], signed: str) -> Block:
    """Return a block of thinking; without pieces its text is withheld, and the signature is all of it."""
    empty = {"type": "thinking", "thinking": "", "signature": ""}
    deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
    whole = {**empty, "thinking": "".join(pieces), "signature": signed}
    return Block(whole, empty, (*deltas, {"type": "signature_delta", "signature": signed}))


def redacted(data: str) -> Block:
    """Return a block of encrypted thinking."""
    whole = {"type": "redacted_thinking", "data": data}
    return Block(whole, whole)


def tool_use(call: ToolCall, kind: str = "tool_use") -> Block:
    """Return a tool call; arguments that are not a JSON object are an empty input in a plain answer."""
    empty = {"type": kind, "id": call.id, "name": call.name, "input": {}}
    deltas = tuple({"type": "input_json_delta", "partial_json": piece} for piece in call.arguments)
    return Block({**empty, "input": _parsed("".join(call.arguments))}, empty, deltas)


def whole(block: Json) -> Block:
    """Return a block that a stream sends in its start event."""
    return Block(block, block)


def compaction(summary: str) -> Block:
    """Return the summary that takes the place of a conversation."""
    block = {"type": "compaction", "content": summary}
    return Block(block, {**block, "content": None}, ({"type": "compaction_delta", "content": summary},))


def signature(maker: str, thought: str) -> str:
    """Return a signature that names its maker."""
    return f"{_SIGNED_BY}{maker}:{hashlib.sha256(thought.encode()).hexdigest()[:16]}"


def maker_of(signed: str) -> str | None:
    """Return the maker that a signature names; None if it was not made here."""
    return signed.removeprefix(_SIGNED_BY).rpartition(":")[0] if signed.startswith(_SIGNED_BY) else None


def _parsed(arguments: str) -> Json:
    try:
        parsed = json.loads(arguments)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
