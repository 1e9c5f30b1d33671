"""Reads an upstream's stream as leniently as any client may, to compare with what the gateway passed on."""

import re
from dataclasses import dataclass, field
from typing import Any

from tests.support.fidelity import DONE, choices_in, is_json, read_events, strict_json

BOM = b"\xef\xbb\xbf"
_COMMENTS = re.compile(rb"\A(?:\s*+:[^\n]*+\n?)++")


@dataclass(slots=True)
class Said:
    """What the valid events of a stream said, up to ``[DONE]``.

    Attributes:
        text: the text of all choices, in the order of its arrival.
        text_to_finish: the part before the first finish reason.
        words: the finish reasons, in the upstream's words.
        is_text: whether all content is text, so that it can be compared.
    """

    text: str = ""
    text_to_finish: str = ""
    words: list[str] = field(default_factory=list)
    is_text: bool = True


def said_in(body: bytes) -> Said:
    """Return what a stream said. Events that are not JSON are left out, wherever they are."""
    said = Said()
    events, rest = read_events(body.decode(errors="surrogateescape"))
    if rest:
        events += read_events(rest + "\n\n")[0]
    for event in events:
        data = (event.data or "").encode("utf-8", "surrogateescape")
        if data == DONE.encode():
            break
        payload = strict_json(data) if is_json(data) else None
        for choice in choices_in(payload) if isinstance(payload, dict) else []:
            _hear(said, choice)
    return said


def _hear(said: Said, choice: dict[str, Any]) -> None:
    delta = choice.get("delta")
    content = delta.get("content") if isinstance(delta, dict) else None
    if isinstance(content, str):
        said.text += content
        said.text_to_finish += "" if said.words else content
    elif content:
        said.is_text = False
    if isinstance(choice.get("finish_reason"), str):
        said.words.append(choice["finish_reason"])


def plain_in(body: bytes) -> Said:
    """Return what a plain answer said; nothing, if it is not JSON. Comments may come before it."""
    said = Said()
    raw = _COMMENTS.sub(b"", body.removeprefix(BOM)).strip()
    payload = strict_json(raw) if is_json(raw) else None
    for choice in choices_in(payload) if isinstance(payload, dict) else []:
        _hear(said, {**choice, "delta": choice.get("message")})
    return said
