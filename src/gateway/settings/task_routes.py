"""Task routes: names such as ``task/code``, each with a chain of models and its options.

The built-in routes name model families, not versions: OpenRouter's ``~author/family-latest`` always means the
latest model of a family. ``TASK_ROUTES`` can replace, add and remove (null) routes.
Source: OpenRouter "Latest Model Resolution".
"""

import re
from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, list_or_empty, number_or_none, object_or_empty
from gateway.settings.options import ORDERS, Order
from gateway.settings.parse_value import as_model, as_object
from gateway.settings.presets import as_options
from gateway.settings.price import Price, as_price

if TYPE_CHECKING:
    from gateway.settings.conditions import Condition

PREFIX = "task/"
_NAME = re.compile(r"task/[a-z0-9][a-z0-9._-]{0,63}")
_PARAMETER = re.compile(r"[a-z][a-z0-9_]{0,63}")
_FIELDS = ("models", "reason", "order", "weights", "max_price", "require", "options", "when")
MAX_ROUTE_MODELS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRoute:
    """One task route.

    Attributes:
        name: such as ``task/code``.
        models: its chain; 1 to ``MAX_ROUTE_MODELS`` names of models.
        reason: why it has these models, for people.
        order: how its models are ordered; the request's own order takes precedence.
        has_order: whether its order was set. Without one, a long session may choose the order ``auto``.
        weights: by model, for the order ``weighted``; 1 for a model without one.
        max_price: a price ceiling: models with a higher list price are skipped, and so are more expensive
            providers of the other models.
        require: parameters that a model must support; other models are skipped.
        options: ``gateway`` options for requests that do not set them.
        when: the conditions of which a request that names no task must meet one, so that the route serves it.
            Empty: the route serves only requests that name it.
        is_built_in: whether it is one of the built-in routes.
    """

    name: str
    models: tuple[str, ...]
    reason: str
    order: Order = "given"
    has_order: bool = False
    weights: Mapping[str, float] = field(default_factory=dict)
    max_price: Price | None = None
    require: tuple[str, ...] = ()
    options: Mapping[str, Json] = field(default_factory=dict)
    when: tuple["Condition", ...] = ()
    is_built_in: bool = False


DEFAULT_ROUTES: tuple[TaskRoute, ...] = (
    TaskRoute(
        is_built_in=True,
        name="task/classification",
        models=("~openai/gpt-luna-latest", "~google/gemini-flash-latest", "~anthropic/claude-haiku-latest"),
        reason="For many short answers: the small model of each large family, which reads closely and "
        "answers fast. A slow one is not worth the wait.",
        options={"attempt_ms": 30_000, "first_token_ms": 10_000},
    ),
    TaskRoute(
        is_built_in=True,
        name="task/code",
        models=("~anthropic/claude-sonnet-latest", "~openai/gpt-latest", "~z-ai/glm-latest"),
        reason="Three families that are built for agents and tools. The last one has open weights, so many "
        "providers can serve it.",
        require=("tools",),
    ),
    TaskRoute(
        is_built_in=True,
        name="task/reasoning",
        models=("~anthropic/claude-opus-latest", "~openai/gpt-latest", "~google/gemini-pro-latest"),
        reason="The strongest model of each family. They think before the first word and may take minutes.",
        require=("reasoning",),
        options={"patience": "long"},
    ),
    TaskRoute(
        is_built_in=True,
        name="task/bulk",
        models=("~z-ai/glm-flash-latest", "deepseek/deepseek-v4-flash", "~openai/gpt-luna-latest"),
        reason="Price first: the cheapest model for the request, and none above the price ceiling, because "
        "nobody watches the bill of a bulk job. Speed matters least.",
        order="cheapest",
        has_order=True,
        max_price=Price(prompt=1.0, completion=5.0),
        options={"patience": "long"},
    ),
)


def as_task_routes(raw: str) -> tuple[TaskRoute, ...]:
    """Return the task routes: the built-in ones, as changed by ``TASK_ROUTES``.

    ``raw`` is a JSON object. Each value is a list of models, an object of a route's fields, or null, which
    removes the route. The routes that it sets come last, in its order.
    """
    routes = {route.name: route for route in DEFAULT_ROUTES}
    for name, value in as_object(raw).items():
        if not _NAME.fullmatch(name):
            raise ValueError("must name each route `task/…`, with lower-case letters, digits, . _ and -")
        routes.pop(name, None)
        if value is None:
            continue
        try:
            routes[name] = _route(name, {"models": value} if isinstance(value, list) else value)
        except ValueError as error:
            raise ValueError(f"is wrong at `{name}`: it {error}") from None
    return tuple(routes.values())


def _route(name: str, value: Json) -> TaskRoute:
    fields = {field: each for field, each in object_or_empty(value).items() if each is not None}
    if not isinstance(value, dict) or not fields.keys() <= set(_FIELDS):
        raise ValueError(f"must be a list of models, or an object of {', '.join(_FIELDS)}")
    order, reason = fields.get("order", "given"), fields.get("reason", "")
    if not isinstance(reason, str):
        raise ValueError("must have a text as `reason`")  # noqa: TRY004  # parsers raise ValueError
    if order not in ORDERS:
        raise ValueError(f"must have one of {', '.join(ORDERS)} as `order`")
    return TaskRoute(
        name=name,
        models=_models(fields.get("models")),
        reason=reason,
        order=order,  # type: ignore[arg-type]  # it is one of ORDERS
        has_order="order" in fields,
        weights=MappingProxyType(as_weights(fields.get("weights", {}))),
        max_price=as_price(fields["max_price"]) if "max_price" in fields else None,
        require=_parameters(fields.get("require", [])),
        options=as_options(fields.get("options", {})),
        when=_conditions(fields["when"]) if "when" in fields else (),
    )


def _conditions(value: Json) -> tuple["Condition", ...]:
    from gateway.settings.conditions import as_conditions  # noqa: PLC0415  # few gateways set conditions

    return as_conditions(value)


def _models(value: Json) -> tuple[str, ...]:
    models = list_or_empty(value)
    if not 1 <= len(models) <= MAX_ROUTE_MODELS:
        raise ValueError(f"must have 1 to {MAX_ROUTE_MODELS} `models`")
    names = tuple(as_model(each if isinstance(each, str) else "") for each in models)
    if any(name.startswith(PREFIX) for name in names):
        raise ValueError("must name models, not task routes")
    return tuple(dict.fromkeys(names))


def as_weights(value: Json) -> dict[str, float]:
    """Return weights by model, each 0 or more.

    Raises:
        ValueError: the value is not an object of such weights.
    """
    weights = {model: number_or_none(weight) for model, weight in object_or_empty(value).items()}
    valid = {model: weight for model, weight in weights.items() if weight is not None and weight >= 0}
    if not isinstance(value, dict) or len(valid) < len(weights):
        raise ValueError("must have an object from models to numbers of 0 or more as `weights`")
    return valid


def _parameters(value: Json) -> tuple[str, ...]:
    names = [each for each in list_or_empty(value) if isinstance(each, str) and _PARAMETER.fullmatch(each)]
    if not isinstance(value, list) or len(names) < len(value):
        raise ValueError("must have a list of parameter names as `require`")
    return tuple(names)
