"""The table that maps the properties of an upstream's error to a fault code.

The rows are checked from the top, and the first match counts. The comment after a row names its source.
OpenRouter's documentation: E "Errors and Debugging", L "Limits", A its changelog on ``error.availability``,
O its OpenAPI document. R is a recorded body or stream.
"""

import re

from gateway.http.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Signs:
    """The properties of an error that a row can match."""

    status: int | None
    words: frozenset[str]  # limit_source, reason, error_type, availability code, error code
    text: str  # message and raw text in lower case, of limited length; searched, never shown
    from_provider: bool
    has_json: bool
    retryable: bool | None  # the value of `availability.retryable`


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table. It matches an error if all conditions that it sets are met."""

    code: str
    statuses: frozenset[int | None] = frozenset()
    words: frozenset[str] = frozenset()
    text: re.Pattern[str] | None = None
    from_provider: bool | None = None
    has_json: bool | None = None
    retryable: bool | None = None

    def matches(self, signs: Signs) -> bool:
        """Return whether the error meets all conditions of this row."""
        return (
            (not self.statuses or signs.status in self.statuses)
            and (not self.words or bool(self.words & signs.words))
            and (self.text is None or bool(self.text.search(signs.text)))
            and (self.from_provider is None or self.from_provider == signs.from_provider)
            and (self.has_json is None or self.has_json == signs.has_json)
            and (self.retryable is None or self.retryable is signs.retryable)
        )


def _statuses(*statuses: int) -> frozenset[int | None]:
    return frozenset(statuses)


# What upstreams say of signed or encrypted reasoning that another model or account made. A long text counts
# only with the status of a refused request: the text of another error may repeat a prompt.
# Sources: errors of Anthropic ("Invalid `signature` in `thinking` block. The block is bound to a different
# conversation"), OpenAI ("The encrypted content gAAA could not be verified. Reason: ..."), xAI ("Could not
# decrypt the provided encrypted_content"), Google ("Corrupted thought signature"), Bedrock and Vertex AI, as
# users of clients have reported them.
_FOREIGN = re.compile(
    r"invalid `?(?:signature|data)`? in `?(?:redacted_)?thinking`?\s++block"
    r"|thinking_signature_invalid|invalid_encrypted_content"
    r"|encrypted[_ ](?:(?!content)[a-z]++ ){0,2}+content(?: (?!could )\S++){0,12}+ could not be "
    r"(?:verified|decrypted|decoded|parsed)"
    r"|could not (?:verify|decrypt|decode) the (?:provided )?(?:encrypted[_ ]content|compaction blob)"
    r"|bound to a different (?:conversation|model|account)"
    r"|(?:corrupted|invalid) thought[_ ]?signature"
    r"|thought[_ ]?signature is (?:not valid|invalid)"
    r"|`?thinking`? or `?redacted_thinking`? blocks in the latest assistant message cannot be modified"
)
_FOREIGN_WORDS = frozenset(
    {"invalid_encrypted_content", "thinking_signature_invalid", "THINKING_SIGNATURE_INVALID"}
)
_REFUSED: frozenset[int | None] = frozenset({None, 400, 422})


def _words(*words: str) -> frozenset[str]:
    return frozenset(words)


_EDGE_FAULTS = frozenset(range(500, 600))

ROWS: tuple[Row, ...] = (
    Row("redirected", statuses=frozenset(range(300, 400))),  # the Fetch standard; no upstream should redirect
    # limits and budgets, which OpenRouter names in the error
    Row("in_flight_budget", words=_words("openrouter_in_flight_budget", "in_flight_budget_exhausted")),  # L
    Row("max_tokens_unaffordable", words=_words("weight_exceeds_budget")),  # L
    Row("max_tokens_unaffordable", statuses=_statuses(402), text=re.compile(r"fewer max_tokens")),  # R
    Row("key_limit_reached", words=_words("openrouter_key_limit")),  # L, R
    Row("key_limit_reached", statuses=_statuses(402, 403), text=re.compile(r"key limit exceeded")),  # R
    Row("key_limit_reached", statuses=_statuses(402), text=re.compile(r"higher monthly limit")),  # R
    Row("budget_reached", words=_words("openrouter_guardrail_budget", "openrouter_workspace_budget")),  # L
    Row("insufficient_credits", words=_words("openrouter_credits")),  # L
    Row("insufficient_credits", words=_words("insufficient_quota")),  # OpenAI's "Error codes"; a 429 there
    Row("free_limit_daily", words=_words("openrouter_free_tier_daily")),  # L, R
    # With this status only: the text of another error may repeat a prompt.
    Row("free_limit_daily", statuses=_statuses(429), text=re.compile(r"free-models-per-day")),  # R
    Row("free_limit_minute", statuses=_statuses(429), text=re.compile(r"free-models-per-min")),  # R
    Row("rate_limited", words=_words("upstream_provider_shared_pool")),  # L, R
    Row("rate_limited", words=_words("rate_limit_exceeded", "capacity_exhausted")),  # E, A
    # faults of the request
    Row("context_too_long", words=_words("context_length_exceeded")),  # E, R
    Row("context_too_long", words=_words("token_limit_exceeded", "max_tokens_exceeded")),  # E
    Row(
        "context_too_long", text=re.compile(r"maximum context length|context window|prompt is too long")
    ),  # R
    Row("context_too_long", text=re.compile(r"exceed context limit")),  # Anthropic's: prompt and answer
    Row("foreign_signature", words=_FOREIGN_WORDS),
    Row("foreign_signature", statuses=_REFUSED, text=_FOREIGN),
    Row("unknown_model", words=_words("model_not_found")),  # A
    Row("unknown_model", text=re.compile(r"is not a valid model id")),  # R
    Row("request_rejected", words=_words("ZodError")),  # R
    Row("rejected_by_openrouter", words=_words("wrong_endpoint")),  # A: another model may accept the request
    Row("request_rejected", statuses=_statuses(400), text=re.compile(r"^input (required|must have)")),  # R
    Row("request_rejected", statuses=_statuses(400), text=re.compile(r"array must have \d")),  # R
    Row("request_too_large", words=_words("payload_too_large")),  # E
    Row("flagged_by_moderation", words=_words("flagged_input")),  # E, R
    Row("flagged_by_moderation", words=_words("content_policy_violation", "refusal")),  # E
    Row("blocked_by_guardrail", words=_words("patterns")),  # E
    # faults of the model or its provider
    Row("no_endpoints", words=_words("no_endpoints", "model_deprecated", "model_unavailable_upstream")),  # A
    Row("no_endpoints", words=_words("privacy_restricted", "constraint_filtered", "free_variant_ended")),  # A
    Row("forbidden", words=_words("region_restricted")),  # A
    Row("overloaded", words=_words("provider_overloaded", "temporarily_unavailable")),  # E, A
    Row("upstream_timeout", words=_words("timeout")),  # E
    Row("upstream_timeout", text=re.compile(r"idle timeout|timed out")),  # R, O
    Row("provider_error", words=_words("provider_unavailable", "server", "server_error")),  # E, R
    # an availability code that this table does not have: its `retryable` tells whether a retry can help
    Row("unavailable_for_now", retryable=True),  # A
    Row("unavailable", retryable=False),  # A
    # the HTTP status alone
    Row("provider_key_rejected", statuses=_statuses(401), from_provider=True),  # E: not the gateway's key
    Row("upstream_key_rejected", statuses=_statuses(401)),  # E, R
    Row("insufficient_credits", statuses=_statuses(402)),  # E, R
    Row("access_denied", statuses=_statuses(403), has_json=False),  # R: the edge sends a string or HTML
    Row("forbidden", statuses=_statuses(403)),  # E
    Row("no_endpoints", statuses=_statuses(404, 410)),  # E, R, O
    Row("upstream_timeout", statuses=_statuses(408, 504, 522, 524)),  # O, R
    Row("request_too_large", statuses=_statuses(413)),  # O
    Row("rate_limited", statuses=_statuses(429)),  # E, R
    Row("rejected_by_provider", statuses=_statuses(400, 422), from_provider=True),  # R
    Row("rejected_by_openrouter", statuses=frozenset(range(400, 500))),  # E: others may accept the request
    Row("overloaded", statuses=_statuses(503, 529), has_json=True),  # O, R
    # without OpenRouter's error body, the edge in front of OpenRouter has answered
    Row("openrouter_error", statuses=_EDGE_FAULTS, has_json=False),  # R
    Row("openrouter_error", statuses=_statuses(500), from_provider=False),  # E
    Row("provider_error"),  # E, R: 5xx, an error without a code, nothing at all
)
