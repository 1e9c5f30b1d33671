"""Parses the body of a request for embeddings into a ``ModelRequest``, and checks it.

Arrays of tokens are not parsed: they may have millions of numbers.
"""

from gateway.dialects.answer_test import Expected
from gateway.dialects.body import read_body, wrong_field
from gateway.dialects.content_parts import add_media
from gateway.dialects.data_requirements import requirements_of_data
from gateway.dialects.embeddings.expected import ExpectedVectors
from gateway.dialects.embeddings.fields import BASE64, FIELDS, REQUIRED, TOKENS
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_request import plain_request, require
from gateway.dialects.prompt_tokens import Media
from gateway.http.json_members import Members
from gateway.http.json_values import Json, JsonObject, list_or_empty, whole_or_none
from gateway.http.number_arrays import is_whole, length_of_array, without_arrays


def parse(raw: bytes, *, max_values: int) -> ModelRequest:
    """Return the request in a body of less than ``max_values`` values, tokens excluded.

    Raises:
        GatewayError: the body is not a valid request for embeddings; ``param`` names the field.
    """
    body, members = read_body(raw, FIELDS, max_values=max_values, shorten=without_arrays)
    if _has_arrays_elsewhere(members):
        within = members.places.get("input", (0, 0))
        body, members = read_body(
            raw, FIELDS, max_values=max_values, shorten=lambda text: without_arrays(text, within)
        )
    require(body, REQUIRED)
    inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
    media, tokens = Media(), 0
    for place, each in enumerate(inputs):
        tokens += _tokens_in(each, f"input[{place}]" if isinstance(body["input"], list) else "input", members)
        if isinstance(each, dict):
            add_media(list_or_empty(each.get("content")), media, members.long)
    token_bytes = sum(map(len, members.long.parts))
    requirements = requirements_of_data(body, media, text_bytes=len(raw) - token_bytes, more_tokens=tokens)
    return plain_request(body, members, requirements, _expected(body, len(inputs)))


def _expected(body: JsonObject, rows: int) -> Expected:
    return ExpectedVectors(
        rows=rows,
        dimensions=whole_or_none(body.get("dimensions")),
        is_base64=body.get("encoding_format") == BASE64,
    )


def _has_arrays_elsewhere(members: Members) -> bool:
    """Return whether another field than ``input`` has an array of numbers: it must not look like a text."""
    places = members.long.places
    if not places:
        return False
    start, end = members.places.get("input", (0, 0))
    return places[0][0] < start or places[-1][1] > end


def _tokens_in(value: Json, param: str, members: Members) -> int:
    """Return how many tokens an input is; 0 for one that is not given as tokens.

    Raises:
        GatewayError: it is no input.
    """
    array = members.long.value(value)
    if array is not None and is_whole(array):
        return length_of_array(array)
    if array is not None or not TOKENS.test(value):
        raise wrong_field(param, TOKENS)
    return 0
