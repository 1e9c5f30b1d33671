"""``GET /health``: whether this Worker is set up; with ``?deep=1`` also whether its chains are listed."""

import sys

from gateway.catalog.refresh import current_catalog, refresh_in_background
from gateway.http.body import HttpResponse
from gateway.http.errors import GatewayError
from gateway.http.json_values import Json, JsonObject
from gateway.http.query_string import parameters_of
from gateway.http.responses import respond_json
from gateway.memory.catalog import Catalog
from gateway.pipeline.call import Call, admitted
from gateway.routing.model_names import resolve
from gateway.settings.task_routes import PREFIX
from gateway.settings.upstreams import DIRECT

VERSION = "0.1.0"
NO_STORE = (("cache-control", "no-store"),)


async def show_health(call: Call) -> HttpResponse:
    """``GET /health``: report whether the Worker is set up, without a key and without an upstream call.

    ``?deep=1`` needs a key. It also compares the chains with the model list, which may have to be fetched.

    Raises:
        GatewayError: ``deep`` is neither 0 nor 1, or the caller of ``deep=1`` has no valid key.
    """
    shallow = _shallow(call)
    deep = parameters_of(call.request.query, known=("deep",)).get("deep", "0")
    if deep not in ("0", "1"):
        raise GatewayError("invalid_field", "`deep` must be 0 or 1.", param="deep")
    if deep == "0":
        return respond_json(200, shallow, call.frame, NO_STORE)
    call = await admitted(call, for_own_keys=False)
    settings, ports = call.settings, call.ports
    catalog = await current_catalog(
        settings.upstream, ports, call.memory.catalog, ttl_s=settings.catalog_ttl_s
    )
    refresh_in_background(
        catalog, settings.upstream, ports, call.memory.catalog, ttl_s=settings.catalog_ttl_s
    )
    return respond_json(200, _deep(shallow, call, catalog), call.frame, NO_STORE)


def _shallow(call: Call) -> JsonObject:
    settings = call.settings
    ready = bool(settings.upstream.api_key) and (bool(settings.gateway_keys) or settings.open_on_loopback)
    coordination = _coordination(settings.coordination, call)
    if coordination["problem"] is not None:
        ready = False
    return {
        "status": "ok" if ready else "incomplete",
        "version": VERSION,
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "set": {
            "OPENROUTER_API_KEY": bool(settings.upstream.api_key),
            "GATEWAY_KEYS": bool(settings.gateway_keys),
        },
        "coordination": coordination,
    }


def _coordination(setting: str, call: Call) -> JsonObject:
    """Return how isolates count, and what is wrong if they cannot count as ``COORDINATION`` says."""
    if setting == "local" or call.ports.coordinator.bound:
        return {"mode": setting, "problem": None}
    effect = "each isolate counts alone" if setting == "shared" else "all requests to models are refused"
    problem = f"COORDINATION={setting} needs the binding COORDINATOR. Without it {effect}."
    return {"mode": "local" if setting == "shared" else setting, "problem": problem}


def _deep(shallow: JsonObject, call: Call, catalog: Catalog | None) -> JsonObject:
    """Return the shallow report, and for each chain the models that OpenRouter does not list."""
    settings, now_s = call.settings, call.ports.now_s()
    chains = {route.name: route.models for route in settings.task_routes.values()}
    chains["DEFAULT_MODEL, FALLBACK_MODELS"] = settings.default_chain
    missing = {name: _missing(models, catalog) for name, models in chains.items()}
    degraded = catalog is None or any(missing.values())
    return {
        **shallow,
        "status": "degraded" if degraded and shallow["status"] == "ok" else shallow["status"],
        "catalog": None
        if catalog is None
        else {
            "models": len(catalog),
            "age_s": round(catalog.age_s(now_s)),
            "fresh": catalog.age_s(now_s) <= settings.catalog_ttl_s,
        },
        "chains": {
            name: {"models": [*models], "not_listed": missing[name]} for name, models in chains.items()
        },
        "upstreams": ["openrouter", *settings.direct],
        "ledger": {"bound": call.ports.database.bound, "lost_writes": call.memory.lost_writes.count},
    }


def _missing(models: tuple[str, ...], catalog: Catalog | None) -> list[Json]:
    """Return the models that are missing from the model list; without a list, none.

    Models of direct upstreams, tasks and presets are never listed, so they are not reported.
    """
    if catalog is None:
        return []
    return [
        model
        for model in models
        if not model.startswith((PREFIX, DIRECT))
        and "@" not in model
        and catalog.find(resolve(model, catalog)) is None
    ]
