"""Finds listed models whose names are like one that is not listed: typing errors, older or newer versions.

Similarity is the Sørensen-Dice coefficient of the pairs of neighbouring characters: twice the pairs that two
names share, divided by the pairs of both. Its work is linear in the names and in the list.
It is imported when a model was not found.
"""

from collections.abc import Callable, Iterable
from itertools import islice

from gateway.memory.catalog import Catalog

MAX_SIMILAR = 3
# More than OpenRouter lists, and a bound for what may be in a stored list.
MAX_COMPARED = 2_000
# No listed name is so long.
MAX_NAME_CHARACTERS = 100
# Less than this is chance: two names of one family have more in common.
LEAST_SCORE = 0.45
# How much the author counts if both names have one. The slug counts for the rest.
AUTHOR_WEIGHT = 0.25


def similar_ids(name: str, catalog: Catalog, allows: Callable[[str], bool]) -> tuple[str, ...]:
    """Return the ids of the listed models with the most similar names, best first; at most ``MAX_SIMILAR``.

    Args:
        name: the name that was not found.
        catalog: the list of models.
        allows: whether the caller may use a model, by its id.
    """
    author, slug = _parts(name[:MAX_NAME_CHARACTERS])
    authors, slugs = _pairs(author), _pairs(slug)
    scores = []
    for model_id in _ids(catalog):
        other_author, other_slug = _parts(model_id)
        score = _dice(slugs, _pairs(other_slug))
        if author:
            score += AUTHOR_WEIGHT * (_dice(authors, _pairs(other_author)) - score)
        if score >= LEAST_SCORE and model_id != name:
            scores.append((-score, model_id))
    allowed = (model_id for _, model_id in sorted(scores) if allows(model_id))
    return tuple(islice(allowed, MAX_SIMILAR))


def did_you_mean(models: tuple[str, ...]) -> str:
    """Return the question which of these models was meant, as a sentence; empty if there are none."""
    if not models:
        return ""
    *others, last = models
    return f"Did you mean {', '.join(others)} or {last}?" if others else f"Did you mean {last}?"


def _ids(catalog: Catalog) -> Iterable[str]:
    for line in catalog.lines[:MAX_COMPARED]:
        model_id = line.partition(b"\t")[0]
        if len(model_id) <= MAX_NAME_CHARACTERS and model_id.isascii():
            yield model_id.decode()


def _parts(name: str) -> tuple[str, str]:
    """Return a name's author and slug in lower case; the author is empty if the name has none."""
    author, _, slug = name.lower().rpartition("/")
    return author.removeprefix("~"), slug


def _pairs(text: str) -> set[str]:
    return {text[index : index + 2] for index in range(len(text) - 1)} or {text}


def _dice(one: set[str], other: set[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other))
