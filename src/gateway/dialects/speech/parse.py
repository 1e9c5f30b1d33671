"""Parses the body of a request for speech into a ``ModelRequest``, and checks it by ``fields``."""

from dataclasses import replace

from gateway.dialects.answer_test import Expected
from gateway.dialects.body import read_body
from gateway.dialects.data_requirements import requirements_of_data
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_request import plain_request, require
from gateway.dialects.prompt_tokens import NO_MEDIA
from gateway.dialects.speech.fields import FIELDS, REQUIRED

SPEECH = "speech"


def parse(raw: bytes, *, max_values: int) -> ModelRequest:
    """Return the request for speech in a body of less than ``max_values`` values.

    Raises:
        GatewayError: the body is not a valid request for speech; ``param`` names the field.
    """
    body, members = read_body(raw, FIELDS, max_values=max_values)
    require(body, REQUIRED)
    requirements = requirements_of_data(
        body,
        NO_MEDIA,
        text_bytes=len(raw),
        has_more_fees=True,  # some models are paid by the character, others by the second
        outputs=frozenset({SPEECH}),
    )
    return replace(plain_request(body, members, requirements, Expected()), wants_bytes=True)
