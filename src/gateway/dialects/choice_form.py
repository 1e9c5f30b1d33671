"""Describes how wire formats with choices differ: chat's have deltas, those of completions texts."""

from typing import Protocol

from gateway.http.json_values import Json, JsonObject


class ChoiceForm(Protocol):
    """The form of the choices in the chunks of a stream.

    Attributes:
        object: what a chunk states as its ``object``.
        text_field: the field that has the text, in what ``said_in`` returns.
        other_content: the fields there that have content other than text and reasoning.
    """

    object: str
    text_field: str
    other_content: tuple[str, ...]

    def said_in(self, choice: JsonObject) -> JsonObject:
        """Return the object of a choice that has its text; an empty one if it has none."""

    def says(self, choice: JsonObject, *, blank_counts: bool) -> bool:
        """Return whether a choice has any content.

        ``blank_counts``: white space counts, because it may go on with a text that has begun.
        """

    def text_in(self, choice: JsonObject) -> str | None:
        """Return the text of a choice; None if it holds anything other than text."""

    def choice_of(self, text: str, finish: Json) -> JsonObject:
        """Return a choice with a text and a finish reason."""

    def empty_choice(self) -> JsonObject:
        """Return a choice that says nothing, for a chunk that holds only a usage."""
