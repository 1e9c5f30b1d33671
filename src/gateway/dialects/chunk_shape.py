"""Brings the chunks of a stream with choices into one shape, whatever the model.

What a chunk needs can depend on earlier chunks, so each stream has its own ``ChunkShape``.
"""

from gateway.dialects.choice_form import ChoiceForm
from gateway.dialects.choice_shape import make_created_whole, shape_finish
from gateway.dialects.choices import indexed_choices
from gateway.dialects.usage_shape import shape_usage
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty

# What belongs to a choice and not to its text, where both are one object.
_FRAME = frozenset({"index", "finish_reason", "native_finish_reason"})
MAX_NAME_CHARACTERS = 1_000  # of an id or a model's name


class ChunkShape:
    """Shapes the chunks of one stream, in order.

    Attributes:
        form: the form of the choices. Each subclass has one.
        began_call: whether a tool call began in the chunk that was shaped last.

    Args:
        first: the payload of one of the stream's first chunks. Fields that it lacks may be missing in all.
        fallback: the ``id``, ``created`` and ``model`` for chunks that have none.
        openai_usage: whether the caller requested OpenAI's usage chunk, whose ``choices`` are empty.
    """

    form: ChoiceForm

    def __init__(self, first: JsonObject, fallback: JsonObject, *, openai_usage: bool) -> None:
        names = ("id", "created", "model")
        self._always: JsonObject = {name: usable(first.get(name), fallback[name]) for name in names}
        self._no_choices: list[Json] = [] if openai_usage else [self.form.empty_choice()]
        self._openai_usage = openai_usage
        self.began_call = False
        self._finished: set[int] = set()

    def envelope(self) -> JsonObject:
        """Return the fields that every chunk of the stream has: its id, object, time and model."""
        return {"object": self.form.object, **self._always}

    def usage_chunk(self, usage: JsonObject) -> JsonObject:
        """Return a chunk with nothing but the usage, in the form that the caller expects."""
        return {**self.envelope(), "choices": self._no_choices, "usage": usage}

    def shape(self, payload: JsonObject) -> bool:
        """Give a chunk the shape, in place; return whether anything changed."""
        self.began_call = False
        changed = make_created_whole(payload)
        if payload.get("object") != self.form.object:
            payload["object"] = self.form.object
            changed = True
        for name, value in self._always.items():
            if not payload.get(name):
                payload[name] = value
                changed = True
        changed |= self._shape_choices(payload)
        if isinstance(payload.get("usage"), dict):
            changed |= shape_usage(payload) | self._shape_usage_chunk(payload)
        return changed

    def complete(self, payload: JsonObject) -> bool:
        """Add to a chunk what must be there when it finishes its choices; return whether anything changed."""
        del payload
        return False

    def shape_said(self, choice: JsonObject, index: int) -> bool:
        """Give what a choice says the shape, in place; return whether anything changed."""
        raise NotImplementedError

    def has_calls(self, index: int) -> bool:
        """Return whether a choice has called a tool so far."""
        del index
        return False

    def _shape_choices(self, payload: JsonObject) -> bool:
        given = payload.get("choices")
        choices = indexed_choices(payload)
        changed = False
        if not isinstance(given, list):  # the chunk says nothing of a choice
            payload["choices"] = self._no_choices
            return True
        if len(choices) < len(given):
            payload["choices"] = [choice for _, choice in choices]
            changed = True
        for index, choice in choices:
            changed |= self._shape_choice(choice, index)
        return changed | (len(choices) > 1 and _keep_last_finishes(choices))

    def _shape_choice(self, choice: JsonObject, index: int) -> bool:
        changed = False
        if type(choice.get("index")) is not int or choice["index"] != index:
            choice["index"] = index
            changed = True
        if index in self._finished and self.form.says(choice, blank_counts=True):
            self._finished.discard(index)  # the choice goes on after all
        changed |= self.shape_said(choice, index)
        return (
            changed | shape_finish(choice, has_calls=self.has_calls(index)) | self._finish_once(choice, index)
        )

    def _finish_once(self, choice: JsonObject, index: int) -> bool:
        """Set a finish reason to null if the choice has already had one: the usage chunk repeats it."""
        if not choice.get("finish_reason"):
            return False
        if index not in self._finished:
            self._finished.add(index)
            return False
        choice["finish_reason"] = None
        return True

    def _shape_usage_chunk(self, payload: JsonObject) -> bool:
        """Give a chunk that holds only the usage the ``choices`` that the caller expects.

        Clients that did not request OpenAI's form read ``choices[0]`` of every chunk.
        """
        choices = list_or_empty(payload.get("choices"))
        if bool(choices) != self._openai_usage or any(map(self._has_more, choices)):
            return False
        payload["choices"] = self._no_choices
        return True

    def _has_more(self, choice: Json) -> bool:
        """Return whether a choice beside a usage says anything: a role, a text, a signature, logprobs."""
        fields = object_or_empty(choice)
        said = {name for name, value in self.form.said_in(fields).items() if value} - _FRAME
        if fields.get("index") in self._finished:
            said.discard("role")  # OpenRouter's usage chunk repeats it
        return bool(said or fields.get("finish_reason") or fields.get("logprobs"))


def _keep_last_finishes(choices: list[tuple[int, JsonObject]]) -> bool:
    """Take the earlier finish reasons of a choice that a chunk holds several times; return whether any."""
    last = {index: choice for index, choice in choices if choice.get("finish_reason") is not None}
    earlier = [
        choice for index, choice in choices if choice.get("finish_reason") and choice is not last[index]
    ]
    for choice in earlier:
        choice["finish_reason"] = None
    return bool(earlier)


def usable(value: Json, default: Json) -> Json:
    """Return a chunk's value if it is not empty and has the default's type; else the default.

    Clients expect that type, and JSON can represent every value of it. A long name is not used, because it
    would be added to every chunk that has none.
    """
    is_too_long = isinstance(value, str) and len(value) > MAX_NAME_CHARACTERS
    return value if value and type(value) is type(default) and not is_too_long else default
