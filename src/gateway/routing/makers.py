"""Who made the signed parts of a request, and which of them a model would refuse."""

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from gateway.dialects.signed_parts import SignedPart
from gateway.settings.upstreams import split_direct

# Names that are no author's: a router of OpenRouter's may call any model.
_NO_AUTHORS = frozenset({"", "openrouter"})


def author_of(model: str) -> str | None:
    """Return the author of a model, as its name begins; None if the name does not tell.

    ``~author/name`` is OpenRouter's name for an author's latest model. The model of a direct upstream has an
    author only if that upstream's own name for it has one.
    """
    direct = split_direct(model)
    name = direct[1] if direct else model
    author, slash, _ = name.removeprefix("~").partition("/")
    is_author = bool(slash) and author not in _NO_AUTHORS and not author.startswith("@")
    return author.lower() if is_author else None


class Maker(NamedTuple):
    """Who made a signed part.

    Attributes:
        model: the model, if this isolate remembers it; else None.
        author: its author, as models' names begin; None if it is unknown.
    """

    model: str | None
    author: str | None

    def is_foreign_to(self, model: str) -> bool:
        """Return whether it is known to be of another author than a model."""
        author = author_of(model)
        return self.model != model and None not in (self.author, author) and self.author != author

    def is_like(self, model: str) -> bool:
        """Return whether it is a model, or known to be of the same author."""
        return self.model == model or (self.author is not None and self.author == author_of(model))


class SignedReasoning:
    """The signed parts of a request, by who made them.

    Attributes:
        newest: who made the newest part of which that is known; None if nobody knows.

    Args:
        parts: the parts, in order.
        maker_of: returns the model that made a signature, by its digest; None if that is unknown.
    """

    def __init__(self, parts: Iterable[SignedPart], maker_of: Callable[[bytes], str | None]) -> None:
        self.newest: Maker | None = None
        self._places: dict[Maker, list[int]] = {}
        self._known: dict[frozenset[Maker], tuple[int, ...]] = {}
        for place, part in enumerate(parts):
            model = maker_of(part.digest) if part.digest is not None else None
            maker = Maker(model, author_of(model) if model is not None else part.author)
            self._places.setdefault(maker, []).append(place)
            if maker.model is not None or maker.author is not None:
                self.newest = maker

    def is_by(self, model: str) -> bool:
        """Return whether a model made the newest part; if only the author is known, whether it is of it."""
        if self.newest is None:
            return False
        if self.newest.model is not None:
            return self.newest.model == model
        return author_of(model) == self.newest.author

    def shown_maker(self, models: Collection[str]) -> str | None:
        """Return who made the newest part: a model, if it is among ``models``, else its author, or None.

        Another caller may have called the model by a name that this one must not see.
        """
        if self.newest is None:
            return None
        return self.newest.model if self.newest.model in models else self.newest.author

    def foreign_to(self, model: str) -> tuple[int, ...]:
        """Return the places of the parts that are known to be of another author."""
        return self._places_of(maker for maker in self._places if maker.is_foreign_to(model))

    def unlike(self, model: str) -> tuple[int, ...]:
        """Return the places of the parts that are not known to be of the same author."""
        return self._places_of(maker for maker in self._places if not maker.is_like(model))

    def not_made_by(self, model: str) -> tuple[int, ...]:
        """Return the places of the parts that the model is not known to have made."""
        return self._places_of(maker for maker in self._places if maker.model != model)

    def all(self) -> tuple[int, ...]:
        """Return the places of all parts."""
        return self._places_of(self._places)

    def _places_of(self, makers: Iterable[Maker]) -> tuple[int, ...]:
        """Return the places of the parts of these makers; the same tuple for the same makers."""
        chosen = frozenset(makers)
        if chosen not in self._known:
            self._known[chosen] = tuple(sorted(place for maker in chosen for place in self._places[maker]))
        return self._known[chosen]
