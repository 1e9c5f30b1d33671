"""Shows task routes as models in ``GET /v1/models``. A task route stands for a chain of models."""

from collections.abc import Iterable

from gateway.http.json_values import Json, JsonObject
from gateway.settings.task_routes import TaskRoute

OWNER = "openrouter-edge"


def shown_tasks(routes: Iterable[TaskRoute]) -> tuple[JsonObject, ...]:
    """Return each route as a model, in OpenAI's form and with all fields that OpenRouter's SDKs require."""
    return tuple(_shown(route) for route in routes)


def _shown(route: TaskRoute) -> JsonObject:
    unknown: JsonObject = {"prompt": None, "completion": None}
    required: list[Json] = [*route.require]
    return {
        "id": route.name,
        "canonical_slug": route.name,
        "object": "model",
        "created": 0,
        "owned_by": OWNER,
        "name": f"Task: {route.name.partition('/')[2]}",
        "description": route.reason,
        "context_length": None,
        "architecture": {
            "modality": "text->text",
            "input_modalities": ["text"],
            "output_modalities": ["text"],
            "tokenizer": "Router",
            "instruct_type": None,
        },
        "pricing": {"prompt": "-1", "completion": "-1"},  # OpenRouter's value for a router
        "top_provider": {"context_length": None, "max_completion_tokens": None, "is_moderated": False},
        "supported_parameters": required,
        "default_parameters": None,
        "per_request_limits": None,
        "supported_voices": None,
        "expiration_date": None,
        "links": {"details": f"/api/v1/models/{route.name}"},
        "usd_per_million_tokens": unknown,
        "gateway": _route_json(route),
    }


def _route_json(route: TaskRoute) -> JsonObject:
    """Return the route in the form of the ``TASK_ROUTES`` setting."""
    shown: JsonObject = {
        "models": [*route.models],
        "order": route.order,
        "weights": {**route.weights},
        "max_price": route.max_price.to_json() if route.max_price else None,
        "require": [*route.require],
        "options": {**route.options},
    }
    if route.when:
        shown["when"] = [{**condition} for condition in route.when]
    return shown
