"""Counts how often the agent of a chat repeats itself at the end: the same tool call, or the same tool error.

An agent that goes round in circles sends a transcript that ends with the same call again and again. What
counts as progress, and ends a repetition:

* another call: another tool, or other arguments. Arguments are compared as JSON values.
* a result of the call that is not an error and differs from its last result.
* a message of the user.

The same error is counted too, when calls of one tool with different arguments get it one after another. Calls
of one message count together: they are a repetition if the next message has the same ones. Text of the
assistant is no progress.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from gateway.dialects.tool_errors import reports_error, text_of
from gateway.http.frozen import dataclass
from gateway.http.json_bytes import MAX_VALUES, check_size, refuse_constant
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty

# Larger whole numbers are not exact as floats.
MAX_EXACT = 2.0**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """What an agent repeats at the end of a transcript.

    Attributes:
        names: the names of the functions that it calls, as the transcript has them, in order.
        count: how often.
        is_error: whether the same error is counted, and not the same call.
    """

    names: tuple[str, ...]
    count: int
    is_error: bool


class _Call(NamedTuple):
    """One call of a tool; ``arguments`` are the same text for the same JSON value."""

    name: str
    arguments: str


def repetition_in(messages: list[Json]) -> Repetition | None:
    """Return what the agent repeats at the end of the messages; None if they do not end with tool calls.

    Each message is looked at once.
    """
    trail = _Trail()
    for message in messages:
        if not isinstance(message, dict):
            continue
        role = message.get("role")
        if role == "user":
            trail = _Trail()
        elif role == "assistant":
            trail.call([*_calls_in(message)])
        elif role in ("tool", "function"):
            trail.result(message)
    return trail.repetition


class _Trail:
    """What has happened since the last progress."""

    def __init__(self) -> None:
        self._calls: dict[_Call, int] = {}  # those of the last message with calls, and how often it has each
        self._by_id: dict[str, _Call] = {}
        self._in_order: list[_Call] = []
        self._results = 0  # how many of them have a result
        self._count = 0
        self._answers: dict[_Call, Json] = {}  # the last result of each call that was not an error
        self._failed: set[_Call] = set()
        self._error: tuple[str, Json] | None = None  # a tool's name, and the error that it returned
        self._errors = 0
        self._is_counted = False  # whether the last message's error is counted in `_errors`

    def call(self, calls: list[tuple[str, _Call]]) -> None:
        """Add the calls of one message, each with its id."""
        if not calls:
            return
        times = Counter(call for _, call in calls)
        if times.keys() != self._calls.keys():
            self._count = 0
            self._answers, self._failed = {}, set()
        self._count += min(times.values())
        self._calls, self._in_order, self._results = dict(times), [call for _, call in calls], 0
        by_id = dict(calls)
        self._by_id = by_id if len(by_id) == len(calls) else {}  # some providers give calls the same id
        self._is_counted = False
        if self._error and any(call.name != self._error[0] for call in times):
            self._error, self._errors = None, 0

    def result(self, message: JsonObject) -> None:
        """Add the result of a call."""
        call = self._answered_by(message)
        if call is None:
            return
        content = text_of(message.get("content"))
        if reports_error(message, content):
            self._failed.add(call)
            self._add_error((call.name, content))
            return
        self._error, self._errors = None, 0
        is_new = self._answers[call] != content if call in self._answers else call in self._failed
        self._answers[call] = content
        if is_new:
            self._count = min(self._calls.values())

    @property
    def repetition(self) -> Repetition | None:
        """What is repeated more often, the calls or the error."""
        if self._error and self._errors > self._count:
            return Repetition(names=(self._error[0],), count=self._errors, is_error=True)
        if not self._calls:
            return None
        names = tuple(dict.fromkeys(call.name for call in self._calls))
        return Repetition(names=names, count=self._count, is_error=False)

    def _add_error(self, error: tuple[str, Json]) -> None:
        if error != self._error:
            self._error, self._errors = error, 1
        elif not self._is_counted:
            self._errors += 1
        self._is_counted = True

    def _answered_by(self, message: JsonObject) -> _Call | None:
        """Return the call that a result belongs to: by its id, else by its place; None if there is none."""
        place, self._results = self._results, self._results + 1
        call_id = message.get("tool_call_id")
        found = self._by_id.get(call_id) if isinstance(call_id, str) else None
        return found or (self._in_order[place] if place < len(self._in_order) else None)


def _calls_in(message: JsonObject) -> Iterator[tuple[str, _Call]]:
    """Yield the calls of an assistant's message, each with its id."""
    for each in list_or_empty(message.get("tool_calls")):
        call = object_or_empty(each)
        call_id = call.get("id")
        function = call.get("function")
        given = object_or_empty(function if function is not None else call.get("custom"))
        arguments = given.get("arguments") if function is not None else given.get("input")
        yield call_id if isinstance(call_id, str) else "", _call_of(given.get("name"), arguments)
    older = message.get("function_call")
    if isinstance(older, dict) and not message.get("tool_calls"):  # the gateway's answers have both forms
        yield "", _call_of(older.get("name"), older.get("arguments"))


def _call_of(name: Json, arguments: Json) -> _Call:
    return _Call(name if isinstance(name, str) else "", _canonical(arguments))


def _whole_or_float(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < MAX_EXACT else number


_DECODER = json.JSONDecoder(parse_float=_whole_or_float, parse_constant=refuse_constant)
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def _canonical(arguments: Json) -> str:
    """Return a text that is the same for the same arguments. Without any, it is that of ``{}``."""
    value = arguments
    if isinstance(arguments, str):
        text = arguments.strip()
        if not text:
            return "{}"
        try:
            check_size(text.encode(), max_values=MAX_VALUES)
            value = _DECODER.decode(text)
        except ValueError:  # it is not JSON: a custom tool takes any text
            return f"text {text}"
    return "{}" if value is None else _ENCODER.encode(value)
