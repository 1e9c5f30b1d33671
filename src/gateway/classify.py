"""From an upstream's error, in whatever form it came, to a ``Fault``: two tables, read from the top.

Source of every row: OpenRouter's "Errors and Debugging", "Limits" and OpenAPI pages and recorded bodies;
tests/unit/samples holds one of each.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gateway.details import safe_details
from gateway.policy import Fault
from gateway.retry_after import retry_after_s
from gateway.wire import Json, JsonObject, object_or_empty

GetHeader: TypeAlias = Callable[[str], str | None]


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
    Row("redirected", statuses=frozenset(range(300, 400))),
    # limits say which they are
    Row("in_flight_budget", words=_say("openrouter_in_flight_budget", "in_flight_budget_exhausted")),
    Row("max_tokens_unaffordable", words=_say("weight_exceeds_budget")),
    Row("max_tokens_unaffordable", statuses=_on(402), text=re.compile(r"fewer max_tokens")),
    Row("key_limit_reached", words=_say("openrouter_key_limit")),
    Row(
        "key_limit_reached",
        statuses=_on(402, 403),
        text=re.compile(r"key limit exceeded|higher monthly limit"),
    ),
    Row("budget_reached", words=_say("openrouter_guardrail_budget", "openrouter_workspace_budget")),
    Row("insufficient_credits", words=_say("openrouter_credits")),
    Row("free_limit_daily", words=_say("openrouter_free_tier_daily")),
    Row("free_limit_daily", text=re.compile(r"free-models-per-day")),
    Row("free_limit_minute", text=re.compile(r"free-models-per-min")),
    Row(
        "rate_limited",
        words=_say("upstream_provider_shared_pool", "rate_limit_exceeded", "capacity_exhausted"),
    ),
    # what the request was
    Row(
        "context_too_long",
        words=_say("context_length_exceeded", "token_limit_exceeded", "max_tokens_exceeded"),
    ),
    Row("context_too_long", text=re.compile(r"maximum context length|context window|prompt is too long")),
    Row("unknown_model", words=_say("model_not_found")),
    Row("unknown_model", text=re.compile(r"is not a valid model id")),
    Row("request_rejected", words=_say("ZodError")),
    Row("rejected_by_openrouter", words=_say("wrong_endpoint")),
    Row(
        "request_rejected",
        statuses=_on(400),
        text=re.compile(r"^input (required|must have)|array must have \d"),
    ),
    Row("request_too_large", words=_say("payload_too_large")),
    Row("flagged_by_moderation", words=_say("flagged_input", "content_policy_violation", "refusal")),
    Row("blocked_by_guardrail", words=_say("patterns")),
    # what the model's side was
    Row("no_endpoints", words=_say("no_endpoints", "model_deprecated", "model_unavailable_upstream")),
    Row("no_endpoints", words=_say("privacy_restricted", "constraint_filtered", "free_variant_ended")),
    Row("forbidden", words=_say("region_restricted")),
    Row("overloaded", words=_say("provider_overloaded", "temporarily_unavailable")),
    Row("upstream_timeout", words=_say("timeout")),
    Row("upstream_timeout", text=re.compile(r"idle timeout|timed out")),
    Row("provider_error", words=_say("provider_unavailable", "server", "server_error")),
    # an availability code that is newer than this table says itself whether a retry is worth it
    Row("unavailable_for_now", retryable=True),
    Row("unavailable", retryable=False),
    # the bare status
    Row("provider_key_rejected", statuses=_on(401), from_provider=True),
    Row("upstream_key_rejected", statuses=_on(401)),
    Row("insufficient_credits", statuses=_on(402)),
    Row("access_denied", statuses=_on(403), has_json=False),
    Row("forbidden", statuses=_on(403)),
    Row("no_endpoints", statuses=_on(404, 410)),
    Row("upstream_timeout", statuses=_on(408, 504, 522, 524)),
    Row("request_too_large", statuses=_on(413)),
    Row("rate_limited", statuses=_on(429)),
    Row("rejected_by_provider", statuses=_on(400, 422), from_provider=True),
    Row("rejected_by_openrouter", statuses=frozenset(range(400, 500))),
    Row("overloaded", statuses=_on(503, 529), has_json=True),
    # without an error body of OpenRouter's it was the edge in front of it that answered
    Row("openrouter_error", statuses=_EDGE_FAULTS, has_json=False),
    Row("openrouter_error", statuses=_on(500), from_provider=False),
    Row("provider_error"),
)

MAX_SEARCHED_CHARACTERS = 2_000


def classify(error: Json, *, status: int | None, header: GetHeader, now_s: float) -> Fault:
    """Return the fault that an upstream error stands for; never raises, whatever ``error`` is.

    Args:
        error: the value of ``error`` in the body or event; None when there was none, or no JSON at all.
        status: the HTTP status, or None inside a 200: then the error's own code counts.
        header: the reply's headers.
        now_s: Unix time, to turn reset times into waits.
    """
    fields = object_or_empty(error)
    metadata = object_or_empty(fields.get("metadata"))
    availability = object_or_empty(fields.get("availability"))
    status = status or _status_of(fields)
    signs = Signs(
        status=status,
        words=_words(fields, metadata, availability),
        text=_text(error, fields, metadata),
        from_provider=_is_from_provider(fields, metadata),
        has_json=isinstance(error, dict),
        retryable=retryable if isinstance(retryable := availability.get("retryable"), bool) else None,
    )
    code = next(row.code for row in ROWS if row.matches(signs))
    return Fault(
        code=code,
        status=status,
        retry_after_s=retry_after_s(header, metadata, availability, now_s=now_s),
        details=safe_details(metadata),
    )


def _status_of(fields: JsonObject) -> int | None:
    for name in ("code", "http_status"):
        value = fields.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 3:
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 400 <= value < 600:
            return value
    return None


def _words(fields: JsonObject, metadata: JsonObject, availability: JsonObject) -> frozenset[str]:
    places = (
        (fields, ("code", "name", "error_type")),
        (metadata, ("limit_source", "reason", "error_type")),
        (availability, ("code",)),
    )
    words = {value for place, names in places for name in names if isinstance(value := place.get(name), str)}
    # Their presence says what kind of error it is; their values are the caller's text and are not read.
    words |= {name for name in ("flagged_input", "patterns") if name in metadata}
    return frozenset(words)


def _text(error: Json, fields: JsonObject, metadata: JsonObject) -> str:
    parts = (error, fields.get("message"), metadata.get("raw"))
    return "\n".join(part[:MAX_SEARCHED_CHARACTERS] for part in parts if isinstance(part, str)).lower()


def _is_from_provider(fields: JsonObject, metadata: JsonObject) -> bool:
    return bool(metadata.get("provider_name")) or fields.get("message") == "Provider returned error"
