"""Tells which names of models stand for one embedding space: vectors of two spaces cannot be compared.

A space is a model and a number of dimensions. The same model may be called at several upstreams.
"""

from collections.abc import Sequence

from gateway.memory.catalog import DYNAMIC_VARIANTS
from gateway.settings.upstreams import split_direct

# Variants of a model's name that choose an endpoint, and not a model. Source: OpenRouter "Model variants".
VARIANTS = (*DYNAMIC_VARIANTS, ":free")


class SpaceNames:
    """The models of one request, by the names that they have in all spaces' names.

    ``direct:NAME/MODEL`` is the model whose complete name is MODEL, or MODEL behind a maker and a slash.
    """

    def __init__(self, models: Sequence[str]) -> None:
        names = {_plain(model) for model in models}
        self._full: dict[str, set[str]] = {}
        for name in names:
            if "/" in name:
                self._full.setdefault(_bare(name), set()).add(name)

    def of(self, model: str) -> str:
        """Return the name of a model: with its maker, if a name of the request has it."""
        name = _plain(model)
        full = self._full.get(name, ()) if "/" not in name else ()
        return next(iter(full)) if len(full) == 1 else name


def _plain(model: str) -> str:
    """Return a model's name without the upstream and without a variant."""
    parts = split_direct(model)
    if parts is not None:
        return parts[1]
    return next((model.removesuffix(each) for each in VARIANTS if model.endswith(each)), model)


def _bare(name: str) -> str:
    return name.rpartition("/")[2]
