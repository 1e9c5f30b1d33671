"""Gives the models of a selection OpenRouter's names, see ``model_names``.

It is imported if a request or its task route has a name without an author.
"""

from collections.abc import Mapping
from dataclasses import replace

from gateway.memory.catalog import Catalog
from gateway.routing.model_names import resolve
from gateway.routing.selection import Selection
from gateway.settings.task_routes import TaskRoute


def with_resolved_names(selection: Selection, catalog: Catalog | None) -> Selection:
    """Return a selection in which all models have OpenRouter's names; those of its task routes too."""
    found = {name: resolved for name in selection.models if (resolved := resolve(name, catalog)) != name}
    if not found:
        return selection
    weights = selection.options.weights
    options = replace(selection.options, weights=_renamed(weights, found)) if weights else selection.options
    return replace(
        selection,
        names=tuple(found.get(name, name) for name in selection.names),
        routes=tuple(route and _route_with(route, found) for route in selection.routes),
        options=options,
        resolved={**selection.resolved, **found},
    )


def _route_with(route: TaskRoute, found: Mapping[str, str]) -> TaskRoute:
    models = tuple(dict.fromkeys(found.get(model, model) for model in route.models))
    return replace(route, models=models, weights=_renamed(route.weights, found))


def _renamed(weights: Mapping[str, float], found: Mapping[str, str]) -> dict[str, float]:
    return {found.get(model, model): weight for model, weight in weights.items()}
