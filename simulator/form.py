"""Reads `multipart/form-data`: the fields of a request, and files by their digest only."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any

from simulator.answers import Json

_TYPE = "multipart/form-data"
_HEADERS_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form; `filename` is None for a field that is no file."""

    name: str
    filename: str | None
    content_type: str | None
    data: bytes

    def as_json(self) -> Json:
        """Return the part as the journal shows it: a file without its bytes."""
        if self.filename is None:
            return {"name": self.name, "value": self.data.decode(errors="replace")}
        return {
            "name": self.name,
            "filename": self.filename,
            "content_type": self.content_type,
            "bytes": len(self.data),
            "sha256": hashlib.sha256(self.data).hexdigest(),
        }


def is_form(headers: Mapping[str, str]) -> bool:
    """Return whether a request has this content type."""
    return headers.get("Content-Type", "").lower().startswith(_TYPE)


def parts_of(raw: bytes, content_type: str) -> list[Part] | None:
    """Return the parts in their order; None if it is no complete form."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary()
    if boundary is None:
        return None
    pieces = (b"\r\n" + raw).split(b"\r\n--" + boundary.encode(errors="replace"))
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        return None
    parts = [_part(piece) for piece in pieces[1:-1]]
    return None if None in parts else [part for part in parts if part is not None]


def fields_of(shown: list[Json]) -> dict[str, Any]:
    """Return a form as a body: a name that ends in `[]` is a list, a file is what the journal shows of it."""
    body: dict[str, Any] = {}
    for part in shown:
        name, value = part["name"], part.get("value", part)
        if name.endswith("[]"):
            body.setdefault(name, []).append(value)
        else:
            body[name] = value
    return body


def _part(piece: bytes) -> Part | None:
    head, found, data = piece.partition(_HEADERS_END)
    headers = BytesHeaderParser().parsebytes(head.removeprefix(b"\r\n") + _HEADERS_END)
    name = headers.get_param("name", header="Content-Disposition")
    if not found or not isinstance(name, str):
        return None
    return Part(name, headers.get_filename(), headers.get("Content-Type"), data)
