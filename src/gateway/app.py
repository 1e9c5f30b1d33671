"""Routes each request to its endpoint, turns errors into responses, and does the cron trigger's work."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from enum import Enum
from importlib import import_module
from types import MappingProxyType
from typing import TypeAlias

from gateway.catalog.refresh import refresh
from gateway.http.body import HttpResponse
from gateway.http.cors import allowed_origin, answer_preflight
from gateway.http.errors import GatewayError, internal_error
from gateway.http.frozen import dataclass
from gateway.http.message import HttpRequest
from gateway.http.responses import (
    OPENAI_ERRORS,
    OPENROUTER_ERRORS,
    ErrorForm,
    Frame,
    respond_error,
)
from gateway.memory.isolate import Memory
from gateway.memory.ports import Ports
from gateway.pipeline.call import OPENROUTERS_PREFIX, Call, admitted
from gateway.routes.chat_completions import chat_completions
from gateway.settings.settings import Settings

# A share of CATALOG_TTL_S. The cron trigger does not refetch a model list that is younger than this share of
# its lifetime: a request has just fetched it.
CRON_MAX_AGE = 0.25
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Claude Code asks here, without a key, whether there is a server. Source: Claude Code 2.1, as observed.
PROBES = ("/", "/api/hello")
Handler: TypeAlias = Callable[[Call], Awaitable[HttpResponse]]


class Access(Enum):
    """Who may call a route."""

    ANYBODY = "anybody"
    GATEWAY_KEYS = "gateway keys"  # callers with a key of the gateway's
    ALL_KEYS = "all keys"  # and callers with an OpenRouter key of their own


@dataclass(frozen=True, slots=True)
class Route:
    """What is at a path.

    Attributes:
        access: who may call it.
        methods: the handler of each method.
        counted_apart: whether its requests count toward a second limit of the same size, and not toward the
            key's own.
    """

    access: Access
    methods: Mapping[str, Handler]
    counted_apart: bool = False


async def handle(
    request: HttpRequest, read_settings: Callable[[], Settings], ports: Ports, memory: Memory
) -> HttpResponse:
    """Return the response to a request. Every error becomes a response in the common error format."""
    sent_id = request.header("x-request-id") or ""
    frame = Frame(
        request_id=sent_id if _REQUEST_ID.fullmatch(sent_id) else f"req-{ports.new_id()}",
        errors=_errors_for(request),
    )
    if request.method == "HEAD" and request.path in PROBES:
        return HttpResponse(status=204, headers=frame.headers, body=b"")
    try:
        settings = read_settings()
        if (origin := allowed_origin(request, settings.all_origins)) is not None:
            frame = replace(frame, allowed_origin=origin)
        call = Call(request=request, settings=settings, ports=ports, memory=memory, frame=frame)
        route = _route_of(request)
        if request.method == "OPTIONS":
            frame = await _for_preflight(call)
            return answer_preflight(request, frame, _allowed(route))
        handler = _handler_in(route, request)
        if route.access is not Access.ANYBODY:
            own = route.access is Access.ALL_KEYS
            call = await admitted(call, for_own_keys=own, counted_apart=route.counted_apart)
            frame = call.frame
        return await handler(call)
    except GatewayError as error:
        return respond_error(error, frame)
    except Exception as error:  # noqa: BLE001  # a bug is answered like every other error
        ports.log_bug(error, request_id=frame.request_id)
        return respond_error(internal_error(), frame)


def _errors_for(request: HttpRequest) -> ErrorForm:
    """Return the form of errors that the client of a request expects."""
    path = request.path
    if "/messages" in path:  # also at a wrong path: a client of Messages asked for it
        from gateway.dialects.messages.errors import MESSAGES_ERRORS  # noqa: PLC0415  # no chat needs it

        return MESSAGES_ERRORS
    if "/responses" in path:
        from gateway.dialects.responses.errors import errors_for  # noqa: PLC0415  # no chat needs it

        return errors_for(request)
    return OPENROUTER_ERRORS if path.startswith("/api/") else OPENAI_ERRORS


async def _for_preflight(call: Call) -> Frame:
    """Return the frame of the answer to a preflight: a key of the database may allow the origin."""
    origin = call.request.header("origin")
    if origin and call.frame.allowed_origin is None and call.ports.database.bound:
        from gateway.access.stored_key import is_stored_origin  # noqa: PLC0415  # few gateways have such pages

        if await is_stored_origin(origin, call.settings, call.ports, call.memory.stored_keys):
            return replace(call.frame, allowed_origin=origin)
    return call.frame


def _route_of(request: HttpRequest) -> Route:
    """Return the route at the request's path. OpenRouter's SDKs put ``/api`` before ``/v1``."""
    path = request.path.removeprefix("/api") if request.path.startswith("/api/v1/") else request.path
    route = ROUTES.get(path) or _route_below(path)
    if route is None:
        from gateway.routes.unknown_path import unknown_path  # noqa: PLC0415  # few requests have a wrong path

        raise unknown_path(request.path, {each: found.methods for each, found in ROUTES.items()})
    return route


def _route_below(path: str) -> Route | None:
    """Return the route of a path whose end is a name."""
    if path.startswith(MODEL_PREFIXES):
        return MODEL_ROUTE
    if path.startswith(f"{KEYS}/"):
        is_of_name = path.endswith("/rotate") and path != f"{KEYS}/rotate"
        return ROTATE_ROUTE if is_of_name else KEY_ROUTE
    return None


def _handler_in(route: Route, request: HttpRequest) -> Handler:
    handler = route.methods.get(request.method)
    if handler is None:
        allowed = _allowed(route)
        raise GatewayError(
            "method_not_allowed",
            f"Use {' or '.join(route.methods)}. This path accepts {allowed}.",
            headers=(("allow", allowed),),
        )
    return handler


def _allowed(route: Route) -> str:
    return ", ".join([*route.methods, "OPTIONS"])


def _lazy_handler(module: str, name: str) -> Handler:
    """Return a handler that imports its module at the first request. No chat request needs these modules."""

    async def handler(call: Call) -> HttpResponse:
        handle_it: Handler = getattr(import_module(f"gateway.{module}"), name)
        return await handle_it(call)

    return handler


async def run_cron(settings: Settings, ports: Ports, memory: Memory) -> None:
    """Do the cron trigger's work, so that no request has to do it.

    It refreshes the model list, settles open costs in the ledger, closes reservations without a row, and
    deletes old rows.
    """
    from gateway.ledger.forget import forget_old_rows  # noqa: PLC0415  # no request needs these modules
    from gateway.ledger.reservations import close_reservations  # noqa: PLC0415
    from gateway.ledger.settle import settle_costs  # noqa: PLC0415

    await refresh(settings.upstream, ports, memory.catalog, max_age_s=settings.catalog_ttl_s * CRON_MAX_AGE)
    await settle_costs(settings.upstream, ports, per_run=settings.settle_per_run)
    await close_reservations(ports)
    await forget_old_rows(ports, days=settings.ledger_days, rows=settings.ledger_rows)


def _get_and_head(access: Access, module: str, name: str) -> Route:
    return Route(access, MappingProxyType(dict.fromkeys(("GET", "HEAD"), _lazy_handler(module, name))))


MESSAGES = "/v1/messages"
KEYS = "/v1/keys"
ROUTES: Mapping[str, Route] = MappingProxyType(
    {
        "/v1/chat/completions": Route(Access.ALL_KEYS, {"POST": chat_completions}),
        MESSAGES: Route(Access.ALL_KEYS, {"POST": _lazy_handler("routes.messages", "messages")}),
        f"{MESSAGES}/count_tokens": Route(
            Access.ALL_KEYS,
            {"POST": _lazy_handler("routes.count_tokens", "count_tokens")},
            counted_apart=True,  # clients that count before each request would use up the limit
        ),
        "/v1/completions": Route(
            Access.ALL_KEYS, {"POST": _lazy_handler("routes.completions", "completions")}
        ),
        "/v1/responses": Route(Access.ALL_KEYS, {"POST": _lazy_handler("routes.responses", "responses")}),
        "/v1/embeddings": Route(Access.ALL_KEYS, {"POST": _lazy_handler("routes.embeddings", "embeddings")}),
        "/v1/rerank": Route(Access.ALL_KEYS, {"POST": _lazy_handler("routes.rerank", "rerank")}),
        **dict.fromkeys(
            ("/v1/images", "/v1/images/generations"),
            Route(Access.ALL_KEYS, {"POST": _lazy_handler("routes.images", "images")}),
        ),
        "/v1/audio/transcriptions": Route(
            Access.ALL_KEYS, {"POST": _lazy_handler("routes.transcriptions", "transcriptions")}
        ),
        "/v1/audio/speech": Route(Access.ALL_KEYS, {"POST": _lazy_handler("routes.speech", "speech")}),
        "/v1/plan": Route(Access.ALL_KEYS, {"POST": _lazy_handler("routes.plan", "show_plan")}),
        "/v1/usage": _get_and_head(Access.GATEWAY_KEYS, "routes.usage", "show_usage"),
        "/v1/key": _get_and_head(Access.GATEWAY_KEYS, "routes.key", "show_key"),
        f"{KEYS}/lend": Route(Access.GATEWAY_KEYS, {"POST": _lazy_handler("routes.lend", "lend_key")}),
        KEYS: Route(
            Access.GATEWAY_KEYS,
            {
                "POST": _lazy_handler("routes.keys", "make_key"),
                **dict.fromkeys(("GET", "HEAD"), _lazy_handler("routes.keys", "list_keys")),
            },
        ),
        "/v1/models": _get_and_head(Access.ALL_KEYS, "routes.models", "show_models"),
        # `?deep=1` needs one of the gateway's keys: see routes.health.
        "/health": _get_and_head(Access.ANYBODY, "routes.health", "show_health"),
        "/openapi.json": _get_and_head(Access.ANYBODY, "routes.openapi", "show_openapi"),
    }
)
MODEL_PREFIXES = ("/v1/models/", OPENROUTERS_PREFIX)
MODEL_ROUTE = _get_and_head(Access.ALL_KEYS, "routes.models", "show_model")
KEY_ROUTE = Route(
    Access.GATEWAY_KEYS,
    {
        **dict.fromkeys(("GET", "HEAD"), _lazy_handler("routes.keys", "show_stored_key")),
        "PATCH": _lazy_handler("routes.keys", "change_key"),
        "DELETE": _lazy_handler("routes.keys", "revoke_key"),
    },
)
ROTATE_ROUTE = Route(Access.GATEWAY_KEYS, {"POST": _lazy_handler("routes.keys", "rotate_key")})
