"""Finds out what a block or a delta of a Messages answer says: text, thinking, or anything else."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.http.json_values import Json, JsonObject

# The field of each type of delta that is joined with those before it.
# Source: Anthropic "Streaming messages"; its SDKs for `compaction_delta`.
DELTA_TEXTS: Mapping[str, str] = MappingProxyType({
    "text_delta": "text",
    "thinking_delta": "thinking",
    "input_json_delta": "partial_json",
    "signature_delta": "signature",
})  # fmt: skip  # one type a line
# Blocks that say nothing when they begin: their deltas do.
SILENT_BLOCKS = frozenset({"text", "thinking", "compaction"})
THINKING_BLOCKS = frozenset({"thinking", "redacted_thinking"})
# The texts of blocks that may be empty. A signature is all that is seen of thinking that is withheld.
_BLOCK_TEXTS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "text": ("text",),
    "thinking": ("thinking", "signature"),
    "compaction": ("content",),
})  # fmt: skip  # one type a line
_ADDED_TO: Mapping[str, str] = MappingProxyType({"text": "text", "thinking": "thinking"})
# The stop reasons of an answer that is complete although it may have said nothing: a limit ended it, or the
# caller must send it back. Source: Anthropic "Handling stop reasons".
SILENT_ENDS = frozenset({"max_tokens", "pause_turn", "compaction", "model_context_window_exceeded"})
REFUSAL = "refusal"


def says(block: JsonObject) -> bool:
    """Return whether a block has content. White space alone is none."""
    kind = block.get("type")
    if not isinstance(kind, str):
        return False
    names = _BLOCK_TEXTS.get(kind)
    return names is None or any(_is_said(block.get(name)) for name in names)


def adds(delta: JsonObject, *, blank_counts: bool) -> bool:
    """Return whether a delta has content.

    ``blank_counts``: whether white space does. It may go on with a text that has begun.
    """
    kind = delta.get("type")
    name = DELTA_TEXTS.get(kind) if isinstance(kind, str) else None
    values = [delta.get(name)] if name else [value for key, value in delta.items() if key != "type"]
    return any(_is_said(value, blank_counts=blank_counts) for value in values)


def _is_said(value: Json, *, blank_counts: bool = False) -> bool:
    if isinstance(value, str):
        return bool(value) and (blank_counts or not value.isspace())
    return bool(value)


def fill_text(block: JsonObject) -> bool:
    """Give a block the empty text that SDKs add to, if it has none; return whether it had none."""
    name = _ADDED_TO.get(str(block["type"]))
    if name is None or isinstance(block.get(name), str):
        return False
    block[name] = ""
    return True
