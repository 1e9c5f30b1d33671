"""Resolves the names of models that clients of Anthropic, OpenAI and Google use to OpenRouter's.

``claude-opus-4-5-20251101`` is ``anthropic/claude-opus-4.5`` at OpenRouter. A name that the model list has is
left as it is, and so is a name for which the list has no model, or several.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType

from gateway.memory.catalog import DYNAMIC_VARIANTS, Catalog
from gateway.settings.task_names import is_openrouters, without_context

# The author of the models whose names begin so.
AUTHORS: Mapping[str, str] = MappingProxyType(
    {
        "claude-": "anthropic",
        "gpt-": "openai",
        "chatgpt-": "openai",
        "o1": "openai",
        "o3": "openai",
        "o4": "openai",
        "text-embedding-": "openai",
        "gemini-": "google",
    }
)
# Without a model list only this author's names are resolved: OpenRouter spells all of them by one rule.
CERTAIN = "anthropic"
LATEST = "-latest"
DATE_DIGITS = 8
# Longer parts of a name are dates and the like, not a version.
VERSION_DIGITS = 2


def resolve(name: str, catalog: Catalog | None) -> str:
    """Return OpenRouter's name for a model; the name itself if it is OpenRouter's, or no model fits."""
    if is_openrouters(name) or (catalog is not None and catalog.find(name) is not None):
        return name
    bare = without_context(name)
    if "/" in bare:
        is_listed = (
            catalog.find(bare) is not None if catalog else bare.removeprefix("~").startswith(f"{CERTAIN}/")
        )
        return bare if is_listed else name
    author = next((author for beginning, author in AUTHORS.items() if bare.startswith(beginning)), None)
    if author is None:
        return name
    stem, colon, variant = bare.partition(":")
    if catalog is None:
        return _spelled(stem) + colon + variant if author == CERTAIN else name
    return next(_listed(stem, colon + variant, author, catalog), name)


def _listed(stem: str, variant: str, author: str, catalog: Catalog) -> Iterator[str]:
    """Yield the ids of listed models of the author with this name, in the order of ``_spellings``."""
    for spelling in _spellings(stem):
        for owner in (author, f"~{author}"):
            name = f"{owner}/{spelling}"
            model_id = catalog.id_of(name + variant)
            if model_id is None and variant in DYNAMIC_VARIANTS and (base := catalog.id_of(name)):
                model_id = base + variant
            if model_id is None:
                continue
            if author != CERTAIN and _has_others(spelling, author, catalog):
                return
            yield model_id


def _has_others(slug: str, author: str, catalog: Catalog) -> bool:
    """Return whether the list has a model of this name of another author."""
    return catalog.authors_of(slug) != {author}


def _spelled(stem: str) -> str:
    """Return the name that OpenRouter gives to a model of Anthropic's, without looking it up."""
    bare = stem.removesuffix(LATEST)
    if bare != stem and not any(map(str.isdigit, bare)):
        return f"~{CERTAIN}/{stem}"  # the latest model of a family
    return f"{CERTAIN}/{_dotted(_undated(bare))}"


def _spellings(stem: str) -> Iterator[str]:
    """Yield how OpenRouter may spell a name: as it is, with a dot in the version, without date or latest."""
    undated = _undated(stem)
    for each in dict.fromkeys((stem, undated, undated.removesuffix(LATEST))):
        yield each
        if (dotted := _dotted(each)) != each:
            yield dotted


def _undated(stem: str) -> str:
    before, _, date = stem.rpartition("-")
    is_date = len(date) == DATE_DIGITS and date.isascii() and date.isdecimal() and date.startswith("20")
    return before if is_date and before else stem


def _dotted(stem: str) -> str:
    """Return a name with a dot between the two numbers of its version: ``opus-4.5`` for ``opus-4-5``."""
    parts = stem.split("-")
    for index, (major, minor) in enumerate(pairwise(parts)):
        if _is_number(major) and _is_number(minor):
            return "-".join((*parts[:index], f"{major}.{minor}", *parts[index + 2 :]))
    return stem


def _is_number(part: str) -> bool:
    return 0 < len(part) <= VERSION_DIGITS and part.isascii() and part.isdecimal()
