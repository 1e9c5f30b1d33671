"""How a model is asked: the caller's body behind the model's name.

The links share its bytes, but where a direct upstream, a route's ceiling or a begun answer wants others.
"""

from dataclasses import replace

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
    """Return the call that asks one link of the chain.

    ``prefill`` is the beginning of an answer that the model shall go on from.
    """
    is_openrouter = candidate.upstream == OPENROUTER
    headers: HeaderPairs = (
        ("content-type", "application/json"),
        ("accept", "text/event-stream" if chat.stream else "application/json"),
        *(_attribution(settings) if is_openrouter else ()),
    )
    fields = chat.fields if is_openrouter else direct_fields(chat)
    if prefill:
        fields = _prefilled(fields, prefill)
    if is_openrouter and candidate.max_price:
        fields = _priced(fields, candidate.max_price)
    return UpstreamRequest(
        upstream=_upstream(candidate, caller, settings),
        method="POST",
        path="/chat/completions",
        headers=headers,
        body=b'{"model":' + to_json_bytes(candidate.asked) + b"," + fields,
    )


def _upstream(candidate: Candidate, caller: Caller, settings: Settings) -> Upstream:
    """Return who is asked, with the key that pays: the caller's own, where it brings one."""
    if candidate.upstream != OPENROUTER:
        return settings.direct[candidate.upstream].upstream
    return settings.upstream if caller.own_key is None else replace(settings.upstream, api_key=caller.own_key)


def _attribution(settings: Settings) -> HeaderPairs:
    """Return who this app is. Source: OpenRouter "App Attribution": ``X-Title`` is the older name."""
    pairs = (
        ("http-referer", settings.site_url),
        ("x-openrouter-title", settings.app_title),
        ("x-title", settings.app_title),
    )
    return tuple(pair for pair in pairs if pair[1])


def _prefilled(raw: bytes, prefill: str) -> bytes:
    fields = object_or_empty(parse_json(b"{" + raw))
    beginning: JsonObject = {"role": "assistant", "content": prefill}
    fields["messages"] = [*list_or_empty(fields.get("messages")), beginning]
    return to_json_bytes(fields)[1:]


def _priced(raw: bytes, ceiling: Price) -> bytes:
    """Return the fields with a route's ceiling, which keeps OpenRouter from dearer providers of the model.

    A ceiling of the caller's own counts where it is lower. Source: OpenRouter `provider.max_price`.
    """
    limits: JsonObject = {name: usd for name, usd in ceiling.to_json().items() if usd is not None}
    if b'"provider"' not in raw:
        return b'"provider":' + to_json_bytes({"max_price": limits}) + b"," + raw
    fields = object_or_empty(parse_json(b"{" + raw))
    provider = object_or_empty(fields.get("provider"))
    asked = object_or_empty(provider.get("max_price"))
    lower = {name: _lower(asked.get(name), usd) for name, usd in limits.items()}
    fields["provider"] = {**provider, "max_price": {**asked, **lower}}
    return to_json_bytes(fields)[1:]


def _lower(asked: Json, limit_usd: Json) -> Json:
    """Return the caller's own limit where it is one, and lower."""
    usd, limit = usd_or_none(asked), usd_or_none(limit_usd)
    return asked if usd is not None and limit is not None and 0 <= usd < limit else limit_usd
