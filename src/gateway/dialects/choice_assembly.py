"""Puts the chunks of a stream together: the body that the upstream would have sent as a plain answer.

The chunks have the shape that ``chunk_shape`` gives them. Each byte is copied a constant number of times.
"""

import re
from collections.abc import Callable
from types import MappingProxyType

from gateway.dialects.choices import indexed_choices
from gateway.dialects.event_data import EventPayload
from gateway.dialects.merge import FIRST, NEWEST, OTHERS, Merged, Rules
from gateway.dialects.meter import Meter, TooMuchError
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_values import Json, JsonObject, object_or_empty
from gateway.http.long_strings import LongStrings

# How the pieces of each field are merged.
# Sources: OpenRouter's ChatStreamChunk and ChatResult, "Reasoning Tokens"; OpenAI's "The chat completion
# chunk object"; vLLM's `stop_reason` and Azure's `content_filter_results` in a choice.
_CHUNK: Rules = MappingProxyType({"id": FIRST, "created": FIRST, "model": FIRST, OTHERS: NEWEST})
# What of a chunk is no part of a plain answer, or is read apart.
_APART = frozenset({"object", "choices", "gateway"})


class Assembly:
    """The answer that the chunks of a stream make. Each wire format has a subclass.

    Attributes:
        object: what a plain answer states as its ``object``.
        rules: how the pieces of a choice are merged.

    Args:
        max_bytes: the largest answer.
        mark: begins the placeholders of long strings; no text has it by chance.
    """

    object: str
    rules: Rules

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
                self._choices[index] = Merged(self.rules, self._meter)
            self._choices[index].take(self.piece_of(choice))

    def piece_of(self, choice: JsonObject) -> JsonObject:
        """Return what a choice of a chunk adds to the choice of the answer."""
        return choice

    def complete(self, choice: JsonObject) -> None:
        """Bring a choice of the answer into its form, in place, when all of its pieces are there."""

    def to_bytes(self) -> bytes:
        """Return the body of the plain answer.

        Raises:
            TooMuchError: the answer is too large.
        """
        choices: list[Json] = []
        for index, choice in sorted(self._choices.items()):
            fields = choice.to_json()
            self.complete(fields)
            choices.append({**fields, "index": index})
        answer: JsonObject = {"id": None, "object": self.object, **self._fields.to_json()}
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


def _mapped(value: Json, to: Callable[[Json], Json]) -> Json:
    """Return a JSON value with ``to`` applied to all strings, numbers and names within it."""
    if isinstance(value, dict):
        return {str(to(name)): _mapped(each, to) for name, each in value.items()}
    return [_mapped(each, to) for each in value] if isinstance(value, list) else to(value)


def _finite(value: Json) -> Json:
    """Return null for an infinite number."""
    return None if value in (float("inf"), float("-inf")) else value
