"""Adapts requests and faults to direct upstreams, which the gateway calls without OpenRouter."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from gateway.faults.fault import Fault

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
