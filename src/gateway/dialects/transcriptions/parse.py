"""Parses the body of a request for a transcription into a ``ModelRequest``, and checks it by ``fields``."""

from dataclasses import replace

from gateway.dialects.answer_test import Expected
from gateway.dialects.body import read_body, wrong_field
from gateway.dialects.data_requirements import requirements_of_data
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_request import plain_request, require
from gateway.dialects.prompt_tokens import Media, inline_bytes
from gateway.dialects.requirements import Requirements
from gateway.dialects.transcriptions.fields import AUDIO_FIELDS, FIELDS, REQUIRED
from gateway.http.json_values import JsonObject, object_or_empty
from gateway.settings.field_rule import TEXT

AUDIO, TRANSCRIPTION = "audio", "transcription"


def parse(raw: bytes, *, max_values: int) -> ModelRequest:
    """Return the request for a transcription in a JSON body of less than ``max_values`` values.

    Raises:
        GatewayError: the body is not a valid request for a transcription; ``param`` names the field.
    """
    body, members = read_body(raw, FIELDS, max_values=max_values)
    require(body, REQUIRED)
    audio = object_or_empty(body["input_audio"])
    for name in AUDIO_FIELDS:
        value = audio.get(name)
        if not isinstance(value, str) or not value:
            raise wrong_field(f"input_audio.{name}", replace(TEXT, expected="a string that is not empty"))
    audio_bytes = inline_bytes(audio.get("data"), members.long) or 0
    requirements = requirements_of_recording(body, audio_bytes, total_bytes=len(raw))
    return plain_request(body, members, requirements, Expected())


def requirements_of_recording(body: JsonObject, audio_bytes: int, *, total_bytes: int) -> Requirements:
    """Return what a checked request requires of a model; ``total_bytes`` has the recording, too."""
    return requirements_of_data(
        body,
        Media(kinds={AUDIO}, other_bytes=audio_bytes),
        text_bytes=total_bytes,
        has_more_fees=True,  # no list says how many tokens a recording has
        outputs=frozenset({TRANSCRIPTION}),
    )
