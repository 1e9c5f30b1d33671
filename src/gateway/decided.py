"""What decided: for each part of a plan the request's field, the task route, or the setting that it is by."""

from gateway.chat import Caller, ChatRequest
from gateway.config import Settings
from gateway.links import routes_in
from gateway.plan import LIMIT_SETTINGS
from gateway.tasks import TaskRoute
from gateway.wire import JsonObject

# Options without a setting: they hold only where the request, or its route, has them.
OPTIONAL = (
    "order",
    "weights",
    "fallbacks",
    "hedge_ms",
    "max_cost_usd",
    "strict",
    "on_midstream",
    "cache_ttl_s",
)


def decided_by(chat: ChatRequest, settings: Settings, caller: Caller) -> JsonObject:
    """Return what was decided, and by what: a field of the request, a task route, a key, or a setting."""
    names = chat.models or settings.default_chain
    routes = [route for route in routes_in(names, settings) if route]
    decided: JsonObject = {"models": "models" if chat.models else "DEFAULT_MODEL, FALLBACK_MODELS"}
    first = routes[0] if routes else None
    for name in LIMIT_SETTINGS:
        decided[name] = _by(name, chat, first, caller) or name.upper()
    for name in OPTIONAL:
        if by := _by(name, chat, first, caller):
            decided[name] = by
    return decided


def _by(name: str, chat: ChatRequest, route: TaskRoute | None, caller: Caller) -> str | None:
    if name in chat.options.asked:
        return f"gateway.{name}"
    if route is not None:
        has_order = (name == "order" and route.order != "given") or (name == "weights" and route.weights)
        if has_order or name in route.options:
            return route.name
    return f"key {caller.name}" if name in caller.options else None
