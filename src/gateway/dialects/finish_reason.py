"""Maps the finish reasons of all providers to OpenAI's."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from gateway.http.json_values import Json

# OpenAI's reasons. Source: OpenAI API reference, "The chat completion object".
FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter"})
# The reason of a choice that failed. Source: OpenRouter "Errors and Debugging".
FAILED = "error"
# What any other word becomes. A client then knows that the answer may be incomplete. `stop` would hide that.
UNKNOWN = "length"

# Words that say that an answer has not finished: they are the same as no word.
# Sources: Google FinishReason; OpenAI Responses `status`; servers that send an empty word with every chunk.
NOT_FINISHED = frozenset(
    {"", "null", "none", "nil", "undefined", "unspecified", "not_finished", "unfinished", "in_progress"}
)
# For each of OpenAI's reasons, the words of providers, as `_plain` writes them.
# Sources: A Anthropic and Bedrock `stop_reason`, C Cohere `finish_reason`, D DeepSeek `finish_reason`,
# G Google `FinishReason`, L llama.cpp `stop_type`, M Mistral, R OpenAI Responses `status`, T TGI
# `finish_reason`, V vLLM and SGLang, X xAI, Z Z.ai `finish_reason`.
_WORDS: Mapping[str, str] = {
    "stop": "completed complete finished finish done end eos "  # R, C, X
    "end_turn stop_sequence end_of_turn "  # A, C
    "eos_token end_of_text endoftext word normal",  # T, L
    "length": "max_tokens max_output_tokens max_token "  # A, G
    "max_length token_limit limit incomplete "  # C, L, R
    "model_length context_length context_length_exceeded "  # M
    "model_context_window_exceeded pause_turn compaction",  # A, Z
    "tool_calls": "tool_use tool_call function_call function_calls",  # A, C, OpenAI's older word
    "content_filter": "safety recitation language blocklist prohibited_content spii image_safety "  # G
    "image_prohibited_content image_recitation model_armor "  # G
    "content_filtered guardrail_intervened refusal moderation moderated filtered flagged "  # A
    "sensitive error_toxic",  # Z, C
}
# Words for a choice that failed.
FAULT_WORDS = frozenset(
    {
        *(
            "error",
            "failed",
            "failure",
            "abort",
            "aborted",
            "timeout",
            "server_error",
            "internal_error",
        ),  # V, R
        *("cancelled", "canceled", "user_cancel", "error_limit"),  # R, C
        *("insufficient_system_resource", "network_error"),  # D, Z
        *("malformed_function_call", "malformed_response", "unexpected_tool_call"),  # G
        *("too_many_tool_calls", "missing_thought_signature", "no_image", "image_other"),  # G
        *("malformed_tool_use", "malformed_model_output"),  # A
    }
)
FINISH_WORDS: Mapping[str, str] = MappingProxyType(
    {word: reason for reason, words in _WORDS.items() for word in words.split()}
)
MAX_WORD_CHARACTERS = 100
_SEPARATORS = re.compile(r"[\s.-]++")
# The name of an enumeration before its word. Sources: Google's REST and Python clients.
_PREFIX = re.compile(r"(?:finish_?reason_|stop_?reason_)")


def finish_of(native: Json) -> str | None:
    """Return a provider's finish reason as one of OpenAI's, or as ``error``.

    None if it is no text, or says that the answer has not finished. A word that no provider is known to use
    becomes ``length``, so that a cut answer never looks complete.
    """
    if not isinstance(native, str):
        return None
    if native in FINISH_REASONS:
        return native
    word = _plain(native[:MAX_WORD_CHARACTERS])
    if word in NOT_FINISHED:
        return None
    if word in FAULT_WORDS:
        return FAILED
    return word if word in FINISH_REASONS else FINISH_WORDS.get(word, UNKNOWN)


def _plain(word: str) -> str:
    """Return a word in lower case, with underscores between its parts."""
    plain = _SEPARATORS.sub("_", word.strip().lower())
    prefix = _PREFIX.match(plain)
    return plain[prefix.end() :] if prefix else plain
