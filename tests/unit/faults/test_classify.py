import pytest

from gateway.faults.error_rows import ROWS
from gateway.faults.policy import RULES, Scope, Verdict
from gateway.http.json_values import Json
from tests.support.faults import fault_in, fault_of, meta
from tests.support.samples import sample, samples_named

R, F, S = Verdict.RETRY, Verdict.FALL_BACK, Verdict.STOP


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("err-400-invalid-model", ("unknown_model", "openrouter", F, Scope.MODEL, None)),
        ("err-400-models-cap", ("request_rejected", "client", S, Scope.MODEL, None)),
        ("err-400-provider-previous-errors", ("context_too_long", "provider", F, Scope.MODEL, None)),
        ("err-400-zod-validation", ("request_rejected", "client", S, Scope.MODEL, None)),
        ("err-401-user-not-found", ("upstream_key_rejected", "openrouter", S, Scope.ACCOUNT, None)),
        ("err-402-in-flight-budget", ("in_flight_budget", "openrouter", R, Scope.ACCOUNT, 4.0)),
        ("err-402-max-tokens", ("max_tokens_unaffordable", "openrouter", S, Scope.ACCOUNT, None)),
        ("err-403-cloudflare-edge", ("access_denied", "openrouter", S, Scope.ACCOUNT, None)),
        ("err-403-key-limit", ("key_limit_reached", "openrouter", S, Scope.ACCOUNT, 54_000.0)),
        ("err-403-moderation", ("flagged_by_moderation", "provider", F, Scope.MODEL, None)),
        ("err-404-data-policy", ("no_endpoints", "openrouter", F, Scope.MODEL, None)),
        ("err-429-availability-docstyle", ("rate_limited", "provider", F, Scope.MODEL, 40.0)),
        ("err-429-free-daily", ("free_limit_daily", "openrouter", F, Scope.FREE_MODELS, 54_000.0)),
        ("err-429-upstream-pool", ("rate_limited", "provider", F, Scope.MODEL, 17.0)),
        ("err-502-provider", ("provider_error", "provider", R, Scope.MODEL, None)),
        ("err-529-overloaded", ("overloaded", "provider", R, Scope.MODEL, None)),
        ("soft-01-200-error-only", ("provider_error", "provider", R, Scope.MODEL, None)),
        ("soft-02-200-choice-error-partial", ("provider_error", "provider", R, Scope.MODEL, None)),
    ],
)
def test_each_recorded_error_gets_its_fault(name: str, expected: tuple[object, ...]) -> None:
    fault = fault_in(sample(name))

    rule = fault.rule
    assert (fault.code, rule.source, rule.verdict, rule.scope, fault.retry_after_s) == expected


def test_the_table_above_covers_every_recorded_error() -> None:
    assert len(samples_named("err-")) == 16


def availability(retryable: bool) -> Json:
    return {"message": "?", "availability": {"code": "not_yet_invented", "retryable": retryable}}


ERRORS: list[tuple[str, Json, int | None, str]] = [
    ("a redirect", None, 302, "redirected"),
    ("in flight", meta(limit_source="openrouter_in_flight_budget"), 402, "in_flight_budget"),
    (
        "one request larger than the budget",
        meta(reason="weight_exceeds_budget", limit_source="openrouter_credits"),
        402,
        "max_tokens_unaffordable",
    ),
    ("max_tokens text", {"message": "needs fewer max_tokens"}, 402, "max_tokens_unaffordable"),
    ("key limit, 402", meta(limit_source="openrouter_key_limit"), 402, "key_limit_reached"),
    ("key limit", {"message": "Key limit exceeded (total limit)."}, 403, "key_limit_reached"),
    (
        "a key's prompt limit",
        {"message": "Prompt tokens limit exceeded: 9 > 8. To increase, use a higher monthly limit"},
        402,
        "key_limit_reached",
    ),
    ("guardrail", meta(limit_source="openrouter_guardrail_budget"), 403, "budget_reached"),
    ("workspace", meta(limit_source="openrouter_workspace_budget"), 403, "budget_reached"),
    ("credits", meta(limit_source="openrouter_credits"), 402, "insufficient_credits"),
    ("free day", meta(limit_source="openrouter_free_tier_daily"), 429, "free_limit_daily"),
    (
        "free day, high balance",
        {"message": "Rate limit exceeded: free-models-per-day-high-balance."},
        429,
        "free_limit_daily",
    ),
    ("free minute", {"message": "Rate limit exceeded: free-models-per-min."}, 429, "free_limit_minute"),
    ("pool", meta(limit_source="upstream_provider_shared_pool"), 429, "rate_limited"),
    ("capacity", {"availability": {"code": "capacity_exhausted"}}, None, "rate_limited"),
    ("context word", meta(error_type="context_length_exceeded"), 400, "context_too_long"),
    (
        "context text in a 502",
        {"message": "Your input exceeds the context window of this model."},
        502,
        "context_too_long",
    ),
    ("unknown, word", {"availability": {"code": "model_not_found"}}, 400, "unknown_model"),
    ("unknown, text", {"message": "x/y is not a valid model ID"}, 400, "unknown_model"),
    ("ZodError", {"name": "ZodError", "message": "[]"}, 400, "request_rejected"),
    ("no token", {"message": "Input must have at least 1 token."}, 400, "request_rejected"),
    ("no input", {"message": 'Input required: specify "prompt" or "messages"'}, 400, "request_rejected"),
    ("payload word", meta(error_type="payload_too_large"), 400, "request_too_large"),
    ("encrypted reasoning", {"code": "invalid_encrypted_content"}, 400, "foreign_signature"),
    ("flagged", meta(flagged_input="…"), 403, "flagged_by_moderation"),
    ("refusal", meta(error_type="refusal"), 403, "flagged_by_moderation"),
    ("a guardrail's patterns", meta(patterns=["…"]), 403, "blocked_by_guardrail"),
    ("overloaded word", meta(error_type="provider_overloaded"), 502, "overloaded"),
    ("timeout word", meta(error_type="timeout"), 502, "upstream_timeout"),
    (
        "idle timeout text",
        {"message": "Upstream idle timeout exceeded", "code": 504},
        None,
        "upstream_timeout",
    ),
    ("unavailable word", meta(error_type="provider_unavailable"), 400, "provider_error"),
    ("a word as code", {"code": "server_error"}, None, "provider_error"),
    ("a provider's 401", meta(provider_name="Venice"), 401, "provider_key_rejected"),
    ("an availability code that is new, retryable", availability(True), 503, "unavailable_for_now"),
    ("an availability code that is new, not retryable", availability(False), 404, "unavailable"),
    ("401", {"message": "User not found."}, 401, "upstream_key_rejected"),
    ("402", {"message": "?"}, 402, "insufficient_credits"),
    ("403 in HTML", None, 403, "access_denied"),
    ("403", {"message": "?"}, 403, "forbidden"),
    ("404", {"message": "?"}, 404, "no_endpoints"),
    ("410", {"message": "?"}, 410, "no_endpoints"),
    ("408", None, 408, "upstream_timeout"),
    ("504", None, 504, "upstream_timeout"),
    ("522", None, 522, "upstream_timeout"),
    ("524", None, 524, "upstream_timeout"),
    ("413", None, 413, "request_too_large"),
    ("429", None, 429, "rate_limited"),
    ("a provider's 422", meta(provider_name="Venice"), 422, "rejected_by_provider"),
    ("422", {"message": "?"}, 422, "rejected_by_openrouter"),
    ("a 4xx that is not listed", {"message": "?"}, 418, "rejected_by_openrouter"),
    ("503", {"message": "?"}, 503, "overloaded"),
    ("529", {"message": "?"}, 529, "overloaded"),
    ("503 in HTML", None, 503, "openrouter_error"),
    ("502 in HTML", None, 502, "openrouter_error"),
    ("500", {"message": "Internal Server Error"}, 500, "openrouter_error"),
    ("502", {"message": "?"}, 502, "provider_error"),
    ("no code at all", {"message": "The operation was aborted"}, None, "provider_error"),
    ("a success status other than 200", None, 204, "provider_error"),
    ("a deprecated model", {"availability": {"code": "model_deprecated"}}, 404, "no_endpoints"),
    ("a restricted region", {"availability": {"code": "region_restricted"}}, 403, "forbidden"),
    (
        "a new code, retryable",
        {"availability": {"code": "new", "retryable": True}},
        503,
        "unavailable_for_now",
    ),
    ("a new code, not retryable", {"availability": {"code": "new", "retryable": False}}, 404, "unavailable"),
]


@pytest.mark.parametrize(("error", "status", "code"), [pytest.param(*row, id=name) for name, *row in ERRORS])
def test_each_error_gets_the_code_of_its_row(error: Json, status: int | None, code: str) -> None:
    assert fault_of(error, status).code == code


def test_every_code_of_the_rows_is_in_the_fault_table() -> None:
    assert {row.code for row in ROWS} <= set(RULES)


def test_the_errors_above_cover_every_code_of_the_rows() -> None:
    assert {row.code for row in ROWS} == {code for *_, code in ERRORS}


@pytest.mark.parametrize(
    ("code", "status"),
    [(429, 429), ("502", 502), ("server_error", None), (200, None), (True, None), (9, None)],
)
def test_inside_a_200_the_code_of_the_error_is_the_status(code: Json, status: int | None) -> None:
    assert fault_of({"code": code}).status == status


def test_the_http_status_takes_precedence_over_the_code_in_the_body() -> None:
    assert fault_of({"code": 500}, 429).status == 429
