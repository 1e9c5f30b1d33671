"""Names what decided each part of a plan: a field of the request, a task route, a key or a setting."""

from math import inf

from gateway.dialects.model_request import ModelRequest
from gateway.http.json_values import Json, JsonObject, number_or_none
from gateway.routing.limits import BY_PATIENCE, LIMIT_SETTINGS
from gateway.routing.selection import CEILINGS, Selection
from gateway.settings.caller import Caller
from gateway.settings.settings import Settings

# Options without a setting. They are listed only if the request, its task route or its key sets them.
OPTIONAL = (
    "order",
    "weights",
    "fallbacks",
    "retry_first",
    "stop_on",
    "retry_billed",
    "hedge_ms",
    "max_cost_usd",
    "max_session_usd",
    "loop_limit",
    "strict",
    "on_midstream",
    "keepalive_ms",
    "check_json",
    "show_model",
    "allow_reasoning_only",
    "watch",
    "errors",
    "cache_ttl_s",
    "allow_model_change",
    "embedding_space",
)


def decided_by(
    request: ModelRequest,
    selection: Selection,
    caller: Caller,
    settings: Settings,
    *,
    budget_left_usd: float | None,
) -> JsonObject:
    """Return ``decided_by`` of a plan: for the name of each part, what decided it.

    That is a field of the request, a task route, a key or a setting. ``budget_left_usd`` is an amount in USD
    instead: what the caller may still spend.
    """
    routes = selection.routes
    decided: JsonObject = {"models": _source_of_models(request, selection)}
    for name in LIMIT_SETTINGS:
        is_set = name not in BY_PATIENCE or bool(getattr(settings, name))
        default = name.upper() if is_set else decided["patience"]
        decided[name] = _source_of(name, request, selection, caller) or default
    if "deadline_ms" in request.options.asked and "max_wait_ms" not in request.options.asked:
        decided["max_wait_ms"] = "gateway.deadline_ms"
    decided["max_attempts"] = "MAX_ATTEMPTS"
    for name in OPTIONAL:
        if source := _source_of(name, request, selection, caller):
            decided[name] = source
    only_route = routes[0] if len(routes) == 1 else None
    if only_route and only_route.order != "given" and "order" not in decided:
        decided["order"] = only_route.name
    if selection.is_auto:
        decided["order"] = "session"
    if budget_left_usd is not None:
        decided["budget_left_usd"] = budget_left_usd
    return decided


def _source_of_models(request: ModelRequest, selection: Selection) -> str:
    """Return what names the models: a task route that a condition has chosen, the request or settings."""
    if selection.chosen:
        return selection.chosen.route.name
    fields = dict.fromkeys(request.field_of(name) for name in request.models)
    return ", ".join(fields) or "DEFAULT_MODEL, FALLBACK_MODELS"


def _source_of(name: str, request: ModelRequest, selection: Selection, caller: Caller) -> str | None:
    """Return what sets an option: the request, the task route or the key; None if none of them does."""
    route = selection.routes[0]
    if name in selection.limited:
        return f"key {caller.name}"
    if name in request.options.asked:
        return f"gateway.{name}"
    by_key = f"key {caller.name}" if name in caller.options else None
    if route is None or name not in route.options:
        return by_key
    key_is_lower = name in CEILINGS and _usd(caller.options.get(name)) < _usd(route.options[name])
    return by_key if key_is_lower else route.name


def _usd(ceiling: Json) -> float:
    """Return a cost ceiling in USD; infinity if there is none."""
    return inf if (usd := number_or_none(ceiling)) is None else usd
