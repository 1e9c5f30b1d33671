"""Fetches a model's endpoints from OpenRouter (which providers serve it, and how well), with a cache."""

from dataclasses import replace

from gateway.faults.classify import classify
from gateway.faults.fault import Fault, error_of, fault_of_own_key
from gateway.http.errors import GatewayError
from gateway.http.json_bytes import parse_json, to_json_bytes
from gateway.http.json_values import object_or_empty
from gateway.http.message import Reply, ReplyTooLargeError, TransportError, Upstream
from gateway.memory.endpoints import Endpoints, EndpointsMemory
from gateway.memory.get import get
from gateway.memory.ports import Ports

TIMEOUT_S = 10.0
MAX_REPLY_BYTES = 2 * 1024 * 1024


async def endpoints_of(
    model_id: str, upstream: Upstream, ports: Ports, memory: EndpointsMemory, *, max_age_s: float
) -> Endpoints:
    """Return a model's endpoints: this isolate's copy if it is at most ``max_age_s`` old, else a new one.

    ``model_id`` becomes a part of the upstream's path, so it must be a model's id and nothing else.

    Raises:
        GatewayError: there is no such model, or OpenRouter did not return its endpoints.
    """
    stored = memory.get(model_id)
    if stored and 0.0 <= ports.now_s() - stored.fetched_at_s <= max_age_s:
        return stored
    try:
        async with ports.within(TIMEOUT_S):
            path = f"/models/{model_id}/endpoints"
            reply, raw = await get(upstream, path, ports, limit_bytes=MAX_REPLY_BYTES)
    except TimeoutError:
        raise error_of(Fault(code="openrouter_error", status=504)) from None
    except ReplyTooLargeError:
        raise error_of(Fault(code="openrouter_error")) from None
    except TransportError:
        raise error_of(Fault(code="connection_failed")) from None
    if reply.status == 404:
        raise GatewayError("not_found", "OpenRouter lists no such model.")
    endpoints = _read(reply, raw, upstream, ports)
    memory.put(model_id, endpoints)
    return endpoints


def _read(reply: Reply, raw: bytes, upstream: Upstream, ports: Ports) -> Endpoints:
    """Return the endpoints in OpenRouter's reply. Raises ``GatewayError`` if the reply holds none."""
    try:
        answer = object_or_empty(parse_json(raw))
        body = to_json_bytes({"data": answer.get("data")})
    except ValueError:
        answer, body = {}, b""
    data = answer.get("data")
    if reply.status == 200 and isinstance(data, dict):
        return Endpoints(ports.now_s(), {"data": data}, body)
    fault = classify(answer.get("error"), status=reply.status, header=reply.header, now_s=ports.now_s())
    fault = fault_of_own_key(fault) if upstream.is_callers else fault
    is_providers = fault.rule.source == "provider"  # this call reaches no provider: the fault is OpenRouter's
    raise error_of(replace(fault, code="openrouter_error") if is_providers else fault)
