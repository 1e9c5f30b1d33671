"""Reads a form (multipart/form-data), and refuses what two programs could read in two ways.

The gateway checks a form, and the upstream reads it again. A part that only one of them sees could name a
model that the caller may not use. Sources: RFC 7578; RFC 2046, section 5.1.1.
"""

import re
from dataclasses import field

from gateway.http.frozen import dataclass

MAX_PARTS = 100
MAX_HEADERS_BYTES = 4_096  # of one part
MAX_TEXT_BYTES = 1_048_576  # of one part that is read as a text
MAX_NAME_CHARACTERS = 200
FORM_TYPE = "multipart/form-data"
END = b"\r\n"
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"  # noqa: S105  # RFC 9110's word for a name
_PARAMETER = re.compile(rf'[ \t]*+;[ \t]*+({_TOKEN})=(?:"((?:[^"\\]|\\.)*+)"|({_TOKEN}))')
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_HEADER = re.compile(rf"({_TOKEN}):[ \t]*+([^\x00-\x08\x0a-\x1f\x7f]*+)")
# The content transfer encodings that leave the bytes as they are. Source: RFC 2045, section 6.2.
PLAIN_ENCODINGS = ("7bit", "8bit", "binary")
CHARSETS = ("utf-8", "us-ascii")


class FormError(ValueError):
    """A form is not valid.

    Attributes:
        part: the name of the part that is at fault; ``body`` or ``content-type`` if it is none.
    """

    def __init__(self, message: str, *, part: str = "body") -> None:
        super().__init__(message)
        self.part = part


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a form. Nothing is copied.

    Attributes:
        name: the name of its field.
        is_file: whether it has a file's name.
        charset: the charset that its type names; empty if it names none.
        whole: its headers and its value, as they arrived.
        value: its value.
    """

    name: str
    is_file: bool
    charset: str
    whole: memoryview = field(repr=False)
    value: memoryview = field(repr=False)

    def text(self) -> str:
        """Return the value as a text.

        Raises:
            FormError: it is too long, or not UTF-8.
        """
        if len(self.value) > MAX_TEXT_BYTES:
            raise FormError(f"it has a text of more than {MAX_TEXT_BYTES} bytes")
        no_utf8 = FormError("it has a text that is not UTF-8")
        if self.charset and self.charset not in CHARSETS:
            raise no_utf8
        try:
            return str(self.value, "utf-8")
        except UnicodeDecodeError:
            raise no_utf8 from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form, with its parts in order."""

    boundary: str
    parts: tuple[Part, ...]


def is_form(content_type: str | None) -> bool:
    """Return whether a request's header says that its body is a form."""
    return (content_type or "").partition(";")[0].strip().lower() == FORM_TYPE


def read_form(raw: bytes, content_type: str) -> Form:
    """Return the form in a body.

    Raises:
        FormError: it is not valid, or it is not clear where a part ends.
    """
    boundary = _boundary_in(content_type)
    delimiter, view = f"--{boundary}".encode(), memoryview(raw)
    place = len(END) if raw.startswith(END) else 0
    if not raw.startswith(delimiter, place):
        raise FormError("it does not begin with the boundary that `Content-Type` names")
    parts: list[Part] = []
    while (start := _after(delimiter, raw, place)) is not None:
        place = raw.find(delimiter, start)
        if place < 0:
            raise FormError("it does not end with its boundary and `--`, so it may be cut off")
        end = place - len(END)
        if end < start or raw[end:place] != END:
            raise FormError("its boundary is inside a part, or a line does not end with CR and LF")
        if len(parts) == MAX_PARTS:
            raise FormError(f"it has more than {MAX_PARTS} parts")
        parts.append(_part(raw, view, start, end))
    return Form(boundary=boundary, parts=tuple(parts))


def _after(delimiter: bytes, raw: bytes, place: int) -> int | None:
    """Return where the part after the delimiter at ``place`` begins; None if it ends the form."""
    start = place + len(delimiter)
    following = raw[start : start + 2]
    if following == END:
        return start + len(END)
    if following != b"--":
        raise FormError("its boundary is inside a part, or a line does not end with CR and LF")
    if raw[start + 2 : start + 6] not in (b"", END):
        raise FormError("something is after its end")
    return None


def _part(raw: bytes, view: memoryview, start: int, end: int) -> Part:
    headers_end = raw.find(END * 2, start, min(end, start + MAX_HEADERS_BYTES))
    if headers_end < 0:
        raise FormError(f"a part has no headers, or more than {MAX_HEADERS_BYTES} bytes of them")
    headers = _headers_in(raw[start:headers_end])
    kind, given = _split(headers.get("content-disposition", ""))
    name = given.get("name", "")
    if kind != "form-data" or not name or len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
        raise FormError("a part has no `Content-Disposition: form-data` with a name")
    if "\\" in name or "%" in name or "name*" in given:
        raise FormError("the name of a part is escaped")
    if headers.get("content-transfer-encoding", "binary").strip().lower() not in PLAIN_ENCODINGS:
        raise FormError("a part has a `Content-Transfer-Encoding`")
    _, typed = _split(headers.get("content-type", "text/plain"))
    return Part(
        name=name,
        is_file="filename" in given or "filename*" in given,
        charset=typed.get("charset", "").lower(),
        whole=view[start:end],
        value=view[headers_end + 2 * len(END) : end],
    )


def _headers_in(raw: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    try:
        lines = raw.decode().split("\r\n")
    except UnicodeDecodeError:
        raise FormError("a header of a part is not UTF-8") from None
    for line in lines:
        found = _HEADER.fullmatch(line)
        if found is None or found[1].lower() in headers:
            raise FormError("a part has a header that is not valid, or two of one name")
        headers[found[1].lower()] = found[2]
    return headers


def _split(value: str) -> tuple[str, dict[str, str]]:
    """Return a header's value and its parameters, by their names in lower case.

    Raises:
        FormError: a parameter is not valid, or there are two of one name.
    """
    kind, _, _ = value.partition(";")
    place, given = len(kind), dict[str, str]()
    while found := _PARAMETER.match(value, place):
        name, place = found[1].lower(), found.end()
        if name in given:
            raise FormError("a header has a parameter twice")
        given[name] = found[3] if found[2] is None else found[2]
    if value[place:].strip():
        raise FormError("a header's parameters are not valid")
    return kind.strip().lower(), given


def _boundary_in(content_type: str) -> str:
    try:
        _, given = _split(content_type)
    except FormError as error:
        raise FormError(str(error), part="content-type") from None
    boundary = given.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise FormError("`Content-Type` names no valid boundary", part="content-type")
    return boundary
