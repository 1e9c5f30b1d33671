"""Images: `POST /images`, plain or as a stream of partial images."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simulator.answers import Answer, Json
from simulator.dialects.chat_forms import usage_object
from simulator.dialects.pictures import png
from simulator.dialects.plain import USUAL_CHARACTERS, Plain, lacks_text, tallied
from simulator.framing import DONE, Event
from simulator.steps import Tally
from simulator.turn import Turn, tokens_of

MAX_IMAGES = 10
_MEDIA_TYPE = "image/png"
_TOKENS_OF_AN_IMAGE = 272


class Images(Plain):
    """Real PNG images. Each piece of an answer is a partial image, an empty piece one without data."""

    path = "/images"
    output = "image"
    streams = True
    answer_field = "data"

    def complaint(self, body: Mapping[str, Any]) -> str | None:
        """Refuse a body without a model or a prompt, and too many images."""
        count = body.get("n", 1)
        if type(count) is not int or not 1 <= count <= MAX_IMAGES:
            return f"n: Expected an integer from 1 to {MAX_IMAGES}"
        return lacks_text(body, "model", "prompt")

    def body(self, turn: Turn, answer: Answer) -> Json:
        """Return as many images as are asked for."""
        count = turn.body.get("n", 1) if answer.pieces else 0
        data = [
            {"b64_json": _picture(turn, answer.content or "", number), "media_type": _MEDIA_TYPE}
            for number in range(count)
        ]
        return {"created": turn.created_s, "data": data, "usage": self._usage(turn, answer)}

    def tally(self, turn: Turn, answer: Answer) -> Tally:
        """Return the tokens of the prompt, and as many for each image."""
        images = turn.body.get("n", 1) if answer.pieces else 0
        return tallied(turn, tokens_of(len(turn.body["prompt"])), images * _TOKENS_OF_AN_IMAGE)

    def progress(self, turn: Turn, answer: Answer) -> Iterator[Event]:
        """Yield a partial image for each piece."""
        for index, piece in enumerate(answer.pieces):
            yield Event(
                {
                    "type": "image_generation.partial_image",
                    "partial_image_index": index,
                    "b64_json": _picture(turn, piece, index) if piece else "",
                }
            )

    def closing(self, turn: Turn, answer: Answer) -> Sequence[Event]:
        """Return the final image with the usage, and `[DONE]`."""
        completed = {
            "type": "image_generation.completed",
            "b64_json": _picture(turn, answer.content or "", 0) if answer.pieces else "",
            "media_type": _MEDIA_TYPE,
            "created": turn.created_s,
            "usage": self._usage(turn, answer),
        }
        return Event(completed, tally=self.tally(turn, answer)), DONE

    def hollow_events(self, turn: Turn) -> Sequence[Event]:
        """Return a completed event without an image, and `[DONE]`."""
        completed, done = self.closing(turn, Answer())
        assert isinstance(completed.data, dict)
        return Event({key: value for key, value in completed.data.items() if key != "b64_json"}), done

    def _usage(self, turn: Turn, answer: Answer) -> Json:
        return usage_object(turn, self.tally(turn, answer))


IMAGES = Images()


def _picture(turn: Turn, text: str, number: int) -> str:
    padding_bytes = len(text) * 3 // 4 if len(text) > USUAL_CHARACTERS else 0
    image = png(f"{turn.model}\0{turn.body['prompt']}\0{text[:USUAL_CHARACTERS]}\0{number}", padding_bytes)
    return base64.b64encode(image).decode()
