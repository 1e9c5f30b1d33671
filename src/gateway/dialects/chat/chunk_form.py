"""The form of the choices in the chunks of a chat: each has a ``delta``."""

from gateway.dialects.chat.answer_checks import REASONING, SUBSTANCE, has_progress, has_substance
from gateway.dialects.choices import said_in
from gateway.http.json_values import Json, JsonObject, object_or_empty


class ChunkForm:
    """See ``ChoiceForm``. For ``content_parts`` see ``answer_shape``."""

    object = "chat.completion.chunk"
    text_field = "content"
    other_content = (*sorted({*SUBSTANCE} - {"content", *REASONING}), "content_parts")

    def said_in(self, choice: JsonObject) -> JsonObject:
        """Return the delta."""
        return object_or_empty(choice.get("delta"))

    def says(self, choice: JsonObject, *, blank_counts: bool) -> bool:
        """Return whether the delta has any content."""
        delta = said_in(choice, "delta")
        return has_progress(delta) if blank_counts else has_substance(delta)

    def text_in(self, choice: JsonObject) -> str | None:
        """Return the text of the delta; None if it has a tool call, or parts of another kind."""
        delta = self.said_in(choice)
        content = delta.get("content") or ""
        if not isinstance(content, str) or delta.get("tool_calls") or delta.get("content_parts"):
            return None
        return content

    def choice_of(self, text: str, finish: Json) -> JsonObject:
        """Return a choice with a text and a finish reason."""
        return {"index": 0, "delta": {"content": text}, "finish_reason": finish}

    def empty_choice(self) -> JsonObject:
        """Return a choice that says nothing."""
        return {"index": 0, "delta": {}, "finish_reason": None}


CHUNKS = ChunkForm()
