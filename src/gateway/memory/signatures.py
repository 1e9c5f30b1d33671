"""Signatures: which model made a signed part of an answer, so that a conversation can go back to it.

A signature is kept as a digest, for all callers together: nobody can guess one, so only who has the answer
can ask for its model. Plain data, bounded by ``MAX_SIGNATURES``.
"""

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

MAX_SIGNATURES = 4_000
# Half of a SHA-256 digest tells signatures apart as well.
DIGEST_BYTES = 16
# Two models never make the same signature. What both send is a placeholder, which tells nothing.
_SEVERAL = ""


def new_hash(beginning: str) -> "_Hash":
    """Return the hash of a signature that begins so; its first ``DIGEST_BYTES`` are the digest."""
    return sha256(beginning.encode("utf-8", "surrogatepass"))


def digest_of(signature: str) -> bytes:
    """Return the digest by which a signature is remembered."""
    return sha256(signature.encode("utf-8", "surrogatepass")).digest()[:DIGEST_BYTES]


class Signatures:
    """Remembers the maker of each signature, in this isolate only."""

    def __init__(self) -> None:
        self._makers: dict[bytes, str] = {}

    def note(self, digest: bytes, model: str) -> None:
        """Remember that the model has made the signature with this digest."""
        before = self._makers.pop(digest, model)  # the signature that was noted longest ago comes first
        self._makers[digest] = model if before == model else _SEVERAL
        if len(self._makers) > MAX_SIGNATURES:
            del self._makers[next(iter(self._makers))]

    def maker_of(self, digest: bytes) -> str | None:
        """Return the model that made the signature with this digest; None if it is unknown."""
        maker = self._makers.get(digest)
        if not maker:
            return None
        self._makers[digest] = self._makers.pop(digest)  # a conversation that goes on is kept
        return maker
