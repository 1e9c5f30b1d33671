"""Notes the signatures of one stream, also one that arrives in pieces."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from gateway.http.long_strings import LongStrings
from gateway.memory.signatures import DIGEST_BYTES, digest_of, new_hash

if TYPE_CHECKING:
    from hashlib import _Hash

# No answer has signatures in more places.
MAX_PLACES = 100


class StreamSignatures:
    """Notes each piece of a signature, and what the pieces of one place make so far.

    Clients differ: some keep the last piece, and some join them all.
    """

    def __init__(self, note: Callable[[bytes], None]) -> None:
        self._note = note
        self._hashes: dict[str, _Hash] = {}

    def add(self, pieces: Iterable[tuple[str, str]], long: LongStrings) -> None:
        """Note the pieces of an event, each with the name of its place. ``long`` is left out of them."""
        for place, piece in pieces:
            if long.parts and long.mark in piece:
                continue
            self._note(digest_of(piece))
            if place in self._hashes:
                joined = self._hashes[place]
                joined.update(piece.encode("utf-8", "surrogatepass"))
                self._note(joined.digest()[:DIGEST_BYTES])
            elif len(self._hashes) < MAX_PLACES:
                self._hashes[place] = new_hash(piece)
