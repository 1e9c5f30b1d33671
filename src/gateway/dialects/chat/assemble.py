"""Puts the chunks of a stream together: the body that the upstream would have sent as a plain answer.

The chunks have the shape that ``chunk_shape`` gives them. Each byte is copied a constant number of times.
"""

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from types import MappingProxyType

from gateway.dialects.chat.choices import indexed_choices
from gateway.dialects.chat.merge import FIRST, NEWEST, OTHERS, TEXT, Items, Merged, Rules
from gateway.dialects.event_data import EventPayload
from gateway.dialects.meter import Meter, TooMuchError
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_values import Json, JsonObject, object_or_empty
from gateway.http.long_strings import LongStrings

# How the pieces of each field are merged.
# Sources: OpenRouter's ChatStreamChunk and ChatResult, "Reasoning Tokens"; OpenAI's "The chat completion
# chunk object"; vLLM's `stop_reason` and Azure's `content_filter_results` in a choice.
_CHUNK: Rules = MappingProxyType({"id": FIRST, "created": FIRST, "model": FIRST, OTHERS: NEWEST})
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
# What of a chunk is no part of a plain answer, or is read apart.
_APART = frozenset({"object", "choices", "gateway"})
# No audio has more pieces. Each is decoded alone.
_MAX_PIECES = 20_000
_BASE64 = re.compile(r"[^=]++=*+")


class Assembly:
    """The answer that the chunks of a stream make.

    Args:
        max_bytes: the largest answer.
        mark: begins the placeholders of long strings; no text has it by chance.
    """

    def __init__(self, max_bytes: int, mark: str) -> None:
        self._max_bytes = max_bytes
        self._mark = mark
        self._meter = Meter(max_bytes)
        self._fields = Merged(_CHUNK, self._meter)
        self._choices: dict[int, Merged] = {}
        self._long: list[memoryview] = []

    def add(self, read: EventPayload) -> None:
        """Add a chunk. It belongs to this object from now on.

        Raises:
            TooMuchError: the answer is too large.
        """
        payload = self._with_own_marks(read.payload, read.long) if read.long.parts else read.payload
        self._fields.take({name: value for name, value in payload.items() if name not in _APART})
        for index, choice in indexed_choices(payload):
            if index not in self._choices:
                self._choices[index] = Merged(_CHOICE, self._meter)
            # Some providers repeat the text so far in a `message` beside the delta.
            piece = {name: value for name, value in choice.items() if name not in ("delta", "message")}
            self._choices[index].take(
                {**piece, "message": _without_copy(object_or_empty(choice.get("delta")))}
            )

    def to_bytes(self) -> bytes:
        """Return the body of the plain answer.

        Raises:
            TooMuchError: the answer is too large.
        """
        choices: list[Json] = []
        for index, choice in sorted(self._choices.items()):
            fields = choice.to_json()
            _join_audio(object_or_empty(fields.get("message")))
            choices.append({**fields, "index": index})
        answer: JsonObject = {"id": None, "object": "chat.completion", **self._fields.to_json()}
        answer["choices"] = choices
        try:
            short = to_json_bytes(answer)
        except ValueError:  # JSON can hold 1e999, but Python writes it as no JSON
            short = to_json_bytes(_mapped(answer, _finite))
        if len(short) + sum(map(len, self._long)) > self._max_bytes:
            raise TooMuchError
        return LongStrings(tuple(self._long), self._mark).restore(short)

    def _with_own_marks(self, payload: JsonObject, long: LongStrings) -> JsonObject:
        """Return a payload whose placeholders are numbered among those of all chunks; keep their strings."""
        before, length = len(self._long), sum(map(len, long.parts))
        self._meter.add(length, 0)
        self._long += long.parts
        placeholder = re.compile(re.escape(long.mark) + r"(\d{1,4})@")

        def renamed(value: Json) -> Json:
            if not isinstance(value, str) or long.mark not in value:
                return value
            return placeholder.sub(lambda found: f"{self._mark}{before + int(found[1])}@", value)

        return object_or_empty(_mapped(payload, renamed))


def _without_copy(delta: JsonObject) -> JsonObject:
    """Return a delta without the ``reasoning`` that ``chunk_shape`` has copied from ``reasoning_content``.

    The plain answer gets that copy when it is complete.
    """
    if not delta.get("reasoning_content") or delta.get("reasoning") != delta["reasoning_content"]:
        return delta
    return {name: value for name, value in delta.items() if name != "reasoning"}


def _mapped(value: Json, to: Callable[[Json], Json]) -> Json:
    """Return a JSON value with ``to`` applied to all strings, numbers and names within it."""
    if isinstance(value, dict):
        return {str(to(name)): _mapped(each, to) for name, each in value.items()}
    return [_mapped(each, to) for each in value] if isinstance(value, list) else to(value)


def _finite(value: Json) -> Json:
    """Return null for an infinite number."""
    return None if value in (float("inf"), float("-inf")) else value


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
