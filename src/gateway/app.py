"""The application: ``handle``, the routes, and the cron trigger's work."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from importlib import import_module
from types import MappingProxyType
from typing import TypeAlias

from gateway.catalog.refresh import refresh
from gateway.http.body import HttpResponse
from gateway.http.cors import allowed_origin, answer_preflight
from gateway.http.errors import GatewayError, internal_error
from gateway.http.message import HttpRequest
from gateway.http.responses import Frame, respond_error
from gateway.memory.isolate import Memory
from gateway.memory.ports import Ports
from gateway.pipeline.call import OPENROUTERS_PREFIX, Call
from gateway.routes.chat_completions import chat_completions
from gateway.settings.settings import Settings

YOUNG = 0.25  # of CATALOG_TTL_S: the cron trigger leaves a copy alone that a request has just fetched
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


Handler: TypeAlias = Callable[[Call], Awaitable[HttpResponse]]


async def handle(
    request: HttpRequest, read_settings: Callable[[], Settings], ports: Ports, memory: Memory
) -> HttpResponse:
    """Return the response to any request; every error becomes one in the one shape."""
    asked_id = request.header("x-request-id") or ""
    frame = Frame(
        request_id=asked_id if _REQUEST_ID.fullmatch(asked_id) else f"req-{ports.new_id()}",
        codes_are_numbers=request.path.startswith("/api/"),
    )
    try:
        settings = read_settings()
        if (origin := allowed_origin(request, settings.all_origins)) is not None:
            frame = replace(frame, allowed_origin=origin)
        return await _route(Call(request=request, settings=settings, ports=ports, memory=memory, frame=frame))
    except GatewayError as error:
        return respond_error(error, frame)
    except Exception as error:  # noqa: BLE001  # our own bug is answered as every error is
        ports.log_bug(error, request_id=frame.request_id)
        return respond_error(internal_error(), frame)


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


def _when_asked(module: str, name: str) -> Handler:
    """Return a handler whose module is imported by the first request for it: a chat needs none of them."""

    async def handler(call: Call) -> HttpResponse:
        handle_it: Handler = getattr(import_module(f"gateway.{module}"), name)
        return await handle_it(call)

    return handler


async def run_cron(settings: Settings, ports: Ports, memory: Memory) -> None:
    """Do the cron trigger's work, so that no request has to: the list of models, the ledger's open costs."""
    from gateway.ledger.forget import forget_old_rows  # noqa: PLC0415  # a request needs neither of them
    from gateway.ledger.settle import settle_costs  # noqa: PLC0415

    await refresh(settings.upstream, ports, memory.catalog, max_age_s=settings.catalog_ttl_s * YOUNG)
    await settle_costs(settings.upstream, ports)
    await forget_old_rows(settings.ledger_days, ports)


def _read_by(module: str, name: str) -> Mapping[str, Handler]:
    return MappingProxyType(dict.fromkeys(("GET", "HEAD"), _when_asked(module, name)))


ROUTES: Mapping[str, Mapping[str, Handler]] = MappingProxyType(
    {
        "/v1/chat/completions": {"POST": chat_completions},
        "/v1/plan": {"POST": _when_asked("routes.plan", "show_plan")},
        "/v1/usage": _read_by("routes.usage", "show_usage"),
        "/v1/key": _read_by("routes.key", "show_key"),
        "/v1/models": _read_by("routes.models", "show_models"),
        "/health": _read_by("routes.health", "show_health"),
        "/openapi.json": _read_by("routes.openapi", "show_openapi"),
    }
)
MODEL_PREFIXES = ("/v1/models/", OPENROUTERS_PREFIX)
MODEL_ROUTE = _read_by("routes.models", "show_model")
