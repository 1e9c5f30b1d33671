"""Brings the chunks of a chat into one shape, as ``answer_shape`` does with plain answers."""

from gateway.dialects.chat.answer_shape import shape_message
from gateway.dialects.chat.chunk_form import CHUNKS
from gateway.dialects.chat.tool_calls import CallPieces
from gateway.dialects.choices import indexed_choices, said_in
from gateway.dialects.chunk_shape import ChunkShape
from gateway.http.json_values import JsonObject, object_or_empty


class ChatChunkShape(ChunkShape):
    """Shapes the chunks of one chat, in order."""

    form = CHUNKS

    def __init__(self, first: JsonObject, fallback: JsonObject, *, openai_usage: bool) -> None:
        super().__init__(first, fallback, openai_usage=openai_usage)
        self._calls: dict[int, CallPieces] = {}

    def complete(self, payload: JsonObject) -> bool:
        """Add ``{}`` for the tool calls without arguments of the choices that a chunk finishes.

        Returns whether there are any.
        """
        changed = False
        for index, choice in indexed_choices(payload):
            calls = self._calls.get(index)
            if calls and choice.get("finish_reason") is not None:
                changed |= calls.finish(choice)
        return changed

    def shape_said(self, choice: JsonObject, index: int) -> bool:
        """Give the delta of a choice the shape, in place; return whether anything changed."""
        changed = False
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            choice["delta"] = delta = object_or_empty(said_in(choice, "delta"))
            changed = True
        changed |= shape_message(delta)
        if delta.get("role") == "":
            delta["role"] = "assistant"
            changed = True
        if delta.get("tool_calls"):
            calls = self._calls.setdefault(index, CallPieces())
            before = len(calls)
            changed |= calls.shape(delta, answer_id=self._always["id"])
            self.began_call = self.began_call or len(calls) > before
        return changed

    def has_calls(self, index: int) -> bool:
        """Return whether a choice has called a tool so far."""
        return bool(self._calls.get(index))
