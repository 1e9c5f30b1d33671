"""Writes the chunk that ends a stream in an error, in the form that OpenRouter documents."""

from gateway.dialects.choice_form import ChoiceForm
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_values import Json, JsonObject
from gateway.http.sse import event_of


def error_chunk(envelope: JsonObject, error: JsonObject, form: ChoiceForm) -> bytes:
    """Return the event.

    Args:
        envelope: the fields that every chunk of the answer has.
        error: the error's body.
        form: the form of the answer's choices.
    """
    choices: list[Json] = [form.choice_of("", "error")]
    return event_of(to_json_bytes({**envelope, "choices": choices, **error}))
