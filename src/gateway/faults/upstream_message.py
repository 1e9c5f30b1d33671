"""Reads what an upstream says of its error, and cleans it so that the caller may see it.

Loaded when the first upstream reports an error. The text is for the caller of the failed request only: it may
repeat the prompt. It must not get into the log, the ledger, a header or a cache.
"""

import re

from gateway.faults.details import REDACTED, VISIBLE_ASCII, shorten
from gateway.faults.fault import ReportedError
from gateway.faults.redact import redact
from gateway.http.json_bytes import parse_json
from gateway.http.json_values import Json, JsonObject, object_or_empty

MAX_CHARACTERS = 500
# How much of a text is read. The limit comes before any other work.
_MAX_READ = 1_000
# A message may be JSON itself, with the error of another upstream in it.
_MAX_JSON, _MAX_JSON_VALUES, _MAX_NESTED = 16_384, 1_000, 6
# Where an error says which one it is. Sources: OpenAI "Error codes" (code, type), Anthropic "Errors" (type),
# Google "Errors" (code, status), OpenRouter "Errors and Debugging" (code, error_type, http_status).
_CODES = ("code", "status", "error_type", "type", "http_status")
_CODE_WORD = re.compile(r"[A-Za-z][\w.-]{0,63}|[0-9]{1,9}", re.ASCII)
_MAX_CODE = 999_999_999

# Printable characters that show nothing. Source: Unicode, "Default_Ignorable_Code_Point".
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
    + "".join(map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
_MARKUP = re.compile(
    r"\A(?:<|&lt;)[a-z!?/]"
    r"|(?:<|&lt;)(?:!|[/]?(?:html|head|body|title|script|style|meta|div|span|p|br|hr|h[1-6]|a|img|center|table"
    r"|iframe|svg|pre)(?:[\s/>]|&gt;|\Z))",
    re.IGNORECASE,
)
# The beginning of a JSON object, or of what Python prints for one.
_OBJECT = re.compile(r"""\{ ?\\?["'][\w.$ -]{0,64}+\\?["'] ?:""")
_LIST = re.compile(r"""\[\s*+[\[{\]"'0-9]""")
_PRIVATE_KEY = "-----BEGIN"


def reported_error(error: Json, *, status: int | None) -> ReportedError:
    """Return what an upstream's error says, cleaned. It never raises, whatever ``error`` is.

    The provider's message in ``metadata.raw`` counts if OpenRouter's own says nothing.

    Args:
        error: the value of ``error`` in the body or event.
        status: the HTTP status, or the code of an error inside a 200 response; None if there is neither.
    """
    own = _reported(error, status)
    if not own.says_nothing:
        return own
    raw = object_or_empty(object_or_empty(error).get("metadata")).get("raw")
    providers = _reported(raw, own.code)
    return own if providers.says_nothing else providers


def _reported(error: Json, otherwise: str | int | None) -> ReportedError:
    text, code = _message_in(error)
    return ReportedError(message=clean(text), code=otherwise if code is None else code)


def clean(text: str) -> str | None:
    """Return an upstream's text as its caller may see it; None if nothing of it may be shown.

    It is one line of at most ``MAX_CHARACTERS`` printable characters, without secrets and identities (see
    ``faults.redact``). HTML and JSON are left out.
    """
    line = " ".join("".join(map(_printable, text[:_MAX_READ])).split())
    if len(text) > _MAX_READ:
        line = line.rstrip(VISIBLE_ASCII)
    if _MARKUP.search(line):
        return None
    if embedded := _OBJECT.search(line):
        line = line[: embedded.start()].rstrip(" -:,([{")
    before, private_key, _ = line.partition(_PRIVATE_KEY)
    line = shorten(redact(before) + (REDACTED if private_key else ""), MAX_CHARACTERS)
    return line if any(map(str.isalnum, line)) else None


def _printable(character: str) -> str:
    if character.isspace():
        return " "
    return character if character.isprintable() and character not in _INVISIBLE else ""


def _message_in(value: Json, nested: int = 0) -> tuple[str, str | int | None]:
    """Return the message in an error of any known form, and the code beside it; an empty text if none.

    Sources: OpenAI, OpenRouter: ``{"message", "code"}``. Anthropic: ``{"type": "error", "error": {"type",
    "message"}}``. Google: ``{"error": {"code", "message", "status"}}``, also in a list.
    """
    if nested > _MAX_NESTED:
        return "", None
    if isinstance(value, str):
        return _message_in_text(value, nested)
    if isinstance(value, list):
        return _message_in(value[0], nested + 1) if value else ("", None)
    if not isinstance(value, dict):
        return "", None
    inner = value.get("error")
    names = ("error", "message") if isinstance(inner, dict) else ("message", "error")
    for name in names:
        text, code = _message_in(value.get(name), nested + 1)
        if text:
            return text, _code_in(value) if code is None else code
    return "", _code_in(value)


def _message_in_text(text: str, nested: int) -> tuple[str, str | int | None]:
    """Return the message in a text: the text itself, unless it is JSON, or the beginning of JSON."""
    start = text[:_MAX_JSON].lstrip()
    if not start.startswith("{") and not _LIST.match(start):
        return text[: _MAX_READ + 1], None
    if len(text) > _MAX_JSON:
        return "", None
    try:
        value = parse_json(start.encode("utf-8", "surrogatepass"), max_values=_MAX_JSON_VALUES)
    except ValueError:
        return "", None
    return _message_in(value, nested + 1)


def _code_in(fields: JsonObject) -> str | int | None:
    """Return the code of an error: a small number, or one word that holds no secret."""
    for name in _CODES:
        value = fields.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_CODE:
            return value
        if isinstance(value, str) and _CODE_WORD.fullmatch(value) and redact(value) == value:
            return value
    return None
