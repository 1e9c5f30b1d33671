"""Finds signed reasoning in a chat: in the ``reasoning_details`` of messages and of answers."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from gateway.dialects.choices import indexed_choices, said_in
from gateway.dialects.signed_parts import Signature, SignedForm, signatures_in
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty

_DETAILS = "reasoning_details"
_ENCRYPTED = "reasoning.encrypted"
# The author of the models that make each format, as their names begin: what a format's name begins with, such
# as `anthropic-claude-v1`. Source: OpenRouter's SDKs, `ReasoningDetailTextFormat`.
AUTHORS: Mapping[str, str] = MappingProxyType(
    {"anthropic": "anthropic", "openai": "openai", "azure": "openai", "google": "google", "xai": "x-ai"}
)


def signature_of(detail: JsonObject) -> Signature | None:
    """Return the signature of an entry of ``reasoning_details``; None if it has none.

    Source: OpenRouter "Reasoning Tokens": ``signature`` of a text, ``data`` of encrypted reasoning.
    """
    text = detail.get("signature")
    if not text and detail.get("type") == _ENCRYPTED and isinstance(data := detail.get("data"), str):
        text = data
    return Signature(text, _author_of(detail.get("format"))) if isinstance(text, str) else None


def _author_of(named: Json) -> str | None:
    return AUTHORS.get(named.partition("-")[0]) if isinstance(named, str) else None


def signatures_of(payload: JsonObject) -> Iterator[str]:
    """Yield the signatures in a plain answer."""
    for _, choice in indexed_choices(payload):
        yield from signatures_in(object_or_empty(said_in(choice, "message")).get(_DETAILS), signature_of)


def signed_pieces_in(chunk: JsonObject) -> Iterator[tuple[str, str]]:
    """Yield the pieces of signatures in a chunk, each with a name of the place that it belongs to."""
    for number, choice in indexed_choices(chunk):
        for detail in list_or_empty(object_or_empty(said_in(choice, "delta")).get(_DETAILS)):
            if not isinstance(detail, dict):
                continue
            found = signature_of(detail)
            if found is not None and found.text:
                yield f"{number}/{detail.get('index')}", found.text


SIGNED = SignedForm(
    list_name=_DETAILS,
    is_all=False,
    read=signature_of,
    marks=(b'"signature"', b"reasoning.encrypted"),
)
