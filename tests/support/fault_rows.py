"""The fault matrix's table: the expected result of each simulator behaviour, for plain and streamed requests.

Each behaviour is the first model of a chain whose second model is healthy. If the second model rescues the
request, the behaviour is also requested alone; then the client must get the error that the row names.
"""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Ok:
    """The model answers, and the client gets its answer unchanged."""

    def __str__(self) -> str:
        return "ok"


@dataclass(frozen=True, slots=True)
class Rescued:
    """The next model answers. Without a next model, the client gets this error."""

    status: int
    code: str
    source: str

    def __str__(self) -> str:
        return "rescued"


@dataclass(frozen=True, slots=True)
class Stopped:
    """The chain stops: no other model is called, and the client gets this error."""

    status: int
    code: str
    source: str

    def __str__(self) -> str:
        return f"stopped {self.status} {self.code}"


@dataclass(frozen=True, slots=True)
class CutOff:
    """The stream has begun, is cut off, and ends with this error event."""

    code: str
    source: str

    def __str__(self) -> str:
        return f"cut_off {self.code}"


Expected: TypeAlias = Ok | Rescued | Stopped | CutOff


@dataclass(frozen=True, slots=True)
class Row:
    """The expected results of one behaviour.

    Attributes:
        name: the behaviour, with a number if it takes one.
        wants_json: whether the request asks for a JSON answer.
        in_turn: whether it sends so many bytes or pieces that no timed request may run at the same time.
        rests: whether the reply asks for a pause, which starts a cooldown of the model.
        said_by: the behaviour whose answer the client must get, if clients lose a part of this one's answer.
            Otherwise empty.
    """

    name: str
    plain: Expected
    stream: Expected
    wants_json: bool = False
    in_turn: bool = False
    starts_cooldown: bool = False
    said_by: str = ""

    def of(self, *, stream: bool) -> Expected:
        """Return the expected result of a plain or of a streamed request."""
        return self.stream if stream else self.plain


def _both(name: str, expected: Expected, *, starts_cooldown: bool = False) -> Row:
    return Row(name, expected, expected, starts_cooldown=starts_cooldown)


OK = Ok()
EMPTY = Rescued(502, "empty_answer", "provider")
NOT_JSON = Rescued(502, "not_json", "provider")
OVERLOADED = Rescued(503, "overloaded", "provider")
LIMITED = Rescued(429, "rate_limited", "provider")
FREE_LIMIT = Rescued(429, "free_limit_daily", "openrouter")
PROVIDER = Rescued(502, "provider_error", "provider")
NO_ENDPOINTS = Rescued(404, "no_endpoints", "openrouter")
WRONG_TYPE = Rescued(502, "wrong_content_type", "provider")
UNCONNECTED = Rescued(502, "connection_failed", "openrouter")
LOST = Rescued(502, "connection_lost", "openrouter")
SLOW = Rescued(504, "attempt_timeout", "provider")
NO_TOKEN = Rescued(504, "first_token_timeout", "provider")
INVALID = Stopped(400, "request_rejected", "client")
NO_KEY = Stopped(401, "upstream_key_rejected", "openrouter")
KEY_LIMIT = Stopped(403, "key_limit_reached", "openrouter")
REDIRECTED = Stopped(502, "redirected", "openrouter")
IDLE = CutOff("idle_timeout", "provider")
CUT_OFF = CutOff("provider_error", "provider")


def _openrouter(status: int) -> Rescued:
    return Rescued(status, "openrouter_error", "openrouter")


def _rejected(status: int) -> Rescued:
    return Rescued(status, "rejected_by_openrouter", "openrouter")


def _late(status: int) -> Rescued:
    return Rescued(status, "upstream_timeout", "provider")


HEALTHY = (
    *("ok", "ok-usage-empty-choices", "slow-50ms", "comments-300ms", "drip-5ms", "long-40", "bytes-20000"),
    *("reasons-50ms", "late-50ms"),
    *("tools", "reasoning", "image", "json", "refusal", "length", "echo"),
    *("ok-01-fallback-won", "ok-02-tools-reasoning", "ok-03-length-empty-content"),
    *("sse-01-ok-comments-repeated-finish", "sse-02-ok-usage-empty-choices", "sse-03-tool-call"),
    *("no-done", "crlf", "cr", "multi-line"),
    *("continues", "continues-last-words", "continues-whole", "refuses-prefill"),
    *("coder", "coder-flagged", "coder-unjudged", "cached", "no-cost", "tools-half"),
    # What only Messages has is as ok in chat.
    *("tools-flagged", "tools-unjudged", "withheld-50ms", "pings", "done-named", "done-unnamed"),
    *("second-start", "stray-delta", "second-stop", "pause-turn", "server-tool", "compaction"),
    "context-exceeded",
    # They refuse what is not in these requests.
    *("signs-alpha", "encrypts-alpha", "rejects-thinking-display", "rejects-tool-type"),
)

# Streams that break after text, by how they break.
_ERRORS = ("error-after-block", "coder-error", "coder-error-block")
_CUTS = ("cut-after-block", "coder-cut", "coder-cut-block", "coder-cut-tool")
_RESETS = ("reset-after-block", "coder-reset")
_STALLS = ("stall-after-block", "coder-stall")

ROWS: tuple[Row, ...] = (
    *(_both(name, OK) for name in HEALTHY),
    Row("bom", OK, OK, said_by="ok"),
    Row("one-byte", OK, OK, in_turn=True),
    Row("huge-event", OK, OK, in_turn=True),
    # recorded: hidden in HTTP 200
    _both("soft-01-200-error-only", PROVIDER),
    Row("soft-02-200-choice-error-partial", PROVIDER, CUT_OFF),
    Row("soft-03-200-empty-choices", Rescued(502, "no_choices", "provider"), EMPTY),
    _both("soft-04-200-stop-zero-tokens-leading-ws", EMPTY),
    # recorded: errors
    _both("err-400-models-cap", INVALID),
    _both("err-400-invalid-model", Rescued(400, "unknown_model", "openrouter")),
    _both("err-400-provider-previous-errors", Rescued(400, "context_too_long", "provider")),
    _both("err-400-zod-validation", INVALID),
    _both("err-401-user-not-found", NO_KEY),
    _both("err-402-max-tokens", Stopped(402, "max_tokens_unaffordable", "openrouter")),
    _both("err-402-in-flight-budget", Stopped(402, "in_flight_budget", "openrouter")),
    _both("err-403-key-limit", KEY_LIMIT),
    _both("err-403-moderation", Rescued(403, "flagged_by_moderation", "provider")),
    _both("err-403-cloudflare-edge", Stopped(403, "access_denied", "openrouter")),
    _both("err-404-data-policy", NO_ENDPOINTS),
    _both("err-429-availability-docstyle", LIMITED, starts_cooldown=True),
    _both("err-429-upstream-pool", LIMITED, starts_cooldown=True),
    _both("err-429-free-daily", FREE_LIMIT, starts_cooldown=True),
    _both("err-502-provider", PROVIDER),
    _both("err-529-overloaded", Rescued(529, "overloaded", "provider")),
    # recorded: streams
    Row("sse-04-error-is-first-event", PROVIDER, FREE_LIMIT),
    Row("sse-05-midstream-error-documented", PROVIDER, CutOff("overloaded", "provider")),
    Row("sse-06-midstream-idle-timeout-bare", PROVIDER, CutOff("upstream_timeout", "provider")),
    Row("sse-07-truncated-no-finish", PROVIDER, CutOff("connection_lost", "openrouter")),
    Row("sse-08-midstream-error-string-code", PROVIDER, CUT_OFF),
    # statuses, in OpenRouter's wording
    _both("status-300", REDIRECTED),
    _both("status-304", REDIRECTED),
    _both("status-307", REDIRECTED),
    _both("status-400", Rescued(400, "rejected_by_provider", "provider")),
    _both("status-401", NO_KEY),
    _both("status-402", Stopped(402, "insufficient_credits", "openrouter")),
    _both("status-403", KEY_LIMIT),
    _both("status-404", NO_ENDPOINTS),
    _both("status-408", _late(408)),
    _both("status-409", _rejected(409)),
    _both("status-410", Rescued(410, "no_endpoints", "openrouter")),
    _both("status-413", Stopped(413, "request_too_large", "client")),
    _both("status-418", _rejected(418)),
    _both("status-422", _rejected(422)),
    _both("status-429", LIMITED),
    _both("status-500", _openrouter(500)),
    _both("status-502", PROVIDER),
    _both("status-503", OVERLOADED),
    _both("status-504", _late(504)),
    _both("status-522", _late(522)),
    _both("status-524", _late(524)),
    _both("status-529", Rescued(529, "overloaded", "provider")),
    _both("status-599", Rescued(599, "provider_error", "provider")),
    _both("retry-after-7", LIMITED, starts_cooldown=True),
    _both("retry-date-30", OVERLOADED, starts_cooldown=True),
    # connections
    Row("hang", SLOW, NO_TOKEN),
    Row("hang-body", SLOW, NO_TOKEN),
    _both("reset", UNCONNECTED),
    _both("close", UNCONNECTED),
    _both("reset-body", LOST),
    _both("truncated", LOST),
    _both("redirect", REDIRECTED),
    # hidden in HTTP 200
    _both("html", WRONG_TYPE),
    _both("html-502", _openrouter(502)),
    Row("empty-body", NOT_JSON, EMPTY),
    _both("garbage", NOT_JSON),
    Row("cut-json", NOT_JSON, Rescued(502, "malformed_event", "provider")),
    Row("whitespace", SLOW, NO_TOKEN),
    _both("empty", EMPTY),
    _both("filtered", Rescued(502, "filtered_answer", "provider")),
    _both("filtered-later", OK),
    Row("choices-empty", Rescued(502, "no_choices", "provider"), EMPTY),
    _both("choice-error", PROVIDER),
    _both("error-string", PROVIDER),
    # The stream has committed before the gateway can see that its text is not JSON, or that there is none.
    Row("json-invalid", Rescued(502, "invalid_json_answer", "provider"), OK, wants_json=True),
    Row("reasoning-only", Rescued(502, "reasoning_only", "provider"), OK),
    # streams
    Row("comments-only", SLOW, NO_TOKEN),
    Row("comments-end", NOT_JSON, EMPTY),
    Row("stall-before", SLOW, NO_TOKEN),
    Row("stall-after", SLOW, IDLE),
    Row("stall-comments", SLOW, IDLE),
    Row("stall-empty", SLOW, IDLE),
    Row("reset-after", LOST, CutOff("connection_lost", "openrouter")),
    Row("cut-after", NOT_JSON, CutOff("no_finish_reason", "provider")),
    _both("empty-stream", EMPTY),
    Row("done-only", NOT_JSON, EMPTY),
    Row("garbage-event", NOT_JSON, CutOff("malformed_event", "provider")),
    Row("cut-event", NOT_JSON, CutOff("malformed_event", "provider")),
    Row("tools-cut", NOT_JSON, CutOff("no_finish_reason", "provider")),
    Row("plain-for-stream", OK, WRONG_TYPE),
    Row("stream-for-plain", WRONG_TYPE, OK),
    _both("error-first", PROVIDER),
    _both("rate-limit-first", LIMITED),
    Row("rate-limit-mid", LIMITED, CutOff("rate_limited", "provider")),
    Row("error-mid", PROVIDER, CutOff("overloaded", "provider")),
    Row("error-mid-string", PROVIDER, CUT_OFF),
    Row("error-mid-nocode", PROVIDER, CUT_OFF),
    Row("error-before-block", PROVIDER, OVERLOADED),
    *(Row(name, PROVIDER, CutOff("overloaded", "provider")) for name in _ERRORS),
    *(Row(name, NOT_JSON, CutOff("no_finish_reason", "provider")) for name in _CUTS),
    *(Row(name, LOST, CutOff("connection_lost", "openrouter")) for name in _RESETS),
    *(Row(name, SLOW, IDLE) for name in _STALLS),
    # refused for what is in the request
    _both("rejects-messages", Rescued(400, "rejected_by_provider", "provider")),
    _both("prompt-limit-1", Rescued(400, "context_too_long", "provider")),
    _both("chat-envelope-400", Rescued(400, "rejected_by_provider", "provider")),
)
