"""What decided: for each part of a plan the request's field, the task route, or the setting that it is by."""

from gateway.chat import Caller, ChatRequest
from gateway.config import Settings
from gateway.knowledge import Knowledge
from gateway.links import routes_of
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
    "keepalive_ms",
    "check_json",
    "allow_reasoning_only",
    "errors",
    "cache_ttl_s",
)


def decided_by(chat: ChatRequest, settings: Settings, caller: Caller, known: Knowledge) -> JsonObject:
    """Return what was decided, and by what: a field of the request, a task route, a key, or a setting."""
    routes = routes_of(chat, settings)
    decided: JsonObject = {"models": "models" if chat.models else "DEFAULT_MODEL, FALLBACK_MODELS"}
    for name in LIMIT_SETTINGS:
        decided[name] = _by(name, chat, routes[0], caller) or name.upper()
    decided["max_attempts"] = "MAX_ATTEMPTS"
    for name in OPTIONAL:
        if by := _by(name, chat, routes[0], caller):
            decided[name] = by
    only = routes[0] if len(routes) == 1 else None
    if only and only.order != "given" and "order" not in decided:
        decided["order"] = only.name
    if known.budget_left_usd is not None:
        decided["budget_left_usd"] = known.budget_left_usd
    return decided


def _by(name: str, chat: ChatRequest, route: TaskRoute | None, caller: Caller) -> str | None:
    if name in chat.options.asked:
        return f"gateway.{name}"
    if route is not None and name in route.options:
        return route.name
    return f"key {caller.name}" if name in caller.options else None
