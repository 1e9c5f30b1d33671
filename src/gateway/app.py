"""The application: ``handle``, the routes, and the small ones of them."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

from gateway.body import HttpResponse
from gateway.call import Call
from gateway.completions import chat_completions
from gateway.config import Settings
from gateway.cors import allowed_origin, answer_preflight
from gateway.errors import GatewayError
from gateway.forget_ledger import forget_ledger
from gateway.ports import Ports
from gateway.refresh import refresh
from gateway.respond import Frame, respond_error, respond_json
from gateway.settle_ledger import settle_ledger
from gateway.show_health import VERSION, show_health
from gateway.show_key import show_key
from gateway.show_models import OPENROUTERS_PREFIX, show_model, show_models
from gateway.show_plan import show_plan
from gateway.show_usage import show_usage
from gateway.wire import HttpRequest

YOUNG = 0.25  # of CATALOG_TTL_S: the cron trigger leaves a copy alone that a request has just fetched
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


Handler: TypeAlias = Callable[[Call], Awaitable[HttpResponse]]


async def handle(request: HttpRequest, read_settings: Callable[[], Settings], ports: Ports) -> HttpResponse:
    """Return the response to any request; every ``GatewayError`` becomes one in the one shape."""
    asked_id = request.header("x-request-id") or ""
    frame = Frame(
        request_id=asked_id if _REQUEST_ID.fullmatch(asked_id) else f"req-{ports.new_id()}",
        codes_are_numbers=request.path.startswith("/api/"),
    )
    try:
        settings = read_settings()
        if (origin := allowed_origin(request, settings)) is not None:
            frame = replace(frame, allowed_origin=origin)
        return await _route(Call(request=request, settings=settings, ports=ports, frame=frame))
    except GatewayError as error:
        return respond_error(error, frame)


async def _route(call: Call) -> HttpResponse:
    """Return what the path and the method lead to. OpenRouter's SDKs put ``/api`` before ``/v1``."""
    request = call.request
    path = request.path.removeprefix("/api") if request.path.startswith("/api/v1/") else request.path
    methods = MODEL_ROUTE if path.startswith(MODEL_PREFIXES) else ROUTES.get(path)
    if methods is None:
        raise GatewayError("not_found", "There is nothing at this path.")
    allowed = ", ".join([*methods, "OPTIONS"])
    if request.method == "OPTIONS":
        return answer_preflight(request, call.frame, allowed)
    handler = methods.get(request.method)
    if handler is None:
        raise GatewayError("method_not_allowed", f"This path takes {allowed}.", headers=(("allow", allowed),))
    return await handler(call)


async def openapi_document(call: Call) -> HttpResponse:
    """``GET /openapi.json``: the contract, in OpenAPI 3.1."""
    from gateway.openapi import openapi  # noqa: PLC0415  # a page of tables that no other request needs

    return respond_json(200, openapi(VERSION), call.frame, (("cache-control", "public, max-age=300"),))


async def run_cron(settings: Settings, ports: Ports) -> None:
    """Do the cron trigger's work, so that no request has to: the list of models, the ledger's open costs."""
    await refresh(settings.upstream, ports, max_age_s=settings.catalog_ttl_s * YOUNG)
    await settle_ledger(settings.upstream, ports)
    await forget_ledger(settings.ledger_days, ports)


ROUTES: Mapping[str, Mapping[str, Handler]] = MappingProxyType(
    {
        "/v1/chat/completions": {"POST": chat_completions},
        "/v1/plan": {"POST": show_plan},
        "/v1/usage": {"GET": show_usage, "HEAD": show_usage},
        "/v1/key": {"GET": show_key, "HEAD": show_key},
        "/v1/models": {"GET": show_models, "HEAD": show_models},
        "/health": {"GET": show_health, "HEAD": show_health},
        "/openapi.json": {"GET": openapi_document, "HEAD": openapi_document},
    }
)
MODEL_PREFIXES = ("/v1/models/", OPENROUTERS_PREFIX)
MODEL_ROUTE: Mapping[str, Handler] = MappingProxyType({"GET": show_model, "HEAD": show_model})
