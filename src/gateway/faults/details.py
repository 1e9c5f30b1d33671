"""Selects what of an upstream's words may be stored and shown: names, words, times and amounts.

Free text is not among them. The caller of a failed request sees the upstream's message apart from them:
``faults.upstream_message`` cleans it.
"""

import re
from collections.abc import Mapping

from gateway.faults.fault import ReportedError
from gateway.http.destination import redact_key, repeats_key
from gateway.http.json_values import Json, JsonObject, list_or_empty, number_or_none, object_or_empty
from gateway.http.message import Upstream

REDACTED = "[redacted]"
MAX_LISTED = 10
MAX_CHARACTERS = 64
VISIBLE_ASCII = "".join(map(chr, range(0x21, 0x7F)))

# The fields that are shown, and the pattern that each value must match.
_WORD = re.compile(r"[a-z][a-z0-9_]{0,47}")
_NAME = re.compile(r"[A-Za-z][\w.()/&-]{0,31}+(?: [\w.()/&-]{1,16}+){0,3}+")
_REASON = re.compile(r"[a-z][a-z0-9_/-]{0,47}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\dZ:+-]{0,12}")
_SHOWN: Mapping[str, re.Pattern[str]] = {
    "provider_name": _NAME,
    "limit_source": _WORD,
    "error_type": _WORD,
    "scope": _WORD,
    "resets_at": _TIME,
}
_SHOWN_NUMBERS = ("limit_usd", "spend_usd")


def short_line(value: Json, upstream: Upstream) -> str | None:
    """Return an upstream's text as it may be stored and shown: one line of at most ``MAX_CHARACTERS``.

    None if it is not a text, is blank, or repeats the upstream's key.
    """
    if not isinstance(value, str):
        return None
    printable = "".join(each if each.isprintable() else " " for each in value[:MAX_CHARACTERS])
    line = " ".join(printable.split())
    return line if line and not repeats_key(line, upstream) else None


def shorten(line: str, characters: int) -> str:
    """Return a line of at most this many characters; it ends after a word, so that no key is cut in two."""
    if len(line) <= characters:
        return line
    return line[: characters - 1].rstrip(VISIBLE_ASCII).rstrip() + "…"


def without_key(details: dict[str, Json], upstream: Upstream) -> dict[str, Json]:
    """Return details, as ``safe_details`` gives them, without the texts that repeat the upstream's key."""
    cleaned: dict[str, Json] = {
        name: [each for each in value if not repeats_key(str(each), upstream)]
        if isinstance(value, list)
        else value
        for name, value in details.items()
    }
    return {
        name: value
        for name, value in cleaned.items()
        if isinstance(value, list) or not repeats_key(str(value), upstream)
    }


def reported_without_key(reported: ReportedError, upstream: Upstream) -> ReportedError:
    """Return what an upstream reported, without its key: ``REDACTED`` is in the place of each part of it."""
    message, code = reported.message, reported.code
    if message is not None:
        message = redact_key(message, upstream, instead=REDACTED)
    if isinstance(code, str) and redact_key(code, upstream, instead=REDACTED) != code:
        code = None
    return ReportedError(message=message, code=code)


def safe_details(metadata: JsonObject) -> dict[str, Json]:
    """Return the fields of an upstream's metadata that are safe to show."""
    details: dict[str, Json] = {}
    for name, form in _SHOWN.items():
        value = metadata.get(name)
        if isinstance(value, str) and len(value) <= MAX_CHARACTERS and form.fullmatch(value):
            details[name] = value
    for name in _SHOWN_NUMBERS:
        amount = number_or_none(metadata.get(name))
        if amount is not None:
            details[name] = amount
    reasons = metadata.get("reasons")
    if isinstance(reasons, list):
        shown: list[Json] = [each for each in reasons if isinstance(each, str) and _REASON.fullmatch(each)]
        details["reasons"] = shown[:MAX_LISTED]
    providers = [_provider_of(each) for each in list_or_empty(metadata.get("previous_errors"))]
    tried: list[Json] = [name for name in providers if name]
    if tried:
        details["providers_tried"] = tried[:MAX_LISTED]
    return details


def _provider_of(previous: Json) -> str | None:
    """Return the provider's name from an entry of ``previous_errors``, which has three possible forms."""
    fields = object_or_empty(previous)
    name = fields.get("provider_name") or fields.get("provider")
    if not isinstance(name, str) or len(name) > MAX_CHARACTERS:
        return None
    return name if _NAME.fullmatch(name) else None
