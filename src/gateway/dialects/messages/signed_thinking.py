"""Finds signed thinking in Messages: blocks of a message or an answer that only their maker accepts."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from gateway.dialects.signed_parts import Signature, SignedForm
from gateway.http.json_values import JsonObject, object_or_empty

# The field that has the signature of each type of block or delta. They do not say whose it is.
# Source: Anthropic "Extended thinking".
_SIGNATURES: Mapping[str, str] = MappingProxyType(
    {"thinking": "signature", "redacted_thinking": "data", "signature_delta": "signature"}
)


def signature_of(block: JsonObject) -> Signature | None:
    """Return the signature of a block or a delta; None if it has none."""
    kind = block.get("type")
    text = block.get(_SIGNATURES.get(kind, "")) if isinstance(kind, str) else None
    return Signature(text) if isinstance(text, str) else None


def signed_pieces_in(event: JsonObject) -> Iterator[tuple[str, str]]:
    """Yield the pieces of signatures in an event, each with a name of the block that it belongs to."""
    for name in ("content_block", "delta"):
        found = signature_of(object_or_empty(event.get(name)))
        if found is not None and found.text:
            yield str(event.get("index")), found.text


SIGNED = SignedForm(
    list_name="content",
    is_all=True,
    read=signature_of,
    marks=(b'"signature"', b"redacted_thinking"),
)
