"""Builds the request that goes to an upstream: the model's name, followed by the caller's body.

All candidates of a chain share the bytes of the body. They are changed only for a direct upstream, for a
route's price ceiling, or to continue an answer that has begun.
"""

from gateway.dialects.chat.request import ChatRequest
from gateway.http.json_bytes import parse_json, to_json_bytes
from gateway.http.json_values import Json, JsonObject, list_or_empty, object_or_empty
from gateway.http.message import OPENROUTER, HeaderPairs, Upstream, UpstreamRequest
from gateway.routing.chain import Candidate
from gateway.settings.caller import Caller
from gateway.settings.price import Price, usd_or_none
from gateway.settings.settings import Settings
from gateway.upstream.direct import direct_fields


def request_for(
    candidate: Candidate,
    prefill: str | None,
    *,
    chat: ChatRequest,
    caller: Caller,
    settings: Settings,
) -> UpstreamRequest:
    """Return the request that calls one candidate of the chain.

    ``prefill`` is the beginning of an answer that the model continues; None or empty if there is none.
    """
    is_openrouter = candidate.upstream == OPENROUTER
    headers: HeaderPairs = (
        ("content-type", "application/json"),
        ("accept", "text/event-stream" if chat.stream else "application/json"),
        *(_attribution(settings) if is_openrouter else ()),
    )
    fields = chat.fields if is_openrouter else direct_fields(chat)
    if prefill:
        fields = _with_prefill(fields, prefill)
    if is_openrouter and candidate.max_price:
        fields = _with_max_price(fields, candidate.max_price)
    return UpstreamRequest(
        upstream=_upstream(candidate, caller, settings),
        method="POST",
        path="/chat/completions",
        headers=headers,
        body=b'{"model":' + to_json_bytes(candidate.asked) + b"," + fields,
    )


def _upstream(candidate: Candidate, caller: Caller, settings: Settings) -> Upstream:
    """Return the upstream to call. For OpenRouter, the caller's own key replaces the gateway's key."""
    if candidate.upstream != OPENROUTER:
        return settings.direct[candidate.upstream].upstream
    return settings.upstream_for(caller)


def _attribution(settings: Settings) -> HeaderPairs:
    """Return the headers that name this app. Source: OpenRouter "App Attribution"; ``X-Title`` is older."""
    pairs = (
        ("http-referer", settings.site_url),
        ("x-openrouter-title", settings.app_title),
        ("x-title", settings.app_title),
    )
    return tuple(pair for pair in pairs if pair[1])


def _with_prefill(raw: bytes, prefill: str) -> bytes:
    fields = object_or_empty(parse_json(b"{" + raw))
    beginning: JsonObject = {"role": "assistant", "content": prefill}
    fields["messages"] = [*list_or_empty(fields.get("messages")), beginning]
    return to_json_bytes(fields)[1:]


def _with_max_price(raw: bytes, ceiling: Price) -> bytes:
    """Return the fields with a route's price ceiling, which excludes more expensive providers of the model.

    The caller's own ceiling wins if it is lower. Source: OpenRouter `provider.max_price`.
    """
    limits: JsonObject = {name: usd for name, usd in ceiling.to_json().items() if usd is not None}
    if b'"provider"' not in raw:
        return b'"provider":' + to_json_bytes({"max_price": limits}) + b"," + raw
    fields = object_or_empty(parse_json(b"{" + raw))
    provider = object_or_empty(fields.get("provider"))
    requested = object_or_empty(provider.get("max_price"))
    lower = {name: _lower(requested.get(name), usd) for name, usd in limits.items()}
    fields["provider"] = {**provider, "max_price": {**requested, **lower}}
    return to_json_bytes(fields)[1:]


def _lower(requested: Json, limit_usd: Json) -> Json:
    """Return the caller's own limit if it is a valid amount and lower than the route's; else the route's."""
    usd, limit = usd_or_none(requested), usd_or_none(limit_usd)
    return requested if usd is not None and limit is not None and 0 <= usd < limit else limit_usd
