"""Server-sent events as bytes: in the usual framing, and in legal but unusual ones that parsers get wrong."""

import json
from dataclasses import dataclass, field

from simulator.answers import Json, dumps
from simulator.steps import Tally, Write

COMMENT = b": OPENROUTER PROCESSING\n\n"
BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its data (JSON, or text as it is), and its name line if the dialect has one."""

    data: Json | str
    name: str | None = None
    tally: Tally | None = field(default=None, kw_only=True)  # what the answer costs, once this was sent


DONE = Event("[DONE]")


def framed(event: Event) -> bytes:
    """Return an event in OpenRouter's framing."""
    return _name_line(event) + b"data: " + _data(event) + b"\n\n"


def crlf(event: Event) -> bytes:
    """Return the event with CRLF line ends."""
    return framed(event).replace(b"\n", b"\r\n")


def cr(event: Event) -> bytes:
    """Return the event with CR line ends."""
    return framed(event).replace(b"\n", b"\r")


def multi_line(event: Event) -> bytes:
    """Return an event with its data on several `data:` lines (a reader joins them with a newline)."""
    data = event.data
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, indent=1)
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return _name_line(event) + lines.encode() + b"\n"


def write(event: Event) -> Write:
    """Return the step that sends this event."""
    return Write(framed(event), 1, event.tally)


def half_of(event: Event) -> Event:
    """Return the event with the first half of its data."""
    data = _data(event)
    return Event(data[: len(data) // 2].decode(errors="ignore"), event.name)


def _name_line(event: Event) -> bytes:
    return b"" if event.name is None else f"event: {event.name}\n".encode()


def _data(event: Event) -> bytes:
    return event.data.encode() if isinstance(event.data, str) else dumps(event.data)
