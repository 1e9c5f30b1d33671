"""compact: from OpenRouter's list of models to the copy that is kept of it, in the form in which it is shown.

Done once, when the list is fetched, so that no request has to.
"""

from gateway.catalog.prices import usd_per_million
from gateway.catalog.stored_catalog import catalog_of
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty
from gateway.memory.catalog import Catalog

# What planning and listing need of OpenRouter's model object; descriptions and benchmarks are most of it.
KEPT = (
    "id",
    "canonical_slug",
    "name",
    "created",
    "context_length",
    "architecture",
    "pricing",
    "top_provider",
    "supported_parameters",
    "expiration_date",
    "default_parameters",
    "per_request_limits",
    "supported_voices",
)
# OpenRouter's SDKs refuse a model without these fields, null though they may be.
INSISTED_ON = ("context_length", "default_parameters", "per_request_limits", "supported_voices")


def compact(payload: Json, *, now_s: float) -> Catalog | None:
    """Return the copy that is kept of OpenRouter's answer; None when it is not a list of models.

    Raises:
        ValueError: a model holds what JSON cannot carry.
    """
    models = [object_or_empty(model) for model in list_or_empty(object_or_empty(payload).get("data"))]
    catalog = catalog_of([shown(model) for model in models], fetched_at_s=now_s)
    return catalog if len(catalog) else None


def shown(model: JsonObject) -> JsonObject:
    """Return a model in OpenAI's form, with OpenRouter's fields and prices per million tokens."""
    name = str(model.get("id"))
    return {
        **{field: model[field] for field in KEPT if field in model},
        **{field: model.get(field) for field in INSISTED_ON},
        "links": {"details": f"/api/v1/models/{name}/endpoints"},
        "object": "model",
        "owned_by": name.partition("/")[0].lstrip("~"),
        "usd_per_million_tokens": {
            "prompt": usd_per_million(model, "prompt"),
            "completion": usd_per_million(model, "completion"),
        },
    }
