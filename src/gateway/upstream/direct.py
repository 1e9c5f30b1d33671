"""Adapts requests and faults to direct upstreams, which the gateway calls without OpenRouter."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from gateway.dialects.chat.fields import OPENROUTERS_OWN
from gateway.dialects.chat.request import ChatRequest
from gateway.faults.fault import Fault
from gateway.http.json_members import Buffer, member
from gateway.http.json_values import object_or_empty

# Fault codes that name OpenRouter, its account or this gateway's key -> the codes at a direct upstream.
AT_DIRECT: Mapping[str, str] = MappingProxyType(
    {
        "upstream_key_rejected": "direct_key_rejected",
        "insufficient_credits": "direct_quota_spent",
        "max_tokens_unaffordable": "direct_quota_spent",
        "in_flight_budget": "direct_quota_spent",
        "key_limit_reached": "direct_quota_spent",
        "budget_reached": "direct_quota_spent",
        "blocked_by_guardrail": "direct_refused",
        "access_denied": "direct_refused",
        "forbidden": "direct_refused",
        "unknown_model": "direct_model_unknown",
        "unavailable": "direct_model_unknown",
        "no_endpoints": "direct_model_unknown",
        "unavailable_for_now": "overloaded",
        "request_rejected": "rejected_by_provider",
        "request_too_large": "rejected_by_provider",
        "rejected_by_openrouter": "rejected_by_provider",
        "free_limit_daily": "rate_limited",
        "free_limit_minute": "rate_limited",
        "openrouter_error": "provider_error",
        "connection_failed": "direct_connection_failed",
        "connection_lost": "direct_connection_lost",
        "redirected": "direct_redirected",
        "provider_key_rejected": "direct_key_rejected",
    }
)


def fault_at_direct(fault: Fault) -> Fault:
    """Return a fault as it applies to a direct upstream.

    ``cost_usd`` is dropped: only the costs that OpenRouter reports are known to be in USD. ``details`` are
    dropped: they are OpenRouter's metadata, and another upstream may repeat its key in fields of these names.
    What the upstream reported stays.
    """
    return replace(fault, code=AT_DIRECT.get(fault.code, fault.code), cost_usd=None, details={})


def direct_members(chat: ChatRequest) -> dict[str, Buffer]:
    """Return the body's members for an upstream that is not OpenRouter, by their names.

    Fields that only OpenRouter understands are left out. Its ``reasoning.effort`` becomes OpenAI's
    ``reasoning_effort``. A stream is asked for its usage, which OpenRouter always sends.
    Source: OpenAI API reference, "Create chat completion": unknown fields are refused.
    """
    members = chat.fields.views()
    effort = object_or_empty(chat.fields.value("reasoning")).get("effort")
    if effort is not None and "reasoning_effort" not in members:
        members["reasoning_effort"] = member("reasoning_effort", effort)
    if chat.stream:
        options = object_or_empty(chat.fields.value("stream_options"))
        members["stream_options"] = member("stream_options", {**options, "include_usage": True})
    return {name: each for name, each in members.items() if name not in OPENROUTERS_OWN}
