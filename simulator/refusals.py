"""Models that refuse a request for what is in it: a field, a tool's type, its length, a foreign signature."""

import json
from collections.abc import Callable
from dataclasses import replace

from simulator.answers import Answer
from simulator.asked import Signed, mappings
from simulator.coder import coder_answer
from simulator.dialects.messages_blocks import maker_of, signature
from simulator.fault import PROVIDER_ERROR, Fault, provider_metadata, rejected
from simulator.healthy import OK, REASONING, tool_answer
from simulator.turn import Turn

# Source: Anthropic's words, which Claude Code looks for.
_EXTRA = "{field}: Extra inputs are not permitted"
_TOO_LONG = "prompt is too long: {tokens} tokens > {limit} maximum"
_UNKNOWN_TAG = (
    "tools.{place}: Input tag '{kind}' found using 'type' does not match any of the expected tags: 'custom'"
)
_SIGNATURE = "{place}: Invalid `signature` in `thinking` block"
# Source: OpenAI's error, which shows the ends of the content.
_ENCRYPTED = (
    "The encrypted content {start}...{end} could not be verified. "
    "Reason: Encrypted content could not be decrypted or parsed."
)
_KNOWN_TOOL_TYPES = frozenset({None, "custom", "function"})
_THOUGHT = "".join(REASONING.reasoning)


def has_field(turn: Turn) -> Fault | None:
    """Refuse a body that has the field in the model's name."""
    return rejected(_EXTRA.format(field=turn.word)) if turn.word in turn.body else None


def has_thinking_display(turn: Turn) -> Fault | None:
    """Refuse a body that has `thinking.display`."""
    thinking = turn.body.get("thinking")
    has_it = isinstance(thinking, dict) and "display" in thinking
    return rejected(_EXTRA.format(field="thinking.display")) if has_it else None


def has_unknown_tool_type(turn: Turn) -> Fault | None:
    """Refuse a tool whose type is not that of a function."""
    for place, tool in enumerate(mappings(turn.body.get("tools"))):
        if tool.get("type") not in _KNOWN_TOOL_TYPES:
            return rejected(_UNKNOWN_TAG.format(place=place, kind=tool["type"]))
    return None


def is_too_long(turn: Turn) -> Fault | None:
    """Refuse a prompt with more tokens than the number in the model's name."""
    tokens = turn.dialect.tally(turn, OK).prompt_tokens
    if tokens <= turn.number:
        return None
    words = _TOO_LONG.format(tokens=tokens, limit=turn.number)
    metadata = provider_metadata(words, error_type="context_length_exceeded")
    return Fault(400, PROVIDER_ERROR, metadata, words)


def has_foreign_signature(turn: Turn) -> Fault | None:
    """Refuse reasoning that another model signed."""
    for message in turn.dialect.asked(turn.body).messages:
        for signed in message.signed:
            if maker_of(signed.signature) != turn.model:
                return _foreign(signed)
    return None


def _foreign(signed: Signed) -> Fault:
    if not signed.encrypted_content:
        return rejected(_SIGNATURE.format(place=signed.place))
    words = _ENCRYPTED.format(start=signed.signature[:4], end=signed.signature[-4:])
    error = {
        "message": words,
        "type": "invalid_request_error",
        "param": None,
        "code": "invalid_encrypted_content",
    }
    return Fault(400, PROVIDER_ERROR, provider_metadata(json.dumps({"error": error})), words)


def signed_answer(turn: Turn) -> Answer:
    """Return reasoning with a signature, then what coder says, or tools if there is no task."""
    return _with_reasoning(turn, lambda answer: replace(answer, signature=signature(turn.model, _THOUGHT)))


def encrypted_answer(turn: Turn) -> Answer:
    """Return encrypted reasoning, then what coder says, or tools if there is no task."""
    sealed = signature(turn.model, _THOUGHT)
    return _with_reasoning(turn, lambda answer: replace(answer, reasoning=(), encrypted=sealed))


def _with_reasoning(turn: Turn, seal: Callable[[Answer], Answer]) -> Answer:
    step = coder_answer(turn)
    if step is OK and turn.dialect.asked(turn.body).tools:
        step = tool_answer(turn)
    return seal(replace(step, reasoning=REASONING.reasoning))
