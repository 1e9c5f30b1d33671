"""Tests the form of errors, and the words that Anthropic's clients act on."""

import re

import pytest

from gateway.dialects.messages.errors import MESSAGES_ERRORS
from gateway.dialects.messages.key_words import FIELDS, TOO_LONG, with_key_words
from gateway.faults.fault import Fault, ReportedError, error_of
from gateway.faults.policy import RULES
from gateway.http.errors import KINDS, ErrorKind, GatewayError
from gateway.http.json_values import Json, JsonObject, object_or_empty
from gateway.http.responses import Frame, respond_error
from tests.support.speech import MESSAGES
from tests.support.world import World

FRAME = Frame(request_id="req-1", errors=MESSAGES_ERRORS)
# Anthropic's own types. Source: Anthropic API reference, "Errors".
TYPES = {
    "authentication_error",
    "billing_error",
    "permission_error",
    "not_found_error",
    "request_too_large",
    "rate_limit_error",
    "timeout_error",
    "overloaded_error",
    "invalid_request_error",
    "api_error",
}


def exhausted(
    code: str, *, status: int | None = None, said: str | None = None, **metadata: Json
) -> GatewayError:
    """Return the error of a chain that no model has answered."""
    upstream: JsonObject = {"message": said, "code": status, "provider": "Anthropic", "model": "a/one"}
    fault = Fault(code=code, status=status, reported=ReportedError(message=said))
    return error_of(fault, metadata={"upstream": upstream, "gateway": {}, **metadata})


def shown(error: GatewayError) -> JsonObject:
    return object_or_empty(MESSAGES_ERRORS.body(error, "req-1")["error"])


def test_an_error_has_anthropics_envelope_and_the_gateways_fields_as_in_chat() -> None:
    error = GatewayError("invalid_field", "`stream` must be true or false.", param="stream")
    body = MESSAGES_ERRORS.body(error, "req-1")
    chat = object_or_empty(error.to_json()["error"])

    assert (body["type"], body["request_id"]) == ("error", "req-1")
    assert body["error"] == {
        "type": "invalid_request_error",
        "message": "`stream` must be true or false.",
        "error_type": "invalid_field",
        "code": chat["code"],
        "param": chat["param"],
        "metadata": chat["metadata"],
    }


def test_openrouters_word_is_the_error_type_where_it_is_known() -> None:
    assert (
        shown(exhausted("overloaded", error_type="provider_overloaded"))["error_type"]
        == "provider_overloaded"
    )
    assert shown(exhausted("overloaded"))["error_type"] == "overloaded"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (GatewayError("invalid_json", "m"), "invalid_request_error"),
        (GatewayError("invalid_key", "m"), "authentication_error"),
        (GatewayError("budget_spent", "m"), "billing_error"),
        (GatewayError("not_allowed", "m"), "permission_error"),
        (GatewayError("not_found", "m"), "not_found_error"),
        (GatewayError("method_not_allowed", "m"), "invalid_request_error"),
        (GatewayError("body_timeout", "m"), "timeout_error"),
        (GatewayError("body_too_large", "m"), "request_too_large"),
        (GatewayError("agent_loop", "m"), "invalid_request_error"),
        (GatewayError("too_many_requests", "m"), "rate_limit_error"),
        (GatewayError("internal_error", "m"), "api_error"),
        (exhausted("key_limit_reached"), "billing_error"),
        (exhausted("upstream_timeout"), "timeout_error"),
        (exhausted("upstream_timeout", status=524), "timeout_error"),
        (exhausted("overloaded"), "api_error"),
        (exhausted("overloaded", status=500), "api_error"),
        (exhausted("overloaded", status=529), "overloaded_error"),
        (exhausted("provider_error"), "api_error"),
        (exhausted("rate_limited"), "rate_limit_error"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.code} {value.kind.status}",
)
def test_the_type_follows_the_status(error: GatewayError, kind: str) -> None:
    assert shown(error)["type"] == kind


@pytest.mark.parametrize("status", range(400, 600))
def test_only_status_529_is_an_overload_and_every_type_is_anthropics(status: int) -> None:
    kind = shown(GatewayError("x", "m", kind=ErrorKind(status, "api_error", "provider")))["type"]

    assert kind in TYPES
    assert (kind == "overloaded_error") is (status == 529)


@pytest.mark.parametrize("code", [*KINDS, *RULES])
def test_every_code_has_a_form(code: str) -> None:
    error = exhausted(code) if code in RULES else GatewayError(code, "m")

    assert shown(error)["type"] in TYPES
    assert shown(error)["code"] == code


@pytest.mark.parametrize(
    ("error", "may_retry"),
    [
        (GatewayError("too_many_requests", "m", retry_after_s=3), True),
        (GatewayError("too_many_requests", "m"), False),
        (
            GatewayError(
                "models_resting",
                "m",
                kind=KINDS["too_many_requests"],
                retry_after_s=3,
                metadata={"gateway": {}},
            ),
            False,
        ),
        (exhausted("overloaded"), False),
    ],
    ids=["a rate limit", "no time", "a chain that waits", "a chain"],
)
def test_only_what_no_model_was_asked_for_may_be_asked_again(error: GatewayError, may_retry: bool) -> None:
    headers = dict(respond_error(error, FRAME).headers)

    assert MESSAGES_ERRORS.may_retry(error) is may_retry
    assert ("x-should-retry" not in headers) is may_retry


def test_a_prompt_that_is_too_long_is_said_in_anthropics_words() -> None:
    message = with_key_words(exhausted("context_too_long"))

    assert message.startswith("prompt is too long: ")
    assert RULES["context_too_long"].message in message


EXTRA = "Extra inputs are not permitted"
TAG = "tools: Input tag found using 'type' does not match any of the expected tags. "
# Each: what an upstream says, and the field or the words with which the client's message begins.
REJECTIONS = {
    f"safeguards: {EXTRA}": "safeguards",
    f"context_management: {EXTRA}": "context_management",
    "No endpoints available that support Anthropic's context management": "context_management",
    f"thinking.display: {EXTRA}": "thinking.display",
    f"thinking: {EXTRA}": "thinking",
    "adaptive thinking is not supported on this model": "thinking.type",
    "This model does not support extended thinking.": "thinking",
    f"output_config: {EXTRA}": "output_config",
    "output_config.effort: Input should be valid, unknown value": "output_config.effort",
    "thinking.type: Input should be 'enabled' or 'disabled'": "thinking.type",
    "This model does not support the effort parameter.": "output_config.effort",
    "tools.0.custom.cache_control: unexpected field": "cache_control",
    "tools.1: Input tag 'x_1' found using 'type' does not match any of the expected tags": TAG,
    "Unknown tool type": TAG,
}  # fmt: skip  # one message a line


@pytest.mark.parametrize("said", REJECTIONS)
@pytest.mark.parametrize("code", ["rejected_by_provider", "rejected_by_openrouter", "no_endpoints"])
def test_a_rejected_field_is_named_first(said: str, code: str) -> None:
    error = exhausted(code, status=400, said=said)
    message = with_key_words(error)

    field = REJECTIONS[said]
    assert message.startswith(field if field == TAG else f"{field}: {EXTRA}. ")
    assert message.endswith(error.message)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("rejected_by_provider", None),
        ("rejected_by_provider", "max_tokens: 64000 > 32000"),
        ("rejected_by_provider", "thinking"),
        ("no_endpoints", "No endpoints found that support tool use."),
        ("rejected_by_provider", "messages.1: Invalid `signature` in `thinking` block"),
        ("rejected_by_provider", "rethinking is not supported"),
        ("overloaded", "thinking is not supported"),
        ("upstream_key_rejected", "safeguards: Extra inputs are not permitted"),
    ],
)
def test_no_words_are_invented(code: str, said: str | None) -> None:
    error = exhausted(code, status=400, said=said)

    assert with_key_words(error) == error.message


@pytest.mark.anyio
async def test_where_a_lower_max_tokens_helps_the_client_reads_the_numbers() -> None:
    said = "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000"
    world = World().script("a/one", MESSAGES.fails(400, said)).script("b/two", MESSAGES.fails(400, said))

    answer = await MESSAGES.ask(world, "a/one", "b/two")

    assert (answer.status, answer.codes) == (400, ["context_too_long"] * 2)
    assert said in answer.error["message"]
    assert TOO_LONG not in answer.error["message"]


def test_the_words_repeat_nothing_of_the_upstreams_text() -> None:
    error = exhausted("rejected_by_provider", status=400, said="thinking is not supported for SECRET")

    assert "SECRET" not in with_key_words(error).removesuffix(error.message)


def test_the_words_are_not_said_twice() -> None:
    error = GatewayError(
        "context_too_long", "Prompt is too long: 9 > 8", kind=RULES_KIND, metadata={"gateway": {}}
    )

    assert with_key_words(error) == "Prompt is too long: 9 > 8"


RULES_KIND = ErrorKind(400, "invalid_request_error", "provider")


def test_only_the_beginning_of_a_text_is_searched_and_in_linear_time() -> None:
    said = "x" * 600 + " thinking is not supported"
    error = exhausted("rejected_by_provider", status=400, said=said)

    assert with_key_words(error) == error.message
    assert all(not re.search(r"[*+]", field.named.pattern.replace("\\", "")) for field in FIELDS)
