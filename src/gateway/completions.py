"""``POST /v1/chat/completions``: the only place where the stages meet."""

import asyncio

from gateway.attempt_once import Ask, ServedStream
from gateway.attempts import Receipt
from gateway.authorize import authorize
from gateway.body import HttpResponse
from gateway.call import Call
from gateway.catalog import Catalog
from gateway.chat import ChatRequest
from gateway.errors import GatewayError
from gateway.execute import execute
from gateway.normalize import normalize
from gateway.openrouter import request_for
from gateway.parse import parse
from gateway.plan import plan
from gateway.refresh import current
from gateway.respond import respond_answer, respond_error, respond_stream
from gateway.streaming import Streaming
from gateway.wire import BodyTooLargeError, ClientGoneError, HttpRequest

BODY_TIMEOUT_S = 30.0
PRICES_TIMEOUT_S = 3.0


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
