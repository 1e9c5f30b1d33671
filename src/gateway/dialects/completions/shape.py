"""Brings completions into one shape: OpenAI's fields, and a text in each choice."""

from gateway.dialects.choice_shape import make_created_whole, shape_finish
from gateway.dialects.choices import indexed_choices
from gateway.dialects.chunk_shape import ChunkShape
from gateway.dialects.completions.text_form import TEXTS, text_of
from gateway.dialects.fill import fill, fill_null
from gateway.dialects.usage_shape import shape_usage
from gateway.http.json_values import JsonObject


def shape_completion(payload: JsonObject, names: JsonObject) -> bool:
    """Give a plain answer the shape, in place; return whether anything changed.

    ``names`` are defaults for top-level fields. An answer in the form of a chat says so in its ``object``.
    """
    changed = make_created_whole(payload) | (payload.get("object") != TEXTS.object)
    payload["object"] = TEXTS.object
    changed |= fill(payload, names)
    for index, choice in indexed_choices(payload):
        changed |= fill(choice, {"index": index}) | fill_null(choice, "logprobs", "finish_reason")
        changed |= shape_text(choice) | shape_finish(choice, has_calls=False)
    return changed | shape_usage(payload)


def shape_text(choice: JsonObject) -> bool:
    """Give a choice its text, also one in the form of a chat; return whether anything changed."""
    if isinstance(choice.get("text"), str):
        return False
    choice["text"] = text_of(choice)
    return True


class TextChunkShape(ChunkShape):
    """Shapes the chunks of one stream of completions, in order."""

    form = TEXTS

    def shape_said(self, choice: JsonObject, index: int) -> bool:
        """Give a choice its text."""
        del index
        return shape_text(choice)
