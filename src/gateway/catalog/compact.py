"""Compacts OpenRouter's model list into the catalogue: fewer fields, in the form that the gateway shows.

This is done once for each fetch of the list, so that no request has to do it.
"""

from gateway.catalog.prices import usd_per_million
from gateway.catalog.stored_catalog import catalog_of
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty
from gateway.memory.catalog import Catalog

# The fields of OpenRouter's model object that planning and listing use. The other fields, mostly descriptions
# and benchmarks, are left out: they are most of its size.
COPIED_FIELDS = (
    "id",
    "canonical_slug",
    "name",
    "created",
    "context_length",
    "architecture",
    "pricing",
    "top_provider",
    "supported_parameters",
    "reasoning",
    "expiration_date",
    "default_parameters",
    "per_request_limits",
    "supported_voices",
)
# OpenRouter's SDKs reject a model without these fields, although their values may be null.
REQUIRED_FIELDS = ("context_length", "default_parameters", "per_request_limits", "supported_voices")


def compact(payload: Json, *, now_s: float) -> Catalog | None:
    """Return the catalogue for OpenRouter's answer; None if the answer holds no model with a usable id.

    Raises:
        ValueError: a model holds a value that JSON cannot represent, such as infinity.
    """
    models = [object_or_empty(model) for model in list_or_empty(object_or_empty(payload).get("data"))]
    catalog = catalog_of([shown(model) for model in models], fetched_at_s=now_s)
    return catalog if len(catalog) else None


def shown(model: JsonObject) -> JsonObject:
    """Return a model in OpenAI's form, with OpenRouter's fields and prices per million tokens."""
    name = str(model.get("id"))
    return {
        **{field: model[field] for field in COPIED_FIELDS if field in model},
        **{field: model.get(field) for field in REQUIRED_FIELDS},
        "links": {"details": f"/api/v1/models/{name}/endpoints"},
        "object": "model",
        "owned_by": name.partition("/")[0].lstrip("~"),
        "usd_per_million_tokens": {
            "prompt": usd_per_million(model, "prompt"),
            "completion": usd_per_million(model, "completion"),
        },
    }
