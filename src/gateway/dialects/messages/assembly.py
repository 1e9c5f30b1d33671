"""The plain answer that the events of a Messages stream make.

The events are valid, as ``stream`` has checked them. Each byte is copied a constant number of times.
"""

from io import StringIO

from gateway.dialects.event_data import EventPayload
from gateway.dialects.messages.blocks import malformed
from gateway.dialects.messages.content import DELTA_TEXTS
from gateway.dialects.messages.usage import merged
from gateway.dialects.meter import Meter, TooMuchError, length_of, weight_of
from gateway.dialects.named_events import json_of, whole_payload
from gateway.http.json_bytes import parse_json
from gateway.http.json_values import Json, JsonObject, object_or_empty

# The members of events that are no part of a plain answer, or stand at another place there.
_APART = frozenset({"type", "delta", "usage", "gateway"})
_INPUT = "partial_json"
# What a block and its deltas are called is no content.
LABELS = frozenset({"type", "id", "name"})
# An object of Python takes as much memory as so many values of JSON.
_VALUES_OF_BLOCK = 10


class Assembly:
    """The answer that the events of a stream make.

    Args:
        max_bytes: the largest answer.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._meter = Meter(max_bytes)
        self._message: JsonObject = {}
        self._blocks: list[_Block] = []
        self._usage: JsonObject = {}

    def take(self, read: EventPayload) -> None:
        """Add an event. Pings and events of an unknown type add nothing.

        Raises:
            TooMuchError: the answer is too large.
        """
        payload = whole_payload(read)
        kind = payload.get("type")
        if kind == "content_block_delta":
            self._blocks[_index_of(payload)].add(object_or_empty(payload["delta"]))
        elif kind == "content_block_start":
            self._blocks.append(_Block(object_or_empty(payload["content_block"]), self._meter))
        elif kind == "message_start":
            self._take(object_or_empty(payload["message"]))
        elif kind in ("message_delta", "message_stop"):
            self._take({**_apart(payload), **object_or_empty(payload.get("delta"))})
            self._take({"usage": payload.get("usage")})

    def to_bytes(self) -> bytes:
        """Return the body of the plain answer.

        Raises:
            TooMuchError: the answer is too large.
            AttemptFailedError: the input of a tool is not a JSON object.
        """
        content: list[Json] = [block.to_json() for block in self._blocks]
        body = json_of({**self._message, "content": content, "usage": self._usage})
        if len(body) > self._max_bytes:
            raise TooMuchError
        return body

    def _take(self, members: JsonObject) -> None:
        """Add members of the message. They come with its first and its last events only."""
        self._meter.add(*weight_of(members))
        usage = members.pop("usage", None)
        self._usage = merged(self._usage, object_or_empty(usage))
        self._message = merged(self._message, members)


def _apart(payload: JsonObject) -> JsonObject:
    return {name: value for name, value in payload.items() if name not in _APART}


def _index_of(payload: JsonObject) -> int:
    index = payload["index"]
    assert isinstance(index, int)  # as `stream` has checked
    return index


class _Block:
    """A block that arrives in pieces. Texts are joined; of other values the newest counts."""

    def __init__(self, block: JsonObject, meter: Meter) -> None:
        length, values = weight_of(block)
        meter.add(length, values + _VALUES_OF_BLOCK)
        self._meter = meter
        self._fields = block
        self._texts: dict[str, StringIO] = {}

    def add(self, delta: JsonObject) -> None:
        """Add a delta. Of a known type only the field counts that such a delta has."""
        kind = str(delta["type"])
        if kind == "citations_delta":
            self._cite(delta.get("citation"))
            return
        name = DELTA_TEXTS.get(kind)
        for each in (name,) if name else [each for each in delta if each not in LABELS]:
            value = delta.get(each)
            if isinstance(value, str):
                self._meter.add(length_of(value), 0)
                self._text_of(each).write(value)
            elif value is not None:
                self._meter.add(*weight_of(value))
                self._fields[each] = value

    def _cite(self, citation: Json) -> None:
        self._meter.add(*weight_of(citation))
        citations = self._fields.get("citations")
        if not isinstance(citations, list):
            self._fields["citations"] = citations = []
        citations.append(citation)

    def to_json(self) -> JsonObject:
        """Return the block as far as it has arrived.

        Raises:
            AttemptFailedError: the input of a tool is not a JSON object.
        """
        shown = {**self._fields}
        for name, text in self._texts.items():
            if name != _INPUT:
                shown[name] = text.getvalue()
        if _INPUT in self._texts:
            shown["input"] = _input_of(self._texts[_INPUT].getvalue(), self._fields.get("input"))
        return shown

    def _text_of(self, name: str) -> StringIO:
        if name not in self._texts:
            self._meter.add(length_of(name), _VALUES_OF_BLOCK)
            self._texts[name] = StringIO(newline="")
            begun = self._fields.get(name)
            if isinstance(begun, str):
                self._texts[name].write(begun)
        return self._texts[name]


def _input_of(text: str, otherwise: Json) -> Json:
    """Return the input of a tool; without a text that with which the block began, or ``{}``."""
    if not text.strip():
        return otherwise if isinstance(otherwise, dict) else {}
    try:
        value = parse_json(text.encode("utf-8", "surrogatepass"))
    except ValueError:
        raise malformed() from None
    if not isinstance(value, dict):
        raise malformed()
    return value
