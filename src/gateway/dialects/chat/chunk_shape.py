"""The one shape for a stream's chunks: as ``shape``, with what has to be remembered from chunk to chunk."""

import re

from gateway.dialects.chat.answer_checks import has_progress
from gateway.dialects.chat.answer_shape import shape_arguments, shape_finish, shape_message, shape_usage
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty

OBJECT = "chat.completion.chunk"
# A chunk of a regular stream with none of these needs no change; a tool call's first piece has its name.
_MAY_NEED_CHANGE = re.compile(
    rb'"(?:reasoning_content|function_call|name)"\s*:|"content"\s*:\s*\[|"arguments"\s*:\s*[^"\s]'
)


class ChunkShape:
    """Shapes the chunks of one stream, in order.

    Args:
        first: the payload of a chunk that the stream began with; what it lacks, all of them may.
        fallback: the id, the time and the model for chunks that have none.
        openai_usage: whether the caller asked for OpenAI's usage chunk, whose ``choices`` are empty.
    """

    def __init__(self, first: JsonObject, fallback: JsonObject, *, openai_usage: bool) -> None:
        names = ("id", "created", "model")
        self._always: JsonObject = {name: usable(first.get(name), fallback[name]) for name in names}
        self._openai_usage = openai_usage
        self._calls: set[tuple[Json, Json]] = set()
        self._finished: set[Json] = set()
        choices = [object_or_empty(choice) for choice in list_or_empty(first.get("choices"))]
        self._regular = (
            all(first.get(name) for name in names)
            and first.get("object") == OBJECT
            and all(isinstance(choice.get("index"), int) for choice in choices)
        )

    def envelope(self) -> JsonObject:
        """Return what every chunk of the stream has: its id, object, time and model."""
        return {"object": OBJECT, **self._always}

    def passes(self, data: bytes) -> bool:
        """Return whether a chunk, by its text alone, has the shape already; False says nothing."""
        return self._regular and _MAY_NEED_CHANGE.search(data) is None

    def shape(self, payload: JsonObject) -> bool:
        """Give a chunk the shape, in place; return whether that changed it."""
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
        has_calls = any(of_choice == choice["index"] for of_choice, _ in self._calls)
        return changed | shape_finish(choice, has_calls=has_calls) | self._finish_once(choice)

    def _shape_calls(self, delta: JsonObject, choice_index: Json) -> bool:
        """Give a tool call's first piece its id and type, and every piece its arguments as a string."""
        changed = False
        for position, call in enumerate(list_or_empty(delta.get("tool_calls"))):
            if not isinstance(call, dict):
                continue
            if not isinstance(call.get("index"), int):
                call["index"] = position
                changed = True
            place = (choice_index, call["index"])
            if place not in self._calls:
                self._calls.add(place)
                lacks = {"id": f"call_{self._always['id']}_{call['index']}", "type": "function"}
                missing = {name: value for name, value in lacks.items() if not call.get(name)}
                call.update(missing)
                changed |= bool(missing)
            if object_or_empty(call.get("function")).get("arguments") is not None:
                changed |= shape_arguments(call)
        return changed

    def _finish_once(self, choice: JsonObject) -> bool:
        """Take out a finish reason that the choice has given before, as the usage chunk repeats it."""
        if not choice.get("finish_reason"):
            return False
        if choice["index"] not in self._finished:
            self._finished.add(choice["index"])
            return False
        choice["finish_reason"] = None
        return True

    def _shape_usage_chunk(self, payload: JsonObject) -> bool:
        """Give the chunk that holds only the usage the ``choices`` that the caller expects.

        Clients that did not ask for OpenAI's form read ``choices[0]`` of every chunk.
        """
        choices = list_or_empty(payload.get("choices"))
        says_more = any(
            object_or_empty(choice).get("finish_reason") or has_progress(object_or_empty(choice).get("delta"))
            for choice in choices
        )
        wanted: list[Json] = [] if self._openai_usage else [{"index": 0, "delta": {}, "finish_reason": None}]
        if says_more or (bool(choices) != self._openai_usage):
            return False
        payload["choices"] = wanted
        return True


def usable(said: Json, otherwise: Json) -> Json:
    """Return what a chunk says, where it is of the kind that clients expect and JSON can carry."""
    return said if said and type(said) is type(otherwise) else otherwise
