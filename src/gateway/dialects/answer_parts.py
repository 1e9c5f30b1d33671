"""Describes an answer with one part for each item of its request, so that each can be cached for itself."""

from collections.abc import Sequence
from typing import Protocol

from gateway.dialects.model_request import ModelRequest
from gateway.dialects.plain_answer import Completion


class AnswerParts(Protocol):
    """A wire format whose answers have parts."""

    def items_of(self, request: ModelRequest) -> list[bytes]:
        """Return the items of a request, each as JSON: what tells one part of the answer from the others."""

    def fields_of_all(self, request: ModelRequest) -> bytes:
        """Return the fields of a request that hold for all its items, as JSON."""

    def may_differ(self, request: ModelRequest) -> bool:
        """Return whether parts of two answers may not stand in one: their models may differ."""

    def with_items(self, request: ModelRequest, items: Sequence[bytes], size: int | None) -> ModelRequest:
        """Return a request with these of its items, whose parts must have this size if one is given."""

    def parts_of(self, answer: Completion) -> list[bytes]:
        """Return the parts of an answer, in the order of the items."""

    def size_of(self, request: ModelRequest, part: bytes) -> int | None:
        """Return the size of a part; None if it is no part of an answer to this request."""

    def with_parts(self, answer: Completion | None, parts: Sequence[bytes], model: str) -> Completion:
        """Return an answer with these parts, and with all else that an answer says; None says nothing.

        ``model`` is the name of the model if no answer tells it.
        """
