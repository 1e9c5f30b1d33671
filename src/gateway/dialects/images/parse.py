"""Parses the body of a request for images into a ``ModelRequest``, and checks it by ``fields``."""

from dataclasses import replace

from gateway.dialects.answer_test import Expected
from gateway.dialects.body import read_body
from gateway.dialects.data_requirements import requirements_of_data
from gateway.dialects.images.fields import FIELDS, REQUIRED
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_request import plain_request, require
from gateway.dialects.prompt_tokens import NO_MEDIA, Media, inline_bytes
from gateway.http.json_values import Json, list_or_empty, object_or_empty
from gateway.http.long_strings import LongStrings

IMAGE = "image"


def parse(raw: bytes, *, max_values: int) -> ModelRequest:
    """Return the request for images in a body of less than ``max_values`` values.

    Raises:
        GatewayError: the body is not a valid request for images; ``param`` names the field.
    """
    body, members = read_body(raw, FIELDS, max_values=max_values)
    require(body, REQUIRED)
    requirements = requirements_of_data(
        body,
        _media_in(list_or_empty(body.get("input_references")), members.long),
        text_bytes=len(raw),
        has_more_fees=True,  # no list says how many tokens a picture has
        outputs=frozenset({IMAGE}),
    )
    request = plain_request(body, members, requirements, Expected())
    return replace(request, stream=body.get("stream") is True)


def _media_in(references: list[Json], long: LongStrings) -> Media:
    """Return the pictures that a request refers to. Source: OpenRouter API reference: chat's image parts."""
    if not references:
        return NO_MEDIA
    sizes = [inline_bytes(object_or_empty(each).get("image_url"), long) or 0 for each in references]
    return Media(kinds={IMAGE}, images=len(references), image_bytes=sum(sizes))
