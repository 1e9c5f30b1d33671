"""Finds encrypted reasoning in Responses: items that only the model and account that made them accept."""

from collections.abc import Iterator

from gateway.dialects.responses.items import kind_of
from gateway.dialects.signed_parts import Signature, SignedForm
from gateway.http.json_values import JsonObject, object_or_empty

# The items that have encrypted content. Source: OpenAI "Reasoning models", "Compaction".
_ENCRYPTED = frozenset({"reasoning", "compaction", "compaction_summary"})
_FIELD = "encrypted_content"


def signature_of(item: JsonObject) -> Signature | None:
    """Return the encrypted content of an item; None if it has none."""
    text = item.get(_FIELD) if kind_of(item) in _ENCRYPTED else None
    return Signature(text) if isinstance(text, str) else None


def signed_pieces_in(event: JsonObject) -> Iterator[tuple[str, str]]:
    """Yield the encrypted contents in an event, each with the name of its item."""
    found = signature_of(object_or_empty(event.get("item")))
    if found is not None and found.text:
        yield f"{event.get('output_index')} {event.get('type')}", found.text


SIGNED = SignedForm(
    in_member="input",
    list_name="",  # the items themselves are the parts
    is_all=True,
    read=signature_of,
    marks=(b'"encrypted_content"',),
)
