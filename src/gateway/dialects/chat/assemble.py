"""Puts the chunks of a chat together: the body that the upstream would have sent as a plain answer."""

import re
from binascii import a2b_base64, b2a_base64
from types import MappingProxyType

from gateway.dialects.choice_assembly import Assembly
from gateway.dialects.merge import FIRST, NEWEST, TEXT, Items, Rules
from gateway.http.json_values import JsonObject, object_or_empty

# How the pieces of each field are merged.
# Sources: OpenRouter's ChatStreamChunk and ChatResult, "Reasoning Tokens"; OpenAI's "The chat completion
# chunk object"; vLLM's `stop_reason` and Azure's `content_filter_results` in a choice.
_FUNCTION: Rules = MappingProxyType({"name": TEXT, "arguments": TEXT})
_CALL: Rules = MappingProxyType({"index": FIRST, "id": FIRST, "type": FIRST, "function": _FUNCTION})
_DETAIL: Rules = MappingProxyType({
    "type": FIRST,
    "index": FIRST,
    "id": FIRST,
    "format": FIRST,
    "text": TEXT,
    "summary": TEXT,
    "signature": NEWEST,
})  # fmt: skip  # one field a line
_MESSAGE: Rules = MappingProxyType({
    "role": FIRST,
    "content": TEXT,
    "reasoning": TEXT,
    "reasoning_content": TEXT,
    "refusal": TEXT,
    "tool_calls": Items(_CALL),
    "function_call": _FUNCTION,
    "reasoning_details": Items(_DETAIL, by_type=True),
    "audio": MappingProxyType({"id": FIRST, "data": TEXT, "transcript": TEXT, "expires_at": NEWEST}),
})  # fmt: skip  # one field a line
_CHOICE: Rules = MappingProxyType({
    "message": _MESSAGE,
    "text": TEXT,
    "logprobs": MappingProxyType({}),
    "finish_reason": NEWEST,
    "native_finish_reason": NEWEST,
    "stop_reason": NEWEST,
    "content_filter_results": NEWEST,
})  # fmt: skip  # one field a line
# No audio has more pieces. Each is decoded alone.
_MAX_PIECES = 20_000
_BASE64 = re.compile(r"[^=]++=*+")


class ChatAssembly(Assembly):
    """The completion that the chunks of a chat make."""

    object = "chat.completion"
    rules = _CHOICE

    def piece_of(self, choice: JsonObject) -> JsonObject:
        """Return a choice of a chunk with its delta as a message."""
        # Some providers repeat the text so far in a `message` beside the delta.
        piece = {name: value for name, value in choice.items() if name not in ("delta", "message")}
        return {**piece, "message": _without_copy(object_or_empty(choice.get("delta")))}

    def complete(self, choice: JsonObject) -> None:
        """Join the pieces of an audio."""
        _join_audio(object_or_empty(choice.get("message")))


def _without_copy(delta: JsonObject) -> JsonObject:
    """Return a delta without the ``reasoning`` that ``chunk_shape`` has copied from ``reasoning_content``.

    The plain answer gets that copy when it is complete.
    """
    if not delta.get("reasoning_content") or delta.get("reasoning") != delta["reasoning_content"]:
        return delta
    return {name: value for name, value in delta.items() if name != "reasoning"}


def _join_audio(message: JsonObject) -> None:
    """Make one base64 text of the pieces of an audio, each of which may end in padding."""
    audio = object_or_empty(message.get("audio"))
    data = audio.get("data")
    if not isinstance(data, str) or not 0 < data.rstrip("=").count("=") <= 2 * _MAX_PIECES:
        return
    joined = bytearray()
    try:
        for piece in _BASE64.finditer(data):
            joined += a2b_base64(piece[0].encode(), strict_mode=True)
    except ValueError:  # it is no base64: it stays as it is
        return
    audio["data"] = b2a_base64(joined, newline=False).decode()
