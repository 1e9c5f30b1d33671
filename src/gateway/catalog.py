"""The models that OpenRouter has, with their prices: a compact copy, and the form in which it is stored."""

from dataclasses import dataclass

from gateway.answers import parse_json
from gateway.json_bytes import to_json_bytes
from gateway.wire import (
    Json,
    JsonObject,
    list_or_empty,
    number_or_none,
    object_or_empty,
)

KEY = "catalog"
VERSION = 2  # of what is stored: a value of another version is ignored, and rebuilt

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """A copy of the list, and when it was fetched (Unix time)."""

    fetched_at_s: float
    models: tuple[JsonObject, ...]

    def age_s(self, now_s: float) -> float:
        """Return how old the copy is."""
        return max(0.0, now_s - self.fetched_at_s)

    def __len__(self) -> int:
        return len(self.models)

    def find(self, model: str) -> JsonObject | None:
        """Return a model by its id, or None."""
        return next((each for each in self.models if each.get("id") == model), None)


@dataclass(slots=True)
class CatalogMemory:
    """What one isolate has: its copy, until when a request fetches another, and when one may again."""

    catalog: Catalog | None = None
    fetching_until_s: float = 0.0
    retry_at_s: float = 0.0


def compact(payload: Json, *, now_s: float) -> Catalog | None:
    """Return the copy that is kept of OpenRouter's answer; None when it is not a list of models."""
    models = []
    for model in list_or_empty(object_or_empty(payload).get("data")):
        fields = object_or_empty(model)
        if isinstance(fields.get("id"), str):
            models.append({name: fields[name] for name in KEPT if name in fields})
    return Catalog(fetched_at_s=now_s, models=tuple(models)) if models else None


def to_stored(catalog: Catalog) -> bytes:
    """Return the copy as it is stored."""
    return to_json_bytes({"version": VERSION, "at_s": catalog.fetched_at_s, "models": list(catalog.models)})


def from_stored(raw: bytes) -> Catalog | None:
    """Return a stored copy; None where it is corrupted, or of another version."""
    try:
        stored = object_or_empty(parse_json(raw))
    except ValueError:
        return None
    at_s = number_or_none(stored.get("at_s"))
    models = [each for each in list_or_empty(stored.get("models")) if isinstance(each, dict)]
    if stored.get("version") != VERSION or at_s is None or not models:
        return None
    return Catalog(fetched_at_s=at_s, models=tuple(models))
