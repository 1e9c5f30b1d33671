"""Recognizes a tool's result that reports an error. OpenAI's format has no field for that."""

import json
import re

from gateway.http.json_bytes import check_size
from gateway.http.json_values import Json, JsonObject, list_or_empty

# How much of a text is looked at: an error is reported at the beginning.
BEGINNING_CHARACTERS = 200
# A longer text that looks like JSON is content, and not an error.
MAX_JSON_CHARACTERS = 100_000
MAX_JSON_VALUES = 10_000
# Brackets, marks and symbols before the first word: `<tool_use_error>`, `[error]`, `**Error**`.
_FIRST_WORD = re.compile(r"[\W_]*+([\w.]++)")
# What follows the first word of an error: a mark, the end, or one of these words.
_MARK = re.compile(r"\s*+(?:[:!.)\]>*\n(]|- |\Z)")
_NEXT_WORD = re.compile(r"\s++([a-z]++)", re.IGNORECASE)
NEXT_WORDS = frozenset(
    {
        "at",
        "calling",
        "code",
        "during",
        "executing",
        "fetching",
        "from",
        "in",
        "invoking",
        "loading",
        "message",
        "number",
        "occurred",
        "on",
        "opening",
        "parsing",
        "processing",
        "reading",
        "running",
        "searching",
        "updating",
        "when",
        "while",
        "with",
        "writing",
    }
)
# First words that report an error, beside all that end in `error` or `exception`.
FIRST_WORDS = frozenset({"err", "failed", "failure", "fatal", "panic", "aborted", "denied", "timeout"})
# Beginnings that report an error whatever follows.
BEGINNINGS = (
    "traceback (most recent call last)",
    "access denied",
    "cannot ",
    "can't ",
    "command failed",
    "command not found",
    "could not ",
    "failed to ",
    "file not found",
    "invalid ",
    "no such ",
    "not found",
    "permission denied",
    "timed out",
    "tool not found",
    "unable to ",
    "unknown tool",
)
_EXIT_CODE = re.compile(
    r"(?:process |command )?+(?:exit|exited with|returned)(?: non-zero)?+(?: exit)?+ (?:code|status)"
    r":?+ ?+-?+[1-9]"
)
_JSON_MARKS = ("error", "Error", "success", '"ok"', '"status"')
_ERROR_FIELDS = ("error", "errors", "is_error", "isError")
_SUCCESS_FIELDS = ("ok", "success")
_FAILED = frozenset({"error", "errored", "failed", "failure"})


def reports_error(message: JsonObject, content: Json) -> bool:
    """Return whether a tool's message reports an error.

    Args:
        message: the message.
        content: its content, as text if it consists of text.
    """
    if _says_error(message):
        return True
    return isinstance(content, str) and (_begins_as_error(content) or _is_json_error(content))


def text_of(content: Json) -> Json:
    """Return the text of a message's content, without white space around it; other content as it is."""
    if isinstance(content, str):
        return content.strip()
    texts = []
    for part in list_or_empty(content):
        text = part.get("text") if isinstance(part, dict) else part
        if not isinstance(text, str):
            return content
        texts.append(text)
    return "\n".join(texts).strip() if texts else content


def _begins_as_error(text: str) -> bool:
    beginning = text[:BEGINNING_CHARACTERS]
    word = _FIRST_WORD.match(beginning)
    if word is None:
        return False
    sentence = beginning[word.start(1) :].lower()
    if sentence.startswith(BEGINNINGS) or _EXIT_CODE.match(sentence):
        return True
    first = word[1].lower().rstrip(".")
    # `tool_use_error` is one word here, and so is `builtins.ValueError`.
    if not first.endswith(("error", "exception")) and first not in FIRST_WORDS:
        return False
    follows = _NEXT_WORD.match(beginning, word.end())
    return _MARK.match(beginning, word.end()) is not None or (
        follows is not None and follows[1].lower() in NEXT_WORDS
    )


def _is_json_error(text: str) -> bool:
    if text[:1] != "{" or len(text) > MAX_JSON_CHARACTERS or not any(mark in text for mark in _JSON_MARKS):
        return False
    try:
        check_size(text.encode(), max_values=MAX_JSON_VALUES)
        value = json.loads(text)
    except ValueError:
        return False
    return isinstance(value, dict) and _says_error(value)


def _says_error(fields: JsonObject) -> bool:
    """Return whether an object has a field that reports an error."""
    status = fields.get("status")
    return (
        any(fields.get(name) for name in _ERROR_FIELDS)
        or any(fields.get(name) is False for name in _SUCCESS_FIELDS)
        or (isinstance(status, str) and status.lower() in _FAILED)
    )
