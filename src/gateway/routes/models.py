"""The routes that show the catalogue: the list, one model of it, and a model's endpoints as they are now."""

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qsl, unquote
from zlib import crc32

from gateway.access.authorize import authorize
from gateway.catalog.endpoints import endpoints_of, unavailable
from gateway.catalog.model_list import ModelList, list_body
from gateway.catalog.query import read_query
from gateway.catalog.refresh import current_catalog, refresh_in_background
from gateway.catalog.task_models import shown_tasks
from gateway.faults.fault import Fault
from gateway.http.body import HttpResponse
from gateway.http.errors import GatewayError
from gateway.http.json_bytes import to_json_bytes
from gateway.http.message import HttpRequest
from gateway.http.responses import JSON_TYPE
from gateway.memory.catalog import Catalog
from gateway.pipeline.call import OPENROUTERS_PREFIX, Call
from gateway.settings.keys import may_use

# Source: OpenRouter "List available models": it may itself be cached for two minutes.
LIST_MAX_AGE_S = 60
ENDPOINTS_MAX_AGE_S = 10
# What goes upstream as a path: no part of it may begin with a dot.
_MODEL_PATH = re.compile(r"/v1/models?/(~?[\w-][\w.-]{0,127}/[\w-][\w.:-]{0,127}?)(/endpoints)?", re.ASCII)


async def show_models(call: Call) -> HttpResponse:
    """``GET /v1/models``: OpenAI's list form, filtered and sorted by the query."""
    caller = authorize(call.request, call.settings, now_s=call.ports.now_s())
    catalog = await _catalog(call)
    shelf, asked = _shelf(call, catalog), read_query(_query_of(call.request))
    if caller.models is not None:  # a key that is bound to models is shown those
        own = (lambda model: may_use(caller.models, str(model["id"])),)
        asked = replace(asked, tests=(*asked.tests, *own))
    etag = f'"{shelf.tag(f"{call.request.query} {caller.models}")}"'
    return _respond(call, catalog, etag, lambda: list_body(*shelf.select(asked)))


async def show_model(call: Call) -> HttpResponse:
    """``GET /v1/models/{author}/{slug}`` and ``…/endpoints``.

    Raises:
        GatewayError: there is no such model.
    """
    authorize(call.request, call.settings, now_s=call.ports.now_s())
    # OpenAI's clients encode the slash within a model's id.
    match = _MODEL_PATH.fullmatch(unquote(call.request.path.removeprefix("/api")))
    if match is None:
        raise GatewayError("not_found", "There is nothing at this path.")
    model_id, wants_endpoints = match.groups()
    if wants_endpoints:
        return await _endpoints(call, model_id)
    catalog = await _catalog(call)
    model = _shelf(call, catalog).find(model_id)
    if model is None:
        raise GatewayError("not_found", "OpenRouter lists no such model.")
    is_openrouters = match.string.startswith(OPENROUTERS_PREFIX)
    body = to_json_bytes({"data": model} if is_openrouters else model)
    return _respond(call, catalog, f'"{crc32(body):08x}"', lambda: body)


def _query_of(request: HttpRequest) -> dict[str, str]:
    pairs = parse_qsl(request.query, keep_blank_values=True)
    query = dict(pairs)
    if len(query) < len(pairs):
        raise GatewayError("invalid_field", "A filter may be given once.", param="query")
    return query


def _shelf(call: Call, catalog: Catalog) -> ModelList:
    return ModelList(catalog, shown_tasks(call.settings.task_routes.values()))


async def _catalog(call: Call) -> Catalog:
    catalog = await current_catalog(
        call.settings.upstream, call.ports, call.memory.catalog, ttl_s=call.settings.catalog_ttl_s
    )
    if catalog is None:
        raise unavailable(Fault(code="openrouter_error", status=503))
    return catalog


def _respond(call: Call, catalog: Catalog, etag: str, make_body: Callable[[], bytes]) -> HttpResponse:
    """Return the body, or a 304 where the client has it; a stale catalogue is fetched anew beside it."""
    settings, ports = call.settings, call.ports
    age_s = catalog.age_s(ports.now_s())
    headers = (
        ("etag", etag),
        ("cache-control", f"private, max-age={int(age_s) + LIST_MAX_AGE_S}"),
        ("age", str(int(age_s))),
        *call.frame.headers,
    )
    refresh_in_background(
        catalog, settings.upstream, ports, call.memory.catalog, ttl_s=settings.catalog_ttl_s
    )
    if _has(call.request.header("if-none-match"), etag):
        return HttpResponse(status=304, headers=headers, body=b"")
    return HttpResponse(status=200, headers=(JSON_TYPE, *headers), body=make_body())


def _has(if_none_match: str | None, etag: str) -> bool:
    """Return whether the client has it. A proxy that compresses makes an ETag weak: RFC 9110, 13.1.2."""
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return etag in tags or "*" in tags


async def _endpoints(call: Call, model_id: str) -> HttpResponse:
    """Return a model's endpoints as they are now: of use for seconds only."""
    upstream, ports = call.settings.upstream, call.ports
    endpoints = await endpoints_of(
        model_id, upstream, ports, call.memory.endpoints, max_age_s=ENDPOINTS_MAX_AGE_S
    )
    headers = (
        JSON_TYPE,
        ("cache-control", f"private, max-age={ENDPOINTS_MAX_AGE_S}"),
        ("age", str(int(max(0.0, ports.now_s() - endpoints.fetched_at_s)))),
        *call.frame.headers,
    )
    return HttpResponse(status=200, headers=headers, body=endpoints.body)
