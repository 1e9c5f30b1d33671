"""The application: the routes, and ``handle``, the only place where the stages meet."""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

from gateway.attempt_once import Ask, ServedStream
from gateway.attempts import Receipt
from gateway.authorize import authorize
from gateway.body import HttpResponse
from gateway.call import Call
from gateway.catalog import Catalog
from gateway.chat import ChatRequest
from gateway.config import Settings
from gateway.cors import allowed_origin, answer_preflight
from gateway.errors import GatewayError
from gateway.execute import execute
from gateway.normalize import normalize
from gateway.openrouter import request_for
from gateway.parse import parse
from gateway.plan import plan
from gateway.ports import Ports
from gateway.refresh import current, refresh
from gateway.respond import Frame, respond_answer, respond_error, respond_json, respond_stream
from gateway.show_models import OPENROUTERS_PREFIX, show_model, show_models
from gateway.streaming import Streaming
from gateway.wire import BodyTooLargeError, ClientGoneError, HttpRequest, JsonObject

VERSION = "0.1.0"
BODY_TIMEOUT_S = 30.0
PRICES_TIMEOUT_S = 3.0
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
        frame = replace(frame, allowed_origin=allowed_origin(request, settings))
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


async def chat_completions(call: Call) -> HttpResponse:
    """``POST /v1/chat/completions``: authorize, parse, plan, execute, normalize, respond."""
    settings, ports = call.settings, call.ports
    started_at_s = ports.now_s()
    caller = authorize(call.request, settings)
    settings.require_upstream_key()
    chat = parse(await _read_body(call.request, settings.max_body_bytes))
    planned = plan(chat, settings, await _prices_for(chat, call))
    receipt = Receipt(
        request_id=call.frame.request_id,
        requested=tuple(candidate.model for candidate in planned.chain),
        started_at_s=started_at_s,
    )

    def done(outcome: str) -> None:
        fields = receipt.to_json()
        ports.log("request_done", caller=caller.name, outcome=outcome, stream=chat.stream, **fields)

    ask = Ask(
        request_for=lambda model, prefill: request_for(model, prefill, chat, settings),
        stream=chat.stream,
        test=planned.answer_test,
    )
    streaming = Streaming(planned=planned, ask=ask, receipt=receipt, frame=call.frame, ports=ports, done=done)
    try:
        if chat.stream and planned.limits.keepalive_s:
            return respond_stream(await streaming.patiently(), receipt, call.frame)
        served = await execute(planned, ask, receipt, ports)
    except GatewayError as error:
        done(error.code)
        return respond_error(error, call.frame, receipt)
    if isinstance(served, ServedStream):
        return respond_stream(streaming.relay(served), receipt, call.frame)
    answer = normalize(served, receipt, now_s=ports.now_s())
    done("answered")
    return respond_answer(answer, receipt, call.frame)


async def _prices_for(chat: ChatRequest, call: Call) -> Catalog | None:
    """Return the catalogue for a request that has a ceiling; it is waited for a little, and never needed."""
    if chat.options.max_cost_usd is None:
        return None
    try:
        async with asyncio.timeout(PRICES_TIMEOUT_S):
            return await current(call.settings.upstream, call.ports, ttl_s=call.settings.catalog_ttl_s)
    except TimeoutError:
        return None


async def _read_body(request: HttpRequest, limit_bytes: int) -> bytes:
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await request.read_body(limit_bytes)
    except ClientGoneError:
        raise GatewayError("invalid_body", "The body broke off.", param="body") from None
    except BodyTooLargeError:
        raise GatewayError(
            "body_too_large", f"The body is larger than {limit_bytes} bytes (MAX_BODY_BYTES).", param="body"
        ) from None
    except TimeoutError:
        raise GatewayError("body_timeout", "The body did not arrive in time.", param="body") from None


async def health(call: Call) -> HttpResponse:
    """``GET /health``: whether this Worker is set up, without a secret and without a call upstream."""
    settings = call.settings
    ready = bool(settings.upstream.api_key) and (bool(settings.gateway_keys) or settings.open_on_loopback)
    payload: JsonObject = {
        "status": "ok" if ready else "incomplete",
        "version": VERSION,
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "set": {
            "OPENROUTER_API_KEY": bool(settings.upstream.api_key),
            "GATEWAY_KEYS": bool(settings.gateway_keys),
        },
    }
    return respond_json(200, payload, call.frame, (("cache-control", "no-store"),))


async def openapi_document(call: Call) -> HttpResponse:
    """``GET /openapi.json``: the contract, in OpenAPI 3.1."""
    from gateway.openapi import openapi  # noqa: PLC0415  # a page of tables that no other request needs

    return respond_json(200, openapi(VERSION), call.frame, (("cache-control", "public, max-age=300"),))


async def refresh_catalog(settings: Settings, ports: Ports) -> None:
    """Fetch the catalogue, so that no request has to wait for it: what the cron trigger does."""
    await refresh(settings.upstream, ports)


ROUTES: Mapping[str, Mapping[str, Handler]] = MappingProxyType(
    {
        "/v1/chat/completions": {"POST": chat_completions},
        "/v1/models": {"GET": show_models, "HEAD": show_models},
        "/health": {"GET": health, "HEAD": health},
        "/openapi.json": {"GET": openapi_document, "HEAD": openapi_document},
    }
)
MODEL_PREFIXES = ("/v1/models/", OPENROUTERS_PREFIX)
MODEL_ROUTE: Mapping[str, Handler] = MappingProxyType({"GET": show_model, "HEAD": show_model})
