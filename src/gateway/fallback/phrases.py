"""Says in a few words why an attempt failed, by fault code, and why a model was skipped, by skip reason.

An error lists them behind the models' names: ``a/one: its providers are overloaded``. A phrase may have
values in braces. Of several phrases the first is used of which all values are known.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

Phrases: TypeAlias = tuple[str, ...]

# ``time_s`` is how long the attempt took, ``wait_s`` the pause that the upstream asked for.
FAILED: Mapping[str, Phrases] = MappingProxyType({
    # -- the account or its key
    "upstream_key_rejected": ("OpenRouter refused the gateway's key",),
    "own_key_rejected": ("OpenRouter refused the key that you sent",),
    "insufficient_credits": ("the OpenRouter account has too few credits",),
    "max_tokens_unaffordable": ("the OpenRouter account cannot afford this many tokens",),
    "in_flight_budget": ("the OpenRouter account's requests in flight use up its budget",),
    "key_limit_reached": ("the OpenRouter key has reached its spending limit",),
    "budget_reached": ("a budget of the OpenRouter workspace is spent",),
    "blocked_by_guardrail": ("a guardrail of the OpenRouter account blocked the request",),
    "access_denied": ("OpenRouter's edge refused the connection",),
    "request_rejected": ("OpenRouter found the request invalid",),
    "request_too_large": ("OpenRouter found the request too large",),
    # -- direct upstreams
    "direct_key_rejected": ("the direct upstream refused its key",),
    "direct_quota_spent": ("the account at the direct upstream has too little credit",),
    "direct_redirected": ("the direct upstream tried to redirect",),
    "direct_refused": ("the direct upstream refused the request",),
    "direct_model_unknown": ("the direct upstream does not know this model",),
    "direct_connection_failed": ("the connection to the direct upstream failed",),
    "direct_connection_lost": ("the connection to the direct upstream was lost after {time_s}", "the connection to the direct upstream was lost"),
    # -- limits
    "rate_limited": ("its providers are rate-limited, ready again in {wait_s}", "its providers are rate-limited"),
    "free_limit_daily": ("the OpenRouter account has used its free requests of the day",),
    "free_limit_minute": ("the OpenRouter account has used its free requests of the minute",),
    # -- the model
    "unknown_model": ("OpenRouter does not know this model",),
    "unavailable": ("it is not available",),
    "unavailable_for_now": ("it is not available at the moment",),
    "no_endpoints": ("none of its providers matches the request and the account's settings",),
    "provider_key_rejected": ("its provider refused the key that OpenRouter uses with it",),
    "context_too_long": ("the request is longer than its context",),
    "rejected_by_openrouter": ("OpenRouter rejected the request for it",),
    "rejected_by_provider": ("its provider rejected the request",),
    "foreign_signature": ("it refused signed reasoning that another model or account made",),
    "flagged_by_moderation": ("its provider flagged the input",),
    "forbidden": ("OpenRouter refused it for this request",),
    "upstream_timeout": ("its provider did not answer in time",),
    "overloaded": ("its providers are overloaded, ready again in {wait_s}", "its providers are overloaded"),
    "provider_error": ("its provider failed",),
    "openrouter_error": ("OpenRouter failed",),
    # -- the connection
    "connection_failed": ("the connection to OpenRouter failed",),
    "connection_lost": ("the connection to OpenRouter was lost after {time_s}", "the connection to OpenRouter was lost"),
    "redirected": ("the upstream tried to redirect",),
    # -- this gateway's own timers
    "attempt_timeout": ("no answer in {time_s}", "no answer in time"),
    "first_token_timeout": ("its stream showed no progress in {time_s}", "its stream showed no progress in time"),
    "deadline_exceeded": ("no answer before the deadline",),
    "idle_timeout": ("its stream stopped making progress",),
    # -- an HTTP 200 without a usable answer
    "empty_answer": ("it ended without an answer",),
    "reasoning_only": ("it returned reasoning but no answer",),
    "invalid_json_answer": ("its answer is not the JSON that was asked for",),
    "filtered_answer": ("a content filter withheld its answer",),
    "no_choices": ("its answer had no choices",),
    "answer_too_large": ("its answer was larger than the gateway reads",),
    "not_json": ("its answer was not JSON",),
    "wrong_content_type": ("its answer had the wrong content type",),
    "malformed_answer": ("its answer lacked a part, or a part of it was wrong",),
    "wrong_embedding_space": ("its vectors were in another embedding space",),
    "malformed_event": ("its stream held data that is not a valid event",),
    "no_finish_reason": ("its stream ended without a finish reason",),
    # -- the gateway
    "models_resting": ("it is cooling down",),
    "no_model_fits": ("it cannot serve the request",),
    "model_not_allowed": ("this key may not use it",),
    "over_max_price": ("it costs more than max_price allows",),
    "budget_in_flight": ("requests in flight hold what is left of the budget",),
    "budget_too_small": ("the remaining budget does not cover it",),
    "over_max_cost": ("it could cost more than max_cost_usd",),
    "gateway_fault": ("the gateway failed",),
})  # fmt: skip  # one code a line

# The values are the details that the receipt shows with the reason.
SKIPPED: Mapping[str, Phrases] = MappingProxyType({
    "not_allowed": ("this key may not use it",),
    "over_max_price": ("its {kind} price of {usd_per_million_tokens} per million tokens is above max_price", "its price is above max_price"),
    "over_max_cost": ("one attempt could cost {worst_cost_usd}, which is more than max_cost_usd", "an attempt could exceed max_cost_usd"),
    "price_unknown": ("its cost is unknown, and a ceiling or a budget counts",),
    "budget_in_flight": ("requests in flight hold what is left of the budget",),
    "over_budget": ("one attempt needs {held_cost_usd} of the budget, which is more than is left", "an attempt needs more of the budget than is left"),
    "no_tools": ("it has no tools",),
    "no_such_input": ("it takes no input of this kind: {missing}", "it takes no input of this kind"),
    "no_such_output": ("it gives no output of this kind: {missing}", "it gives no output of this kind"),
    "parameter_unsupported": ("it does not support {missing}", "it does not support a parameter of the request"),
    "route_requires_more": ("its task route requires {missing}", "its task route requires a parameter that it does not support"),
    "context_too_small": ("the request has about {tokens_estimated} tokens, and its context {context_length}", "its context is too small"),
    "no_json_output": ("it does not support the JSON that response_format asks for",),
    "no_file_input": ("it takes no files",),
    "expired": ("its last day is over",),
    "not_listed": ("OpenRouter does not list it",),
    "resting": ("it is cooling down for {wait_s} more", "it is cooling down"),
    "format_unsupported": ("its upstream does not speak the request's wire format",),
    "account_at_fault": ("its upstream refused the account",),
    "attempts_spent": ("the request had made all attempts that it may make",),
    "no_fallbacks": ("fallbacks is false",),
    "chain_too_long": ("the chain is too long",),
})  # fmt: skip  # one reason a line
