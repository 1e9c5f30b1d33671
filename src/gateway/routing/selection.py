"""Selects the names of models and tasks, the task routes and the options that apply to a request.

This is done once for each request. The plan, the check whether prices matter, and ``pipeline.decided_by``
use the result.
"""

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING

from gateway.dialects.model_request import ModelRequest
from gateway.http.errors import GatewayError
from gateway.http.frozen import dataclass
from gateway.http.json_values import number_or_none
from gateway.settings.caller import Caller, KeyLimits
from gateway.settings.keys import allows
from gateway.settings.options import Options, Order
from gateway.settings.patience import PATIENCE
from gateway.settings.settings import Settings
from gateway.settings.task_names import is_openrouters, task_of
from gateway.settings.task_routes import PREFIX, TaskRoute

if TYPE_CHECKING:
    from gateway.routing.conditional_route import ChosenRoute

# From this length on, a provider's prompt cache saves more than the order of the chain could.
LONG_PROMPT_TOKENS = 10_000
# The ceilings of which the lower one counts, if both a task route and a key have one.
CEILINGS = ("max_cost_usd", "max_session_usd")
NO_DEFAULT = (
    "`model` is required: the gateway's default models write texts, and would not serve this request."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The names, task routes and options that apply to a request.

    Attributes:
        names: the models and tasks that it names, in order; if it names none, the settings' default chain.
        routes: the task route of each name; None for a model.
        options: the request's options. An option that it does not set has the value of its task route, else
            that of its key.
        limited: the names of the options that the key's limits have changed.
        is_auto: whether the order is ``auto`` because the prompt is long, it belongs to a session, and
            nothing sets an order.
        resolved: by the name that was written, the model or the task that it stands for; names that stand for
            themselves are left out.
        chosen: the task route that one of its conditions has chosen; None if none has.
    """

    names: tuple[str, ...]
    routes: tuple[TaskRoute | None, ...]
    options: Options
    limited: frozenset[str] = frozenset()
    is_auto: bool = False
    resolved: Mapping[str, str] = field(default_factory=dict)
    chosen: "ChosenRoute | None" = None

    @property
    def models(self) -> list[str]:
        """The models that it names, and those of its task routes."""
        named = [name for name, route in zip(self.names, self.routes, strict=True) if route is None]
        return named + [model for route in self.routes if route for model in route.models]

    @property
    def has_foreign_names(self) -> bool:
        """Whether a model may have another name at OpenRouter. See ``routing.resolved_names``."""
        return not all(map(is_openrouters, self.models))

    @property
    def order(self) -> Order:
        """The request's order, else that of a route that is the complete chain, ``auto`` or ``given``."""
        if self.options.order:
            return self.options.order
        if self.is_auto:
            return "auto"
        only = self.routes[0] if len(self.routes) == 1 else None
        return only.order if only else "given"

    @property
    def orders(self) -> set[Order]:
        """The orders in use: the request's for the complete chain, else each route's for its own models.

        With ``auto`` each route keeps its order, except that the session's model comes first.
        """
        if self.options.order and self.options.order != "auto":
            return {self.options.order}
        return {route.order for route in self.routes if route}

    @property
    def needs_prices(self) -> bool:
        """Whether the chain depends on prices: it has a ceiling, or begins with the cheapest model."""
        return (
            self.options.max_cost_usd is not None
            or "cheapest" in self.orders
            or any(route.max_price for route in self.routes if route)
        )


def no_header(_: str) -> str | None:
    """Return None: the request has no headers."""
    return None


def select(
    request: ModelRequest,
    settings: Settings,
    caller: Caller,
    *,
    in_session: bool = False,
    header: Callable[[str], str | None] = no_header,
    writes_text: bool = True,
) -> Selection:
    """Return the names, task routes and options that apply to a request.

    Args:
        request: the request.
        settings: the Worker's settings.
        caller: the caller's key name, and what the key allows.
        in_session: whether the request names a session.
        header: returns a header of the request. It is read for the conditions of task routes.
        writes_text: see ``Dialect``.

    Raises:
        GatewayError: it names no model, and no default is for its wire format; it names a task that does
            not exist, or sets weights without the order ``weighted``.
    """
    resolved = {name: task for name in request.models if (task := task_of(name))}
    names = tuple(dict.fromkeys(resolved.get(name, name) for name in request.models))
    if not names and not writes_text:
        raise GatewayError("missing_field", NO_DEFAULT, param="model")
    names = names or settings.default_chain
    chosen = _chosen(request, names, settings, caller, header) if writes_text else None
    if chosen is not None:
        names = (chosen.route.name,)
    routes = tuple(
        _route_of(name, request, settings, caller, resolved) if name.startswith(PREFIX) else None
        for name in names
    )
    options = _options_of(request, routes[0], caller)
    limited = _limited(options, caller.limits, settings)
    selection = Selection(
        names=names,
        routes=routes,
        options=replace(options, **limited) if limited else options,  # type: ignore[arg-type]  # fields of Options
        limited=frozenset(limited),
        is_auto=in_session
        and request.requirements.tokens.likely > LONG_PROMPT_TOKENS
        and not options.order
        and not any(route.has_order for route in routes if route),
        resolved=resolved,
        chosen=chosen,
    )
    if selection.options.weights is not None and "weighted" not in selection.orders:
        raise GatewayError(
            "invalid_field",
            '`gateway.weights` requires the order "weighted".',
            param="gateway.weights",
        )
    return selection


def _chosen(
    request: ModelRequest,
    names: tuple[str, ...],
    settings: Settings,
    caller: Caller,
    header: Callable[[str], str | None],
) -> "ChosenRoute | None":
    """Return the task route that a condition chooses; None if the caller names a task, or none is met."""
    if not settings.conditional_routes or (request.models and any(name.startswith(PREFIX) for name in names)):
        return None
    from gateway.routing.conditional_route import Traits, choose_route  # noqa: PLC0415  # few gateways set conditions

    asked = request.models[0] if request.models else None
    return choose_route(Traits(asked, request.requirements.tokens.likely, header), settings, caller)


def _route_of(
    name: str, request: ModelRequest, settings: Settings, caller: Caller, resolved: Mapping[str, str]
) -> TaskRoute:
    route = settings.task_routes.get(name)
    if route is None:
        tasks = ", ".join(each for each in settings.task_routes if allows(caller, each)) or "none"
        raise GatewayError(
            "unknown_task",
            f"There is no such task. The tasks that this key may use are: {tasks}.",
            param=request.field_of(next((each for each, task in resolved.items() if task == name), name)),
        )
    return route


def _options_of(request: ModelRequest, route: TaskRoute | None, caller: Caller) -> Options:
    """Return the options that apply; ``route`` is the route of the first name.

    The request's own value counts first, then the route's, then the key's. If both the route and the key have
    one of ``CEILINGS``, the lower one counts. A route further down the chain is a fallback and sets no
    options.
    """
    preset = {**caller.options, **(route.options if route else {})}
    for name in CEILINGS:
        ceilings = [usd for each in (caller, route) if each and (usd := each.options.get(name))]
        if ceilings:
            preset[name] = min(number_or_none(usd) or 0.0 for usd in ceilings)
    defaults = {name: value for name, value in preset.items() if name not in request.options.asked}
    return replace(request.options, **defaults) if defaults else request.options  # type: ignore[arg-type]  # checked by settings.presets


def loop_limit_of(options: Options, settings: Settings) -> int:
    """Return how often an agent may repeat a tool call; 0: any number of times."""
    return settings.loop_limit if options.loop_limit is None else options.loop_limit


def _limited(options: Options, limits: KeyLimits, settings: Settings) -> dict[str, float | bool]:
    """Return the options that a key's limits lower, with the values that apply then."""
    patience = PATIENCE[options.patience or settings.patience]
    set_to = {
        "max_cost_usd": options.max_cost_usd,
        "max_session_usd": options.max_session_usd,
        "loop_limit": loop_limit_of(options, settings) or None,  # 0 is no limit
        "retries": settings.retries if options.retries is None else options.retries,
        "deadline_ms": options.deadline_ms or settings.deadline_ms or round(patience.deadline_s * 1000),
    }
    limited: dict[str, float | bool] = {}
    for name, value in set_to.items():
        limit = getattr(limits, name)
        if limit is not None and (value is None or limit < value):
            limited[name] = limit
    if limits.strict and not options.strict:
        limited["strict"] = True
    return limited
