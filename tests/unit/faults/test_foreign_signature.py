"""Tests which errors say that a model refused the signed reasoning of another model."""

import json

import pytest

from gateway.faults.policy import Scope, Verdict
from gateway.http.json_values import Json
from gateway.memory.cooldowns import Cooldowns
from tests.support.faults import NOW_S, fault_of, meta

# As users of clients have reported them, for Anthropic, Bedrock, OpenAI, xAI and Google.
SENTENCES = (
    "messages.1.content.0: Invalid `signature` in `thinking` block",
    "messages.19.content.13: Invalid signature in thinking block",
    "messages.3.content.0: Invalid `data` in `redacted_thinking` block",
    "Invalid `signature` in `thinking` block. The block is bound to a different conversation.",
    "Thinking block is bound to a different conversation prefix",
    "messages.5.content.1: `thinking` or `redacted_thinking` blocks in the latest assistant message "
    "cannot be modified. These blocks must remain as they were in the original response.",
    "InvokeModelWithResponseStream: ValidationException.content.0: Invalid `signature` in `thinking` block",
    "The encrypted content gAAA...DQ== could not be verified.",
    "The encrypted content for item rs_0a18166210d7 could not be verified. Reason: Encrypted content could "
    "not be decrypted or parsed.",
    "The encrypted content - **... could not be verified.",
    "Encrypted function output content could not be decrypted or decoded.",
    "The encrypted_content could not be decrypted.",
    "Could not decrypt the provided encrypted_content. Ensure the value is the unmodified "
    "encrypted_content from a previous response.",
    "Could not decode the compaction blob. Ensure it is unmodified from the compact response.",
    "Corrupted thought signature.",
    "Invalid thought signature.",
    "Unable to submit request because Thought signature is not valid.. Learn more: https://cloud.google.com/",
    "invalid thought_signature",
    "THINKING_SIGNATURE_INVALID: start a new conversation",
)
OTHERS = (
    "The signature of the function is invalid",
    "Invalid `name` in `thinking` settings",
    "The file's content could not be verified",
    "Your key could not be verified",
    "thinking is not supported by this model",
    "Function call is missing a thought_signature in functionCall parts.",  # nothing can be taken out
    "encrypted content " + "x " * 500 + "could not be verified",
)


def nested(message: str) -> Json:
    """Return OpenRouter's error for a provider's, which is in its raw text."""
    raw = json.dumps({"type": "error", "error": {"type": "invalid_request_error", "message": message}})
    return {"message": "Provider returned error", "code": 400, "metadata": {"raw": raw, "provider_name": "X"}}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_refused_signature_is_recognized_in_every_form_of_an_error(sentence: str) -> None:
    anthropics: Json = {"type": "invalid_request_error", "message": sentence}
    forms: list[tuple[Json, int | None]] = [
        (nested(sentence), 400),
        (nested(sentence), None),
        (sentence, 400),
        (anthropics, 422),
        (anthropics, None),
    ]

    assert {fault_of(error, status).code for error, status in forms} == {"foreign_signature"}


@pytest.mark.parametrize("sentence", OTHERS)
def test_other_refusals_keep_their_code(sentence: str) -> None:
    assert fault_of(nested(sentence), 400).code == "rejected_by_provider"


@pytest.mark.parametrize("status", [401, 402, 429, 500, 503])
def test_a_sentence_counts_only_with_the_status_of_a_refused_request(status: int) -> None:
    assert fault_of({"message": SENTENCES[0]}, status).code != "foreign_signature"


@pytest.mark.parametrize("word", ["invalid_encrypted_content", "thinking_signature_invalid"])
def test_a_word_counts_with_any_status(word: str) -> None:
    assert fault_of({"code": word, "message": "?"}, 500).code == "foreign_signature"
    assert fault_of(meta(reason=word.upper(), error_type=word), None).code == "foreign_signature"


def test_it_falls_back_costs_nothing_and_is_no_slowness() -> None:
    fault = fault_of({"message": SENTENCES[0]}, 400, retry_after="60")

    assert (fault.rule.verdict, fault.rule.scope) == (Verdict.FALL_BACK, Scope.MODEL)
    assert fault.rule.billed == "no"
    assert not fault.is_slowness


def test_it_cools_nothing_down_whatever_the_upstream_asks_for() -> None:
    cooldowns = Cooldowns()

    cooldowns.note("a/one", fault_of({"message": SENTENCES[0]}, 400, retry_after="60"), now_s=NOW_S)

    assert cooldowns.ready_at_s("a/one", now_s=NOW_S) <= NOW_S
