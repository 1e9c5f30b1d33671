"""The table from what an error shows to the fault that it is: read from the top, the first match counts.

The source of each row stands beside it. OpenRouter's documentation: E "Errors and Debugging", L "Limits",
A its changelog on ``error.availability``, O the OpenAPI document. R is a recorded body or stream.
"""

import re

from gateway.http.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Signs:
    """What of an error can be branched on."""

    status: int | None
    words: frozenset[str]  # limit_source, reason, error_type, availability code, error code
    text: str  # message and raw, lower case, bounded; searched, never shown
    from_provider: bool
    has_json: bool
    retryable: bool | None  # what `availability` says of it


@dataclass(frozen=True, slots=True)
class Row:
    """A row matches when everything that it names holds."""

    code: str
    statuses: frozenset[int] = frozenset()
    words: frozenset[str] = frozenset()
    text: re.Pattern[str] | None = None
    from_provider: bool | None = None
    has_json: bool | None = None
    retryable: bool | None = None

    def matches(self, signs: Signs) -> bool:
        """Return whether all that this row names holds."""
        return (
            (not self.statuses or signs.status in self.statuses)
            and (not self.words or bool(self.words & signs.words))
            and (self.text is None or bool(self.text.search(signs.text)))
            and (self.from_provider is None or self.from_provider == signs.from_provider)
            and (self.has_json is None or self.has_json == signs.has_json)
            and (self.retryable is None or self.retryable is signs.retryable)
        )


def _on(*statuses: int) -> frozenset[int]:
    return frozenset(statuses)


def _say(*words: str) -> frozenset[str]:
    return frozenset(words)


_EDGE_FAULTS = frozenset(range(500, 600))

ROWS: tuple[Row, ...] = (
    Row("redirected", statuses=frozenset(range(300, 400))),  # the Fetch standard; the upstream never should
    # limits say which they are
    Row("in_flight_budget", words=_say("openrouter_in_flight_budget", "in_flight_budget_exhausted")),  # L
    Row("max_tokens_unaffordable", words=_say("weight_exceeds_budget")),  # L
    Row("max_tokens_unaffordable", statuses=_on(402), text=re.compile(r"fewer max_tokens")),  # R
    Row("key_limit_reached", words=_say("openrouter_key_limit")),  # L, R
    Row("key_limit_reached", statuses=_on(402, 403), text=re.compile(r"key limit exceeded")),  # R
    Row("key_limit_reached", statuses=_on(402), text=re.compile(r"higher monthly limit")),  # R
    Row("budget_reached", words=_say("openrouter_guardrail_budget", "openrouter_workspace_budget")),  # L
    Row("insufficient_credits", words=_say("openrouter_credits")),  # L
    Row("insufficient_credits", words=_say("insufficient_quota")),  # OpenAI's "Error codes"; a 429 there
    Row("free_limit_daily", words=_say("openrouter_free_tier_daily")),  # L, R
    Row("free_limit_daily", text=re.compile(r"free-models-per-day")),  # R
    Row("free_limit_minute", text=re.compile(r"free-models-per-min")),  # R
    Row("rate_limited", words=_say("upstream_provider_shared_pool")),  # L, R
    Row("rate_limited", words=_say("rate_limit_exceeded", "capacity_exhausted")),  # E, A
    # what the request was
    Row("context_too_long", words=_say("context_length_exceeded")),  # E, R
    Row("context_too_long", words=_say("token_limit_exceeded", "max_tokens_exceeded")),  # E
    Row(
        "context_too_long", text=re.compile(r"maximum context length|context window|prompt is too long")
    ),  # R
    Row("unknown_model", words=_say("model_not_found")),  # A
    Row("unknown_model", text=re.compile(r"is not a valid model id")),  # R
    Row("request_rejected", words=_say("ZodError")),  # R
    Row("rejected_by_openrouter", words=_say("wrong_endpoint")),  # A: this model, not this request
    Row("request_rejected", statuses=_on(400), text=re.compile(r"^input (required|must have)")),  # R
    Row("request_rejected", statuses=_on(400), text=re.compile(r"array must have \d")),  # R
    Row("request_too_large", words=_say("payload_too_large")),  # E
    Row("flagged_by_moderation", words=_say("flagged_input")),  # E, R
    Row("flagged_by_moderation", words=_say("content_policy_violation", "refusal")),  # E
    Row("blocked_by_guardrail", words=_say("patterns")),  # E
    # what the model's side was
    Row("no_endpoints", words=_say("no_endpoints", "model_deprecated", "model_unavailable_upstream")),  # A
    Row("no_endpoints", words=_say("privacy_restricted", "constraint_filtered", "free_variant_ended")),  # A
    Row("forbidden", words=_say("region_restricted")),  # A
    Row("overloaded", words=_say("provider_overloaded", "temporarily_unavailable")),  # E, A
    Row("upstream_timeout", words=_say("timeout")),  # E
    Row("upstream_timeout", text=re.compile(r"idle timeout|timed out")),  # R, O
    Row("provider_error", words=_say("provider_unavailable", "server", "server_error")),  # E, R
    # an availability code that is newer than this table says itself whether a retry is worth it
    Row("unavailable_for_now", retryable=True),  # A
    Row("unavailable", retryable=False),  # A
    # the bare status
    Row("provider_key_rejected", statuses=_on(401), from_provider=True),  # E: ours is not what failed
    Row("upstream_key_rejected", statuses=_on(401)),  # E, R
    Row("insufficient_credits", statuses=_on(402)),  # E, R
    Row("access_denied", statuses=_on(403), has_json=False),  # R: the edge's string, or its HTML
    Row("forbidden", statuses=_on(403)),  # E
    Row("no_endpoints", statuses=_on(404, 410)),  # E, R, O
    Row("upstream_timeout", statuses=_on(408, 504, 522, 524)),  # O, R
    Row("request_too_large", statuses=_on(413)),  # O
    Row("rate_limited", statuses=_on(429)),  # E, R
    Row("rejected_by_provider", statuses=_on(400, 422), from_provider=True),  # R
    Row("rejected_by_openrouter", statuses=frozenset(range(400, 500))),  # E: unlisted, so another is tried
    Row("overloaded", statuses=_on(503, 529), has_json=True),  # O, R
    # without an error body of OpenRouter's it was the edge in front of it that answered
    Row("openrouter_error", statuses=_EDGE_FAULTS, has_json=False),  # R
    Row("openrouter_error", statuses=_on(500), from_provider=False),  # E
    Row("provider_error"),  # E, R: 5xx, an error without a code, nothing at all
)
