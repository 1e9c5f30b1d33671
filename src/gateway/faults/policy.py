"""The table of faults: what each fault means for the chain and for the caller.

The table is complete. An error that no row of ``faults.error_rows`` names is a ``provider_error``: the next
model is tried. That costs one request and cannot loop.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Literal, TypeAlias

from gateway.http.errors import Source
from gateway.http.frozen import dataclass

Billed: TypeAlias = Literal["yes", "no", "unknown"]


class Verdict(Enum):
    """What the chain does after a fault."""

    RETRY = "retry"  # the same model may answer in a moment; otherwise the next one
    FALL_BACK = "fall_back"  # this model cannot answer now; another model may
    STOP = "stop"  # no model can answer: the account, the request or this gateway is at fault


class Scope(Enum):
    """What a fault affects, and what cools down if the fault requires a pause."""

    MODEL = "model"
    FREE_MODELS = "free_models"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table.

    Attributes:
        source: which party caused the fault.
        verdict: what the chain does next.
        status: the HTTP status for the caller if the upstream gave no error status.
        message: what happened and what to do, in the gateway's words.
        scope: what the fault affects.
        type: the word in OpenAI's ``error.type``.
        billed: whether a failed attempt may cost money. OpenRouter does not bill an attempt that failed with
            an error. It may bill one that was cut off or returned nothing.
        own_status: whether the caller sees ``status`` even if the upstream gave an error status.
    """

    source: Source
    verdict: Verdict
    status: int
    message: str
    scope: Scope = Scope.MODEL
    type: str = "api_error"
    billed: Billed = "no"
    own_status: bool = False


_R, _F, _S = Verdict.RETRY, Verdict.FALL_BACK, Verdict.STOP
_BAD = "invalid_request_error"

# Sources: OpenRouter's "Errors and Debugging" and "Limits" pages; recorded bodies (tests/unit/samples).
RULES: Mapping[str, Rule] = MappingProxyType({
    # -- the account or its key: the next model has the same key, so the chain stops
    "upstream_key_rejected": Rule("openrouter", _S, 401, "OpenRouter refused the gateway's key. The gateway's operator must check OPENROUTER_API_KEY.", Scope.ACCOUNT, "authentication_error"),
    "own_key_rejected": Rule("client", _S, 401, "OpenRouter refused the key that you sent. Check it at OpenRouter, or send one of this gateway's keys.", type="authentication_error"),
    "insufficient_credits": Rule("openrouter", _S, 402, "The OpenRouter account has too few credits. Add credits.", Scope.ACCOUNT, "billing_error"),
    "max_tokens_unaffordable": Rule("openrouter", _S, 402, "The OpenRouter account cannot afford this many tokens. Lower max_tokens, or add credits.", Scope.ACCOUNT, "billing_error"),
    "in_flight_budget": Rule("openrouter", _R, 402, "The OpenRouter account's requests in flight use up its budget. Try again when they have ended.", Scope.ACCOUNT, "billing_error"),
    "key_limit_reached": Rule("openrouter", _S, 403, "The OpenRouter key has reached its spending limit. Raise it, or wait for its reset.", Scope.ACCOUNT, "billing_error"),
    "budget_reached": Rule("openrouter", _S, 403, "A budget of the OpenRouter workspace is spent. Raise it, or wait for its reset.", Scope.ACCOUNT, "billing_error"),
    "blocked_by_guardrail": Rule("openrouter", _S, 403, "A guardrail of the OpenRouter account blocked this request.", Scope.ACCOUNT, "permission_error"),
    "access_denied": Rule("openrouter", _S, 403, "OpenRouter's edge refused the connection (security policy or region).", Scope.ACCOUNT, "permission_error"),
    # -- the request: no model would accept it
    "request_rejected": Rule("client", _S, 400, "OpenRouter found the request invalid.", type=_BAD),
    "request_too_large": Rule("client", _S, 413, "OpenRouter found the request too large.", type=_BAD),
    # -- a direct upstream, its account or its key: another upstream has another account
    "direct_key_rejected": Rule("provider", _S, 502, "A direct upstream refused its key. The gateway's operator must check that upstream's secret.", Scope.ACCOUNT, own_status=True),
    "direct_quota_spent": Rule("provider", _S, 402, "The account at a direct upstream has too little credit.", Scope.ACCOUNT, "billing_error", own_status=True),
    "direct_redirected": Rule("provider", _S, 502, "A direct upstream tried to redirect. Its key is not sent to another host. Check UPSTREAMS.", Scope.ACCOUNT),
    "direct_refused": Rule("provider", _F, 403, "A direct upstream refused the request.", type="permission_error"),
    "direct_model_unknown": Rule("provider", _F, 404, "A direct upstream does not know this model.", type="not_found_error"),
    "direct_connection_failed": Rule("provider", _R, 502, "The connection to a direct upstream failed."),
    "direct_connection_lost": Rule("provider", _R, 502, "The connection to a direct upstream was lost before the answer was complete.", billed="unknown"),
    # -- limits: the scope cools down, and other models are tried
    "rate_limited": Rule("provider", _F, 429, "The model's providers are rate-limited.", type="rate_limit_error"),
    "free_limit_daily": Rule("openrouter", _F, 429, "The OpenRouter account has used its free requests of the day.", Scope.FREE_MODELS, "rate_limit_error"),
    "free_limit_minute": Rule("openrouter", _F, 429, "The OpenRouter account has used its free requests of the minute.", Scope.FREE_MODELS, "rate_limit_error"),
    # -- the model: another may answer
    "unknown_model": Rule("openrouter", _F, 400, "OpenRouter does not know this model.", type=_BAD),
    "unavailable": Rule("openrouter", _F, 404, "The model is not available.", type="not_found_error"),
    "unavailable_for_now": Rule("openrouter", _R, 503, "The model is not available at the moment."),
    "no_endpoints": Rule("openrouter", _F, 404, "No provider of this model matches the request and the account's settings.", type="not_found_error"),
    "provider_key_rejected": Rule("provider", _F, 502, "The model's provider refused the key that OpenRouter uses with it.", own_status=True),
    "context_too_long": Rule("provider", _F, 400, "The request is longer than the model's context.", type=_BAD),
    "rejected_by_openrouter": Rule("openrouter", _F, 400, "OpenRouter rejected the request for this model.", type=_BAD),
    "rejected_by_provider": Rule("provider", _F, 400, "The model's provider rejected the request.", type=_BAD),
    "foreign_signature": Rule("provider", _F, 400, "The model refused signed reasoning in the messages: another model or account made it.", type=_BAD),
    "flagged_by_moderation": Rule("provider", _F, 403, "The model's provider flagged the input.", type="permission_error"),
    "forbidden": Rule("openrouter", _F, 403, "OpenRouter refused this model for this request.", type="permission_error"),
    "upstream_timeout": Rule("provider", _R, 504, "The model's provider did not answer in time.", billed="unknown"),
    "overloaded": Rule("provider", _R, 503, "The model's providers are overloaded."),
    "provider_error": Rule("provider", _R, 502, "The model's provider failed."),
    "openrouter_error": Rule("openrouter", _R, 500, "OpenRouter failed."),
    # -- the connection
    "connection_failed": Rule("openrouter", _R, 502, "The connection to OpenRouter failed."),
    "connection_lost": Rule("openrouter", _R, 502, "The connection to OpenRouter was lost before the answer was complete.", billed="unknown"),
    "redirected": Rule("openrouter", _S, 502, "The upstream tried to redirect. The key is not sent to another host. Check OPENROUTER_BASE_URL.", Scope.ACCOUNT),
    # -- this gateway's own timers
    "attempt_timeout": Rule("provider", _F, 504, "The model did not answer within its share of the deadline.", billed="unknown"),
    "first_token_timeout": Rule("provider", _F, 504, "The model's stream showed no progress in time.", billed="unknown"),
    "deadline_exceeded": Rule("gateway", _F, 504, "No model answered before the deadline.", billed="unknown"),
    "idle_timeout": Rule("provider", _F, 504, "The model's stream stopped making progress.", billed="unknown"),
    # -- an HTTP 200 without a usable answer
    "empty_answer": Rule("provider", _R, 502, "The model ended without an answer.", billed="unknown"),
    "reasoning_only": Rule("provider", _F, 502, "The model returned reasoning but no answer.", billed="unknown"),
    "invalid_json_answer": Rule("provider", _R, 502, "The request asked for JSON, but the answer is not JSON, or not of the type that it asked for.", billed="unknown"),
    "filtered_answer": Rule("provider", _F, 502, "The model's answer was withheld by a content filter.", billed="unknown"),
    "no_choices": Rule("provider", _R, 502, "The answer had no choices.", billed="unknown"),
    "answer_too_large": Rule("provider", _F, 502, "The answer was larger than the gateway reads.", billed="unknown"),
    "not_json": Rule("provider", _R, 502, "The answer was not JSON.", billed="unknown"),
    "wrong_content_type": Rule("provider", _F, 502, "The answer had the wrong content type.", billed="unknown"),
    "malformed_answer": Rule("provider", _R, 502, "The answer lacks a part of what the request asked for, or a part of it is wrong.", billed="unknown"),
    "wrong_embedding_space": Rule("provider", _F, 502, "The answer's vectors are not in the embedding space that the request demands.", billed="unknown"),
    "malformed_event": Rule("provider", _F, 502, "The stream contained data that is not a valid event.", billed="unknown"),
    "no_finish_reason": Rule("provider", _R, 502, "The stream ended without a finish reason, so the answer may be incomplete.", billed="unknown"),
    # -- the gateway
    # `models_resting` is the public code for a chain whose models are all cooling down.
    "models_resting": Rule("provider", _F, 429, "The models that may still answer are cooling down for longer than the request may wait.", type="rate_limit_error"),
    "no_model_fits": Rule("client", _S, 400, "No model of the chain can serve this request.", type=_BAD),
    "model_not_allowed": Rule("client", _S, 403, "This key may not use any model of the chain.", type="permission_error"),
    "over_max_price": Rule("gateway", _S, 402, "Every model of the chain costs more than max_price allows.", type="billing_error"),
    "budget_in_flight": Rule("gateway", _F, 429, "Other requests in flight hold what is left of the budget. Try again when they have ended, send fewer at once, or lower max_tokens.", type="rate_limit_error"),
    "budget_too_small": Rule("gateway", _S, 402, "The remaining budget does not cover any model of the chain. Lower max_tokens, or wait for the budget's reset.", type="billing_error"),
    "over_max_cost": Rule("gateway", _S, 402, "Every model of the chain could cost more than max_cost_usd, or, with strict, has no known price.", type="billing_error"),
    "gateway_fault": Rule("gateway", _F, 500, "The gateway failed while it handled this attempt.", billed="unknown"),
})  # fmt: skip  # one rule a line
