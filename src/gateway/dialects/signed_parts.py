"""Finds the signed parts of a conversation: reasoning that only the model and account that made it accept.

A body has them where its client sends an earlier answer back. An answer has them when they are made.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from gateway.http.frozen import dataclass
from gateway.http.json_members import Members
from gateway.http.json_values import Json, JsonObject, list_or_empty
from gateway.http.long_strings import LongStrings
from gateway.memory.signatures import digest_of

# An escape of an ASCII character, which could hide a name.
_ESCAPE = b"\\u00"


@dataclass(frozen=True, slots=True)
class Signature:
    """What makes a part a signed one.

    Attributes:
        text: the signature, or the encrypted reasoning; empty if the part has an empty one.
        author: the author of its maker, as models' names begin, if its format tells; else None.
    """

    text: str
    author: str | None = None


# Returns the signature of a part; None if the part is not signed.
ReadSignature: TypeAlias = Callable[[JsonObject], Signature | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedForm:
    """Where the messages of a wire format have signed parts.

    Attributes:
        in_member: the member of a body that has the messages.
        list_name: the member of a message that lists them; empty: the messages themselves are the parts.
        is_all: whether a message says nothing but what is in this list.
        read: returns a part's signature.
        marks: a text that has none of these has no signed part.
    """

    in_member: str = "messages"
    list_name: str
    is_all: bool
    read: ReadSignature
    marks: tuple[bytes, ...]

    def may_be_in(self, text: bytes) -> bool:
        """Return whether a JSON text that writes its names as they are may have signed parts."""
        return any(mark in text for mark in self.marks)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPart:
    """A signed part of a request.

    Attributes:
        message: the position of its message.
        place: its position in the message's list.
        digest: the digest of its signature; None if no upstream can have sent it.
        author: see ``Signature``.
    """

    message: int
    place: int
    digest: bytes | None
    author: str | None


def signed_parts_in(messages: list[Json], members: Members, form: SignedForm) -> tuple[SignedPart, ...]:
    """Return the signed parts of a request's messages, in order.

    Args:
        messages: the messages, as ``read_members`` returns them.
        members: the body's members, as they were read. Their text is searched first, because most bodies have
            no such parts.
        form: where the parts are.
    """
    if not form.may_be_in(members.text) and _ESCAPE not in members.text:
        return ()
    return tuple(_found_in(messages, form, members.long))


def _found_in(messages: list[Json], form: SignedForm, long: LongStrings) -> Iterator[SignedPart]:
    for number, message in enumerate(messages):
        if not isinstance(message, dict):
            continue
        parts = message.get(form.list_name) if form.list_name else [message]
        if not isinstance(parts, list):
            continue
        for place, part in enumerate(parts):
            found = form.read(part) if isinstance(part, dict) else None
            if found is not None:
                signature = long.restored(found.text) if long.parts else found.text
                yield SignedPart(
                    message=number,
                    place=place,
                    digest=digest_of(signature) if signature and signature.isascii() else None,
                    author=found.author if found.text else None,
                )


def signatures_in(parts: Json, read: ReadSignature) -> Iterator[str]:
    """Yield the signatures in a list of an answer's parts."""
    for part in list_or_empty(parts):
        found = read(part) if isinstance(part, dict) else None
        if found is not None and found.text:
            yield found.text
