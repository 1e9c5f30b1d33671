"""At which endpoints a behaviour has a meaning."""

from simulator.dialects.dialect import Dialect
from simulator.row import Behaviour

TEXT = "text"
STREAMED = frozenset({"image"})
JSON = frozenset({"embeddings", "rerank", "transcription"}) | STREAMED
SPEECH = frozenset({"speech"})
ANY = JSON | SPEECH
_OF_ANY_SIZE = frozenset({"image", "speech", "transcription"})

_GROUPS = dict.fromkeys(("status", "connection"), ANY | {TEXT})
# Rows of the other groups that mean something beside conversations; a row that is missing here does not.
_ROWS = {
    **dict.fromkeys(("ok", "coder", "slow-<n>ms", "late-<n>ms", "drip-<n>ms", "one-byte"), ANY),
    **dict.fromkeys(("bytes-<n>", "long-<n>", "huge-event"), _OF_ANY_SIZE),
    **dict.fromkeys(("comments-<n>ms", "no-cost"), JSON),
    **dict.fromkeys(("rejects-<field>", "prompt-limit-<n>"), ANY),
    # failures in a 200
    **dict.fromkeys(("html", "html-502", "empty-body", "garbage", "empty"), ANY),
    **dict.fromkeys(("soft-01-200-error-only", "error-string", "error-first", "rate-limit-first"), ANY),
    **dict.fromkeys(("cut-json", "whitespace", "choices-empty", "choice-error"), JSON),
    # streams; a plain answer breaks in the way that the table says
    **dict.fromkeys(("stall-before", "stall-after", "stall-after-block"), ANY),
    **dict.fromkeys(("reset-after", "reset-after-block"), ANY),
    **dict.fromkeys(("comments-only", "comments-end", "stall-comments", "stall-empty"), JSON),
    **dict.fromkeys(("cut-after", "cut-after-block", "cut-event", "garbage-event", "done-only"), JSON),
    **dict.fromkeys(("error-mid", "error-mid-string", "error-mid-nocode", "rate-limit-mid"), JSON),
    **dict.fromkeys(("error-before-block", "error-after-block"), JSON),
    **dict.fromkeys(("no-done", "empty-stream", "plain-for-stream", "stream-for-plain"), STREAMED),
    **dict.fromkeys(("crlf", "cr", "multi-line", "bom"), STREAMED),
}
_RECORDED_ERROR = "err-"


def outputs_of(row: Behaviour) -> frozenset[str]:
    """Return what the models put out for which this behaviour means something."""
    if row.only is not None:
        return row.only
    if row.name.startswith(_RECORDED_ERROR):
        return ANY | {TEXT}
    return _GROUPS.get(row.group) or _ROWS.get(row.name, frozenset()) | {TEXT}


def has_meaning(row: Behaviour, dialect: Dialect) -> bool:
    """Return whether this behaviour means something at this endpoint."""
    return dialect.output in outputs_of(row)
