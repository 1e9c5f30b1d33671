"""The form of the choices of completions: each has a ``text``."""

from gateway.dialects.choices import said_in
from gateway.http.json_values import Json, JsonObject, object_or_empty

_REASONING = "reasoning"


class TextForm:
    """See ``ChoiceForm``. White space counts as text: a completion may begin with it, or be nothing else."""

    object = "text_completion"
    text_field = "text"
    other_content: tuple[str, ...] = ()

    def said_in(self, choice: JsonObject) -> JsonObject:
        """Return the choice: it has the text itself."""
        return choice

    def says(self, choice: JsonObject, *, blank_counts: bool) -> bool:
        """Return whether a choice has a text, or reasoning."""
        del blank_counts
        return bool(text_of(choice)) or bool(choice.get(_REASONING))

    def text_in(self, choice: JsonObject) -> str | None:
        """Return the text of a choice."""
        return text_of(choice)

    def choice_of(self, text: str, finish: Json) -> JsonObject:
        """Return a choice with a text and a finish reason."""
        return {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}

    def empty_choice(self) -> JsonObject:
        """Return a choice that says nothing."""
        return self.choice_of("", None)


def text_of(choice: JsonObject) -> str:
    """Return the text of a choice, also of one in the form of a chat; empty if it has none."""
    text = choice.get("text")
    if isinstance(text, str):
        return text
    said = object_or_empty(said_in(choice, "message") or said_in(choice, "delta"))
    content = said.get("content")
    return content if isinstance(content, str) else ""


TEXTS = TextForm()
