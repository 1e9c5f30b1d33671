"""What is left of an upstream's text: no secret and no identity, but all that helps to mend a request."""

import pytest

from gateway.faults.details import REDACTED
from gateway.faults.redact import redact

HEX = "0123456789abcdef" * 4
SECRETS = [
    f"sk-or-v1-{HEX}",
    "sk-or-v1-abc",
    "sk-ant-api03-AbC_def-GHI012",
    "sk-proj-AbCdEfGhIjKlMnOpQrStUvWx",
    "sk-proj-****************************wxyz",
    "sk-svcacct-abc",
    "sk_live_abcdef",
    "SK-OR-V1-ABCDEF",
    "AIzaSyA",
    "AIzaSyA-bcdefghijklmnopqrstuvwxyz01234",
    "gsk_abcdefgh",
    "hf_AbCdEfGhIjKlMnOpQr",
    "xai-abcdefghijklmnopqrstuvwx",
    "pplx-abcdefghijklmnop",
    "nvapi-abcdefgh",
    "ghp_abcdefghijklmnop",
    "github_pat_11ABCDE",
    "glpat-abcdefgh",
    "xoxb-1234-abcd",
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "ya29.a0AfH6SMBx",
    HEX,
    HEX.upper()[:16],
    "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY",
    "dGhpcyBpcyBhIHNlY3JldCB0b2tlbg+/dGhpcyBpcyBhIHNlY3JldA==",
    "aB3-dE5_fG7-hJ9_kL1-mN3",
    "abcd****wxyz",
    "deadb...4567",
    "deadb…4567",
    "••••4567",
    "org-AbCdEfGhIjKl",
    "org-abc123",
    "user_2xEXAMPLE000000000000000000",
    "acct_1A2b3C",
    "proj_abcDEF123",
    "123e4567-e89b-12d3-a456-426614174000",
    "123456789012",
    "projects/my-project-123/locations/us",
    "arn:aws:bedrock:us-east-1:123456789012:model/x",
    "ann.example+x@mail.example",
    "ann%40mail.example",
    "https://user:pass@host.example/v1",
    "postgres://u:p@localhost/db",
    "https://host.example/v1?key=abc",
    "https://host.example/v1?a=b&access_token=abc&c=d",
    "/v1?X-Amz-Signature=abc",
    "api_key=abc",
    "user_id=abc",
    "password:abc",
    "-----BEGIN",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "around", ["{}", "Wrong: {}.", "({}), no", "see '{}'!", 'x "{}" y', "坏{}的", "`{}`?", "[{}]"]
)
def test_secrets_and_identities_are_left_out(secret: str, around: str) -> None:
    assert redact(around.format(secret)) == around.format(REDACTED)


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("Authorization: Bearer abc.", "Authorization: Bearer {}."),
        ("use Basic dXNlcjpwYXNz", "use Basic {}"),
        ('"api_key": "abC1"', '"api_key": "{}"'),
        ("Incorrect API key provided: abcdef. You", "Incorrect API key provided: {}. You"),
        ("the password: hunter", "the password: {}"),
        ("x-api-key: a1b2c3", "x-api-key: {}"),
        ("the key ending in 4567 is", "the key ending in {} is"),
        ("account 1234567 has", "account {} has"),
        ("user id: 77", "user id: {}"),
        ("Project ID: my-project-1", "Project ID: {}"),
        ("organization abc123def", "organization {}"),
        ("in organization org-xyz on", "in organization {} on"),
        ("account 12-34-5678", "account {}"),
        ("The API key 'abcdef123456' is", "The API key '{}' is"),
        ("the password hunter2 is", "the password {} is"),
        ("Authorization: Token abcdef.", "Authorization: Token {}."),
    ],
)
def test_what_follows_its_label_is_left_out(line: str, left: str) -> None:
    assert redact(line) == left.format(REDACTED)


@pytest.mark.parametrize(
    "line",
    [
        "anthropic/claude-sonnet-4.5-20250929 is not a valid model ID",
        "gpt-5.4-mini-2026-03-17",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "claude-3-5-sonnet@20240620, claude-sonnet-4@default and @cf/meta/llama-3.1-8b-instruct",
        "meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8",
        "deepseek-ai/DeepSeek-R1-Distill-Qwen3-8B",
        "Qwen3-235B-A22B-Instruct-2507 and mistralai/Mixtral-8x22B-Instruct-v0.1",
        "accounts/fireworks/models/qwen2p5-vl-32b-instruct",
        "ft:gpt-4o-mini-2024-07-18:my-org::AbC123xy",
        "This model's maximum context length is 131072 tokens. However, you requested 1048576 tokens.",
        "prompt is too long: 208310 tokens > 200000 maximum",
        "You requested up to 65536 tokens, but can only afford 3395.",
        "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
        "max_tokens=4096, top_p: 0.7123456789012, user_prompt, session_id",
        "Invalid 'tools[0].function.name': does not match '^[a-zA-Z0-9_-]+$'.",
        "messages.1.content.0.tool_use.id: Field required",
        'Your input was flagged for "violence". No credits were charged.',
        "Missing bearer token in header; bearer authentication is required",
        "Configure: https://openrouter.ai/settings/privacy",
        "Manage it using https://platform.openai.com/account/api-keys",
        "ValidationException: InvalidParameterCombinationException",
        "Unexpected token: } at 5; token 128001 is unknown; Unknown key 'response_format2'",
        "the basic plan, per user 100 requests",
        "Stop sequences </s> and <|im_end|> are not allowed",
        "Field 'a' ends with 'b'; messages must not end with a user message",
        "free-models-per-day; task-1, disk-full, risk-based",
        "上下文长度超过 32768",
        "",
    ],
)
def test_what_helps_to_mend_a_request_stays(line: str) -> None:
    assert redact(line) == line
