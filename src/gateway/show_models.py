"""The routes that show the catalogue: the list, one model of it, and a model's endpoints as they are now."""

import asyncio
import re
from dataclasses import replace
from hashlib import sha256
from urllib.parse import parse_qsl, unquote

from gateway.answers import parse_json
from gateway.authorize import authorize
from gateway.body import HttpResponse
from gateway.call import Call
from gateway.catalog import Catalog
from gateway.classify import classify
from gateway.errors import GatewayError
from gateway.json_bytes import to_json_bytes
from gateway.listing import page, select, shown
from gateway.policy import Fault
from gateway.ports import TransportError
from gateway.refresh import current, get, is_due, refresh
from gateway.respond import JSON_TYPE
from gateway.wire import HttpRequest, JsonObject, object_or_empty

# Source: OpenRouter "List available models": it may itself be cached for two minutes.
LIST_MAX_AGE_S = 60
ENDPOINTS_MAX_AGE_S = 10
ENDPOINTS_TIMEOUT_S = 10.0
OPENROUTERS_PREFIX = "/v1/model/"  # where OpenRouter's SDKs get one model, and find it under `data`
# What goes upstream as a path: no part of it may begin with a dot.
_MODEL_PATH = re.compile(r"/v1/models?/(~?[\w-][\w.-]{0,127}/[\w-][\w.:-]{0,127}?)(/endpoints)?", re.ASCII)


async def show_models(call: Call) -> HttpResponse:
    """``GET /v1/models``: OpenAI's list form, filtered and sorted by the query."""
    authorize(call.request, call.settings)
    catalog = await _catalog(call)
    query = _query_of(call.request)
    chosen = select(catalog.models, query)
    payload: JsonObject = {
        "object": "list",
        "data": [shown(model) for model in page(chosen, query)],
        "links": {"next": None},
        "total_count": len(chosen),
    }
    return _respond(call, catalog, payload)


async def show_model(call: Call) -> HttpResponse:
    """``GET /v1/models/{author}/{slug}`` and ``…/endpoints``.

    Raises:
        GatewayError: there is no such model.
    """
    authorize(call.request, call.settings)
    # OpenAI's clients encode the slash within a model's id.
    match = _MODEL_PATH.fullmatch(unquote(call.request.path.removeprefix("/api")))
    if match is None:
        raise GatewayError("not_found", "There is nothing at this path.")
    model_id, wants_endpoints = match.groups()
    if wants_endpoints:
        return await _endpoints(call, model_id)
    catalog = await _catalog(call)
    model = catalog.find(model_id)
    if model is None:
        raise GatewayError("not_found", "OpenRouter lists no such model.")
    is_openrouters = match.string.startswith(OPENROUTERS_PREFIX)
    return _respond(call, catalog, {"data": shown(model)} if is_openrouters else shown(model))


def _query_of(request: HttpRequest) -> dict[str, str]:
    pairs = parse_qsl(request.query, keep_blank_values=True)
    query = dict(pairs)
    if len(query) < len(pairs):
        raise GatewayError("invalid_field", "A filter may be given once.", param="query")
    return query


async def _catalog(call: Call) -> Catalog:
    catalog = await current(call.settings.upstream, call.ports, ttl_s=call.settings.catalog_ttl_s)
    if catalog is None:
        raise _unavailable(Fault(code="openrouter_error", status=503))
    return catalog


def _respond(call: Call, catalog: Catalog, payload: JsonObject) -> HttpResponse:
    """Return the payload, or a 304 where the client has it; a stale catalogue is fetched anew beside it."""
    settings, ports = call.settings, call.ports
    body = to_json_bytes(payload)
    etag = f'"{sha256(body).hexdigest()[:32]}"'
    age_s = catalog.age_s(ports.now_s())
    headers = (
        ("etag", etag),
        ("cache-control", f"private, max-age={int(age_s) + LIST_MAX_AGE_S}"),
        ("age", str(int(age_s))),
        *call.frame.headers,
    )
    due = is_due(catalog, ports, ttl_s=settings.catalog_ttl_s)
    background = (lambda: refresh(settings.upstream, ports)) if due else None
    if _has(call.request.header("if-none-match"), etag):
        return HttpResponse(status=304, headers=headers, body=b"", background=background)
    return HttpResponse(status=200, headers=(JSON_TYPE, *headers), body=body, background=background)


def _has(if_none_match: str | None, etag: str) -> bool:
    """Return whether the client has it. A proxy that compresses makes an ETag weak: RFC 9110, 13.1.2."""
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return etag in tags or "*" in tags


async def _endpoints(call: Call, model_id: str) -> HttpResponse:
    """Return a model's endpoints, asked of OpenRouter each time: they are of use for seconds only."""
    ports = call.ports
    try:
        async with asyncio.timeout(ENDPOINTS_TIMEOUT_S):
            reply, raw = await get(call.settings.upstream, f"/models/{model_id}/endpoints", ports)
    except TimeoutError:
        raise _unavailable(Fault(code="openrouter_error", status=504)) from None
    except TransportError:
        raise _unavailable(Fault(code="connection_failed")) from None
    if reply.status == 404:
        raise GatewayError("not_found", "OpenRouter lists no such model.")
    try:
        payload = object_or_empty(parse_json(raw))
        body = to_json_bytes({"data": payload.get("data")})
    except ValueError:
        payload, body = {}, b""
    if reply.status != 200 or not isinstance(payload.get("data"), dict):
        fault = classify(payload.get("error"), status=reply.status, header=reply.header, now_s=ports.now_s())
        of_provider = fault.rule.source == "provider"  # of which none was asked
        raise _unavailable(replace(fault, code="openrouter_error") if of_provider else fault)
    headers = (JSON_TYPE, ("cache-control", f"private, max-age={ENDPOINTS_MAX_AGE_S}"), *call.frame.headers)
    return HttpResponse(status=200, headers=headers, body=body)


def _unavailable(fault: Fault) -> GatewayError:
    return GatewayError(
        fault.code,
        fault.rule.message,
        kind=fault.kind,
        retry_after_s=fault.retry_after_s,
        retryable=fault.may_pass,
    )
