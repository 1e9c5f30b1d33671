"""Parses the body of a rerank request into a ``ModelRequest``, and checks it by the rules in ``fields``."""

from gateway.dialects.body import read_body, wrong_field
from gateway.dialects.data_requirements import requirements_of_data
from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_request import plain_request, require
from gateway.dialects.prompt_tokens import NO_MEDIA, Media, inline_bytes
from gateway.dialects.rerank.answer import ExpectedResults
from gateway.dialects.rerank.fields import FIELDS, REQUIRED
from gateway.http.json_values import Json, list_or_empty
from gateway.http.long_strings import LongStrings
from gateway.settings.field_rule import TEXT_OR_OBJECT

# Up to so many documents are one search unit, which is the price of a request. Source: Cohere "Pricing".
DOCUMENTS_PER_UNIT = 100


def parse(raw: bytes, *, max_values: int) -> ModelRequest:
    """Return the rerank request in a body of less than ``max_values`` values.

    Raises:
        GatewayError: the body is not a valid rerank request; ``param`` names the field.
    """
    body, members = read_body(raw, FIELDS, max_values=max_values)
    require(body, REQUIRED)
    documents = list_or_empty(body["documents"])
    for index, document in enumerate(documents):
        if not isinstance(document, (str, dict)):
            raise wrong_field(f"documents[{index}]", TEXT_OR_OBJECT)
    requirements = requirements_of_data(
        body,
        _media_in(documents, members.long),
        text_bytes=len(raw),
        has_more_fees=len(documents) > DOCUMENTS_PER_UNIT,
    )
    return plain_request(body, members, requirements, ExpectedResults(documents=len(documents)))


def _media_in(documents: list[Json], long: LongStrings) -> Media:
    """Return the documents' images. Source: OpenRouter API reference: ``{"text": …, "image": …}``."""
    images = [each["image"] for each in documents if isinstance(each, dict) and each.get("image")]
    if not images:
        return NO_MEDIA
    sizes = [inline_bytes(image, long) or 0 for image in images]
    return Media(kinds={"image"}, images=len(images), image_bytes=sum(sizes))
