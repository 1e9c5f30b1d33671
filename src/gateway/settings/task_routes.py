"""Task routes: names such as ``task/code`` that stand for a chain, and what goes with it.

The defaults name families of models and not versions: OpenRouter's ``~author/family-latest`` follows each
family, so that a default does not age. ``TASK_ROUTES`` replaces, adds, and takes away (null).
Source: OpenRouter "Latest Model Resolution".
"""

import re
from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, list_or_empty, number_or_none, object_or_empty
from gateway.settings.options import ORDERS, Order
from gateway.settings.parse_value import as_model, as_object
from gateway.settings.presets import as_options
from gateway.settings.price import Price, as_price

PREFIX = "task/"
_NAME = re.compile(r"task/[a-z0-9][a-z0-9._-]{0,63}")
_PARAMETER = re.compile(r"[a-z][a-z0-9_]{0,63}")
_FIELDS = ("models", "reason", "order", "weights", "max_price", "require", "options")
MAX_ROUTE_MODELS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRoute:
    """What a task's name stands for.

    Attributes:
        reason: why these models, for people.
        order: how its models are ordered; a request's own order goes before it.
        weights: for the order ``weighted``, by model; 1 where there is none.
        max_price: models whose list price is above it are left out, and so are their dearer providers.
        require: parameters that a model must support to be asked.
        options: of ``gateway``, for requests that do not set them.
        is_built_in: whether it is one of the defaults.
    """

    name: str
    models: tuple[str, ...]
    reason: str
    order: Order = "given"
    weights: Mapping[str, float] = field(default_factory=dict)
    max_price: Price | None = None
    require: tuple[str, ...] = ()
    options: Mapping[str, Json] = field(default_factory=dict)
    is_built_in: bool = False


DEFAULT_ROUTES: tuple[TaskRoute, ...] = (
    TaskRoute(
        is_built_in=True,
        name="task/classification",
        models=("~openai/gpt-luna-latest", "~google/gemini-flash-latest", "~anthropic/claude-haiku-latest"),
        reason="Short answers, many of them: the small model of each large family, which reads closely and "
        "answers at once. One that dawdles is not worth waiting for.",
        options={"attempt_ms": 30_000, "first_token_ms": 10_000},
    ),
    TaskRoute(
        is_built_in=True,
        name="task/code",
        models=("~anthropic/claude-sonnet-latest", "~openai/gpt-latest", "~z-ai/glm-latest"),
        reason="Three families that are built for agents and tools; one with open weights ends the chain, so "
        "that many providers can serve it.",
        require=("tools",),
    ),
    TaskRoute(
        is_built_in=True,
        name="task/reasoning",
        models=("~anthropic/claude-opus-latest", "~openai/gpt-latest", "~google/gemini-pro-latest"),
        reason="The strongest model of each family. They think before the first word, and may take minutes.",
        require=("reasoning",),
        options={"deadline_ms": 600_000, "first_token_ms": 180_000, "idle_ms": 180_000},
    ),
    TaskRoute(
        is_built_in=True,
        name="task/bulk",
        models=("~z-ai/glm-flash-latest", "deepseek/deepseek-v4-flash", "~openai/gpt-luna-latest"),
        reason="Price first: the cheapest for the request at hand, and none above the ceiling, since nobody "
        "watches a bulk job's bill. Time is the last concern.",
        order="cheapest",
        max_price=Price(prompt=1.0, completion=5.0),
        options={"deadline_ms": 600_000},
    ),
)


def as_task_routes(raw: str) -> tuple[TaskRoute, ...]:
    """Return the default routes as ``TASK_ROUTES`` changes them.

    It is a JSON object from names to a list of models, to an object of a route's fields, or to null.
    """
    routes = {route.name: route for route in DEFAULT_ROUTES}
    for name, value in as_object(raw).items():
        if not _NAME.fullmatch(name):
            raise ValueError("must name each route `task/…`, in lower case: letters, digits, . _ and -")
        if value is None:
            routes.pop(name, None)
            continue
        try:
            routes[name] = _route(name, {"models": value} if isinstance(value, list) else value)
        except ValueError as error:
            raise ValueError(f"is wrong at `{name}`, which {error}") from None
    return tuple(routes.values())


def _route(name: str, value: Json) -> TaskRoute:
    fields = {field: each for field, each in object_or_empty(value).items() if each is not None}
    if not isinstance(value, dict) or not fields.keys() <= set(_FIELDS):
        raise ValueError(f"must be a list of models, or an object of {', '.join(_FIELDS)}")
    order, reason = fields.get("order", "given"), fields.get("reason", "")
    if not isinstance(reason, str):
        raise ValueError("must have a text as `reason`")  # noqa: TRY004  # casts raise ValueError
    if order not in ORDERS:
        raise ValueError(f"must have an `order` of {', '.join(ORDERS)}")
    return TaskRoute(
        name=name,
        models=_models(fields.get("models")),
        reason=reason,
        order=order,  # type: ignore[arg-type]  # it is one of ORDERS
        weights=MappingProxyType(as_weights(fields.get("weights", {}))),
        max_price=as_price(fields["max_price"]) if "max_price" in fields else None,
        require=_parameters(fields.get("require", [])),
        options=as_options(fields.get("options", {})),
    )


def _models(value: Json) -> tuple[str, ...]:
    models = list_or_empty(value)
    if not 1 <= len(models) <= MAX_ROUTE_MODELS:
        raise ValueError(f"must have 1 to {MAX_ROUTE_MODELS} `models`")
    names = tuple(as_model(each if isinstance(each, str) else "") for each in models)
    if any(name.startswith(PREFIX) for name in names):
        raise ValueError("must name models, not other tasks")
    return tuple(dict.fromkeys(names))


def as_weights(value: Json) -> dict[str, float]:
    """Return weights by model, each 0 or more.

    Raises:
        ValueError: they are not such.
    """
    weights = {model: number_or_none(weight) for model, weight in object_or_empty(value).items()}
    known = {model: weight for model, weight in weights.items() if weight is not None and weight >= 0}
    if not isinstance(value, dict) or len(known) < len(weights):
        raise ValueError("must have `weights` from models to numbers, 0 or more")
    return known


def _parameters(value: Json) -> tuple[str, ...]:
    names = [each for each in list_or_empty(value) if isinstance(each, str) and _PARAMETER.fullmatch(each)]
    if not isinstance(value, list) or len(names) < len(value):
        raise ValueError("must `require` a list of parameters' names")
    return tuple(names)
