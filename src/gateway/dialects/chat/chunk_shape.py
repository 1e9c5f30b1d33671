"""Brings the chunks of a stream into one shape, as ``answer_shape`` does with plain answers.

What a chunk needs can depend on earlier chunks, so each stream has its own ``ChunkShape``.
"""

import re

from gateway.dialects.chat.answer_checks import has_progress
from gateway.dialects.chat.answer_shape import shape_arguments, shape_finish, shape_message, shape_usage
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty

OBJECT = "chat.completion.chunk"
MAX_NAME_CHARACTERS = 1_000  # of an id or a model's name
# A chunk of a regular stream needs no change if it has none of these. `name` is the mark of a tool call's
# first piece, which may lack its id.
_MAY_NEED_CHANGE = re.compile(
    rb'"(?:reasoning_content|function_call|name)"\s*+:|"content"\s*+:\s*+\[|"arguments"\s*+:\s*+[^"\s]'
)


class ChunkShape:
    """Shapes the chunks of one stream, in order.

    Args:
        first: the payload of one of the stream's first chunks. Fields that it lacks may be missing in all.
        fallback: the ``id``, ``created`` and ``model`` for chunks that have none.
        openai_usage: whether the caller requested OpenAI's usage chunk, whose ``choices`` are empty.
    """

    def __init__(self, first: JsonObject, fallback: JsonObject, *, openai_usage: bool) -> None:
        names = ("id", "created", "model")
        self._always: JsonObject = {name: usable(first.get(name), fallback[name]) for name in names}
        self._openai_usage = openai_usage
        self._calls: set[tuple[Json, Json]] = set()
        self._choices_with_calls: set[Json] = set()
        self._finished: set[Json] = set()
        choices = [object_or_empty(choice) for choice in list_or_empty(first.get("choices"))]
        self._regular = (
            all(first.get(name) for name in names)
            and first.get("object") == OBJECT
            and all(isinstance(choice.get("index"), int) for choice in choices)
        )

    def envelope(self) -> JsonObject:
        """Return the fields that every chunk of the stream has: its id, object, time and model."""
        return {"object": OBJECT, **self._always}

    def passes(self, data: bytes) -> bool:
        """Return whether a chunk certainly has the shape, judging by its bytes alone; False means unknown."""
        return self._regular and _MAY_NEED_CHANGE.search(data) is None

    def shape(self, payload: JsonObject) -> bool:
        """Give a chunk the shape, in place; return whether anything changed."""
        changed = payload.get("object") != OBJECT
        payload["object"] = OBJECT
        missing = {name: value for name, value in self._always.items() if not payload.get(name)}
        payload.update(missing)
        changed |= bool(missing)
        has_usage = isinstance(payload.get("usage"), dict)
        for index, choice in enumerate(list_or_empty(payload.get("choices"))):
            if isinstance(choice, dict):
                changed |= self._shape_choice(choice, index)
        if has_usage:
            changed |= shape_usage(payload) | self._shape_usage_chunk(payload)
        return changed

    def _shape_choice(self, choice: JsonObject, index: int) -> bool:
        changed = not isinstance(choice.get("index"), int)
        if changed:
            choice["index"] = index
        delta = choice.get("delta")
        if isinstance(delta, dict):
            changed |= shape_message(delta) | self._shape_calls(delta, choice["index"])
        has_calls = choice["index"] in self._choices_with_calls
        return changed | shape_finish(choice, has_calls=has_calls) | self._finish_once(choice)

    def _shape_calls(self, delta: JsonObject, choice_index: Json) -> bool:
        """Give a tool call's first piece an id and a type; make the arguments of every piece a string."""
        changed = False
        for position, call in enumerate(list_or_empty(delta.get("tool_calls"))):
            if not isinstance(call, dict):
                continue
            if not isinstance(call.get("index"), int):
                call["index"] = position
                changed = True
            call_key = (choice_index, call["index"])
            if call_key not in self._calls:
                self._calls.add(call_key)
                self._choices_with_calls.add(choice_index)
                defaults = {"id": f"call_{self._always['id']}_{call['index']}", "type": "function"}
                missing = {name: value for name, value in defaults.items() if not call.get(name)}
                call.update(missing)
                changed |= bool(missing)
            if object_or_empty(call.get("function")).get("arguments") is not None:
                changed |= shape_arguments(call)
        return changed

    def _finish_once(self, choice: JsonObject) -> bool:
        """Set a finish reason to null if the choice has already had one: the usage chunk repeats it."""
        if not choice.get("finish_reason"):
            return False
        if choice["index"] not in self._finished:
            self._finished.add(choice["index"])
            return False
        choice["finish_reason"] = None
        return True

    def _shape_usage_chunk(self, payload: JsonObject) -> bool:
        """Give a chunk that holds only the usage the ``choices`` that the caller expects.

        Clients that did not request OpenAI's form read ``choices[0]`` of every chunk.
        """
        choices = list_or_empty(payload.get("choices"))
        has_more = any(
            object_or_empty(choice).get("finish_reason") or has_progress(object_or_empty(choice).get("delta"))
            for choice in choices
        )
        wanted: list[Json] = [] if self._openai_usage else [{"index": 0, "delta": {}, "finish_reason": None}]
        if has_more or (bool(choices) != self._openai_usage):
            return False
        payload["choices"] = wanted
        return True


def usable(value: Json, default: Json) -> Json:
    """Return a chunk's value if it is not empty and has the default's type; else the default.

    Clients expect that type, and JSON can represent every value of it. A long name is not used, because it
    would be added to every chunk that has none.
    """
    is_too_long = isinstance(value, str) and len(value) > MAX_NAME_CHARACTERS
    return value if value and type(value) is type(default) and not is_too_long else default
