"""endpoints: who serves a model, and how well, as OpenRouter says it now or said it a moment ago."""

from dataclasses import replace

from gateway.faults.classify import classify
from gateway.faults.fault import Fault
from gateway.http.errors import GatewayError
from gateway.http.json_bytes import parse_json, to_json_bytes
from gateway.http.json_values import object_or_empty
from gateway.http.message import Reply, TransportError, Upstream
from gateway.memory.endpoints import Endpoints, EndpointsMemory
from gateway.memory.get import get
from gateway.memory.ports import Ports

TIMEOUT_S = 10.0


async def endpoints_of(
    model_id: str, upstream: Upstream, ports: Ports, memory: EndpointsMemory, *, max_age_s: float
) -> Endpoints:
    """Return a model's endpoints, not older than ``max_age_s``: this isolate's own, else OpenRouter's.

    ``model_id`` becomes a part of the upstream's path: it must be a model's id and nothing else.

    Raises:
        GatewayError: there is no such model, or OpenRouter does not say.
    """
    known = memory.get(model_id)
    if known and 0.0 <= ports.now_s() - known.fetched_at_s <= max_age_s:
        return known
    try:
        async with ports.within(TIMEOUT_S):
            reply, raw = await get(upstream, f"/models/{model_id}/endpoints", ports)
    except TimeoutError:
        raise unavailable(Fault(code="openrouter_error", status=504)) from None
    except TransportError:
        raise unavailable(Fault(code="connection_failed")) from None
    if reply.status == 404:
        raise GatewayError("not_found", "OpenRouter lists no such model.")
    endpoints = _read(reply, raw, ports)
    memory.put(model_id, endpoints)
    return endpoints


def _read(reply: Reply, raw: bytes, ports: Ports) -> Endpoints:
    try:
        answer = object_or_empty(parse_json(raw))
        body = to_json_bytes({"data": answer.get("data")})
    except ValueError:
        answer, body = {}, b""
    data = answer.get("data")
    if reply.status == 200 and isinstance(data, dict):
        return Endpoints(ports.now_s(), {"data": data}, body)
    fault = classify(answer.get("error"), status=reply.status, header=reply.header, now_s=ports.now_s())
    of_provider = fault.rule.source == "provider"  # of which none was asked
    raise unavailable(replace(fault, code="openrouter_error") if of_provider else fault)


def unavailable(fault: Fault) -> GatewayError:
    """Return the error that says why OpenRouter could not be asked."""
    return GatewayError(
        fault.code,
        fault.rule.message,
        kind=fault.kind,
        retry_after_s=fault.retry_after_s,
        retryable=fault.may_pass,
    )
