"""Rules that hold for every reply to a client, whatever the upstream sent.

The readers are this module's own: they share no code with the gateway.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter"})
DONE = "[DONE]"
# Source: WHATWG HTML, section 9.2.6 "Interpreting an event stream".
_LINE_END = re.compile(r"\r\n|\n|\r")


class BrokenRuleError(AssertionError):
    """A reply breaks a rule."""


def rule(holds: object, text: str) -> None:
    """Fail with this text unless the rule holds."""
    if not holds:
        raise BrokenRuleError(text)


def strict_json(raw: bytes | str) -> Any:  # noqa: ANN401  # JSON of any kind
    """Return the JSON value in UTF-8.

    Raises:
        ValueError: it is not JSON, or nests too deeply for Python.
    """
    text = raw.decode() if isinstance(raw, bytes) else raw
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def is_json(raw: bytes | str) -> bool:
    """Return whether the bytes are JSON in UTF-8."""
    try:
        strict_json(raw)
    except ValueError:
        return False
    return True


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event: its lines, and the value of its ``data`` lines; None if it has none."""

    lines: tuple[str, ...]
    data: str | None

    @property
    def is_comment(self) -> bool:
        """Whether it has comments only."""
        return all(line.startswith(":") for line in self.lines)


def read_events(text: str) -> tuple[list[Event], str]:
    """Return the events of a stream, and what follows the last blank line."""
    events = []
    lines: list[str] = []
    pieces = _LINE_END.split(text.removeprefix("\ufeff"))
    for line in pieces[:-1]:
        if line:
            lines.append(line)
        elif lines:
            events.append(_event_of(lines))
            lines = []
    return events, "\n".join([*lines, pieces[-1]]).strip()


def _event_of(lines: list[str]) -> Event:
    pairs = [line.partition(":") for line in lines]
    data = [value.removeprefix(" ") for name, _, value in pairs if name == "data"]
    return Event(tuple(lines), "\n".join(data) if data else None)


@dataclass(slots=True)
class Reading:
    """What a client has read of a reply that keeps all rules.

    Attributes:
        payloads: the parsed events, without ``[DONE]``.
        done: whether ``[DONE]`` came.
        error: the error; None if there is none.
        finishes: the finish reason of each choice.
    """

    payloads: list[dict[str, Any]] = field(default_factory=list)
    done: bool = False
    error: dict[str, Any] | None = None
    finishes: dict[str, str] = field(default_factory=dict)

    @property
    def chunks(self) -> list[dict[str, Any]]:
        """The payloads before the error."""
        return [each for each in self.payloads if "error" not in each]

    @property
    def text(self) -> str:
        """The text of all choices, in the order of its arrival."""
        deltas = [choice.get("delta") for payload in self.chunks for choice in choices_in(payload)]
        texts = [delta.get("content") for delta in deltas if isinstance(delta, dict)]
        return "".join(each for each in texts if isinstance(each, str))


def read_stream(body: bytes) -> Reading:
    """Return what a client reads of a stream.

    Raises:
        BrokenRuleError: it is not UTF-8, an event is not JSON, a finish reason is not one of OpenAI's, or the
            end is neither ``[DONE]`` after a finish reason nor one error.
    """
    rule(_is_utf8(body), "the stream is not UTF-8")
    events, rest = read_events(body.decode())
    rule(not rest, f"the stream ends inside an event: {rest[:80]!r}")
    found = Reading()
    for event in events:
        rule(not found.done and found.error is None, f"an event follows the end: {event.lines!r}")
        rule(event.data or event.is_comment, f"an event has no data: {event.lines!r}")
        if event.data == DONE:
            found.done = True
        elif event.data:
            _add(found, event.data)
    rule(found.done or found.error, "the stream ends with neither [DONE] nor an error")
    rule(not found.done or found.finishes, "[DONE] came without a finish reason")
    return found


def _add(found: Reading, data: str) -> None:
    rule(is_json(data), f"an event is not JSON: {data[:200]!r}")
    payload = strict_json(data)
    rule(isinstance(payload, dict), f"an event is not an object: {data[:200]!r}")
    found.payloads.append(payload)
    if payload.get("error"):
        found.error = payload["error"]
        rule(isinstance(found.error, dict), "an error is not an object")
        return
    for choice in choices_in(payload):
        index = repr(choice.get("index"))
        rule(choice.get("index") is not None, "a choice has no index")
        reason = choice.get("finish_reason")
        if reason is not None:
            rule(is_finish(reason), f"the finish reason is {reason!r}")
            rule(index not in found.finishes, f"choice {index} has finished twice")
            found.finishes[index] = reason


def choices_in(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the choices of a chunk or an answer that are objects."""
    choices = payload.get("choices")
    return [each for each in choices if isinstance(each, dict)] if isinstance(choices, list) else []


def is_finish(reason: object) -> bool:
    """Return whether a value is one of OpenAI's finish reasons."""
    return isinstance(reason, str) and reason in FINISH_REASONS


def read_answer(body: bytes) -> dict[str, Any]:
    """Return a plain answer or error.

    Raises:
        BrokenRuleError: it is not JSON, or a finish reason is not one of OpenAI's.
    """
    rule(is_json(body), f"the body is not JSON: {body[:200]!r}")
    payload = strict_json(body)
    rule(isinstance(payload, dict), f"the body is not an object: {body[:200]!r}")
    if "error" not in payload:
        rule(payload.get("choices"), "an answer has no choices")
        for choice in choices_in(payload):
            reason = choice.get("finish_reason")
            rule(reason is None or is_finish(reason), f"the finish reason is {reason!r}")
    assert isinstance(payload, dict)
    return payload


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
