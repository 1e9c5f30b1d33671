"""Changes a recorded reply in one of the ways in which upstreams are known to go wrong, and in random ones.

A mutation is a kind and two numbers. The numbers choose a place and a form, whatever the length of the reply.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from tests.support.fidelity import is_json, strict_json

Change: TypeAlias = Callable[[bytes, int, int], bytes]
Place: TypeAlias = tuple[Any, Any]  # a container, and a name or an index in it

BYTES = (
    *(b"\x00", b"\t", b"\x1b", b"\x7f", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xe2\x80\xa8"),
    *(b"\r", b"\n", b"\r\n", b"\n\n", b"\r\n\r\n", b" ", b"\n:", b"\ndata: ", b"\nevent: x\n"),
    *(b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"{}", b"[]", b"null", b"NaN", b"-Infinity", b"1e999"),
    *(rb"\u0000", rb"\ud800", rb"\x", b"[DONE]", b"data: [DONE]\n\n", b"<html>", b"7" * 5_000, b"[" * 300),
)
EVENTS = (
    *(b"data: null", b"data: []", b"data: true", b'data: "keep-alive"', b"data: ping", b"data: 0", b"data:"),
    *(b"data: {}", b'data: {"type":"ping"}', b"data", b": comment", b":", b":\xff", b"data: [null]"),
    *(b"id: 7", b"retry: 10", b"event: ping", b"event: ping\ndata: {}", b"event: done\ndata: [DONE]"),
    *(b"data: [DONE]", b"data: [DONE] ", b"data: [done]", b"DONE", b"[DONE]", b"data:[DONE]"),
    *(b'{"error":{"code":502,"message":"x"}}', b'data: {"error":{"code":429,"message":"x"}}'),
    *(b'event: error\ndata: {"error":"x"}', b'data: {"error":[]}', b'data: {"error":7}', b'{"choices":[]}'),
    *(
        b'data: {"choices":null}',
        b'data: {"choices":[]}',
        b'data: {"choices":[null]}',
        b'data: {"choices":{}}',
    ),
    *(b'data: {"choices":[{}]}', b'data: {"choices":[{"index":0,"delta":null}]}', b"<html></html>"),
    b'data: {"choices":[{"index":1,"delta":{"content":"Other."},"finish_reason":null}]}',
    b'data: {"choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}',
    b'data: {"choices":[{"delta":{"content":[{"type":"text","text":"Part."}]}}]}',
    b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"function":{"arguments":"{"}}]}}]}',
    b'data: {"choices":[{"delta":{"tool_calls":[{"index":"1","id":7,"function":{"name":"f"}}]}}]}',
    b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":-1,"function":{"arguments":{}}}]}}]}',
    b'data: {"choices":[{"index":0,"delta":{"tool_calls":[null,7,{}]}}]}',
    b'data: {"choices":[{"index":0,"finish_reason":"stop"}]}{"choices":[]}',
    b'data: {"choices":[{"index":0,"delta":{"content":"cut',
    b'data: {"choices":[{"index":0,"delta":{"content":"raw\ttab"}}]}',
    b'data: {"choices":[{"index":0,"delta":{"content":"\xff"}}]}',
    b'data: {"choices":[],"usage":{"prompt_tokens":NaN}}',
    b'data: {"choices":[],"usage":{"prompt_tokens":1e999,"completion_tokens":-1,"cost":"7"}}',
    b'data: {"choices":[],"usage":[]}',
)
STOP_WORDS = ("stop", "STOP", "end_turn", "stop_sequence", "eos")
WORDS: tuple[object, ...] = (
    *STOP_WORDS,
    *("length", "max_tokens", "MAX_TOKENS", "model_context_window_exceeded", "tool_calls", "tool_use"),
    *("content_filter", "SAFETY", "sensitive", "SPII", "IMAGE_SAFETY", "refusal", "error", "ERROR"),
    *("", " ", "none", "None", "null", "not_finished", "FINISH_REASON_UNSPECIFIED", "OTHER", "pause_turn"),
    *("banana", "unknown", "stop ", "stopp", "network_error", "abort", "\ud800", "x" * 2_000),
    *(None, True, False, 0, 1, [], ["stop"], {}, {"reason": "stop"}),
)
VALUES: tuple[object, ...] = (
    *(None, True, False, 0, -1, 1, 1.5, 10**30, 1e300, "", " ", "x", "7", "null", "\ud800", "\u0000"),
    *([], {}, [None], [[]], [{}], {"a": None}, ["x", "y"], "x" * 3_000, list(range(50))),
)
NAMES = ("error", "choices", "delta", "message", "content", "finish_reason", "usage", "index", "x", "")


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change of a reply: its kind, the number of its place, and the number of its form."""

    kind: str
    place: int
    form: int

    def apply(self, body: bytes) -> bytes:
        """Return the changed body."""
        return KINDS[self.kind](body, self.place, self.form)


def _flip(body: bytes, place: int, form: int) -> bytes:
    at = place % max(1, len(body))
    return body[:at] + bytes(byte ^ (1 << form % 8) for byte in body[at : at + 1]) + body[at + 1 :]


def _cut(body: bytes, place: int, _form: int) -> bytes:
    return body[: place % (len(body) + 1)]


def _delete(body: bytes, place: int, form: int) -> bytes:
    at = place % (len(body) + 1)
    return body[:at] + body[at + 1 + form % 40 :]


def _repeat(body: bytes, place: int, form: int) -> bytes:
    at = place % (len(body) + 1)
    return body[: at + 1 + form % 400] + body[at:]


def _insert(body: bytes, place: int, form: int) -> bytes:
    at = place % (len(body) + 1)
    return body[:at] + BYTES[form % len(BYTES)] + body[at:]


def _on_events(change: Callable[[list[bytes], int, int], list[bytes]]) -> Change:
    def changed(body: bytes, place: int, form: int) -> bytes:
        events = body.split(b"\n\n")
        return b"\n\n".join(change(events, place % len(events), form))

    return changed


def _add_event(events: list[bytes], at: int, form: int) -> list[bytes]:
    return [*events[:at], EVENTS[form % len(EVENTS)], *events[at:]]


def _drop_event(events: list[bytes], at: int, _form: int) -> list[bytes]:
    return [*events[:at], *events[at + 1 :]]


def _end_after(events: list[bytes], at: int, _form: int) -> list[bytes]:
    return [*events[: at + 1], b""]


def _move_event(events: list[bytes], at: int, form: int) -> list[bytes]:
    others = [*events[:at], *events[at + 1 :]]
    to = form % (len(others) + 1)
    return [*others[:to], events[at], *others[to:]]


def _repeat_event(events: list[bytes], at: int, form: int) -> list[bytes]:
    return [*events[:at], *[events[at]] * (2 + form % 3), *events[at + 1 :]]


def _glue_events(events: list[bytes], at: int, form: int) -> list[bytes]:
    pair = events[at : at + 2]
    joint = (b"", b"\n", b" ", b",")[form % 4]
    glued = joint.join([pair[0], *(each.removeprefix(b"data: ") for each in pair[1:])])
    return [*events[:at], glued, *events[at + 2 :]]


def _split_data(events: list[bytes], at: int, form: int) -> list[bytes]:
    event = events[at]
    cut = form % (len(event) + 1)
    return [*events[:at], event[:cut] + b"\ndata: " + event[cut:], *events[at + 1 :]]


def _line_ends(body: bytes, place: int, form: int) -> bytes:
    end = (b"\r\n", b"\r", b"\n\r")[form % 3]
    at = place % (len(body) + 1) if form % 2 else 0  # from the beginning, or from somewhere
    return body[:at] + body[at:].replace(b"\n", end)


def _on_json(change: Callable[[list[Place], int, int], None]) -> Change:
    """Return a change of the JSON of one event, or of a body; other events and bodies stay."""

    def changed(body: bytes, place: int, form: int) -> bytes:
        events = body.split(b"\n\n") if body.lstrip().startswith((b"data:", b":")) else [body]
        holders = [at for at, event in enumerate(events) if is_json(event.removeprefix(b"data: "))]
        if not holders:
            return body
        at = holders[place % len(holders)]
        prefix = b"data: " if events[at].startswith(b"data: ") else b""
        payload = strict_json(events[at].removeprefix(b"data: "))
        places = list(_places_in(payload))
        if places:
            change(places, place // len(holders), form)
        events[at] = prefix + json.dumps(payload, separators=(",", ":")).encode()
        return b"\n\n".join(events)

    return changed


def _places_in(value: Any) -> Iterator[Place]:  # noqa: ANN401  # JSON of any kind
    names = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    for name in names:
        yield value, name
        yield from _places_in(value[name])


def _set_value(places: list[Place], place: int, form: int) -> None:
    holder, name = places[place % len(places)]
    holder[name] = VALUES[form % len(VALUES)]


def _drop_field(places: list[Place], place: int, _form: int) -> None:
    holder, name = places[place % len(places)]
    del holder[name]


def _rename_field(places: list[Place], place: int, form: int) -> None:
    holder, name = places[place % len(places)]
    if isinstance(holder, dict):
        holder[NAMES[form % len(NAMES)]] = holder.pop(name)


def _set_finish(places: list[Place], _place: int, form: int) -> None:
    for holder, name in places:
        if name == "finish_reason":
            holder[name] = WORDS[form % len(WORDS)]


def _more_choices(places: list[Place], _place: int, form: int) -> None:
    for holder, name in places:
        if name == "choices" and isinstance(holder[name], list) and holder[name]:
            first = holder[name][0]
            index = (1, 0, None, "0", -1, True, 1.0, 10**20)[form % 8]
            more = first | {"index": index} if isinstance(first, dict) else first
            holder[name] = [first, more] if form % 2 else [more]


def _odd_calls(places: list[Place], place: int, form: int) -> None:
    for holder, name in places:
        if name in ("delta", "message") and isinstance(holder[name], dict):
            call = {"index": VALUES[place % len(VALUES)], "id": VALUES[form % len(VALUES)]}
            function = {"name": VALUES[(place + 7) % len(VALUES)], "arguments": VALUES[form % len(VALUES)]}
            holder[name]["tool_calls"] = [call | {"function": function}, VALUES[form % len(VALUES)]]


KINDS: Mapping[str, Change] = MappingProxyType({
    "flip a bit": _flip,
    "cut the end": _cut,
    "delete bytes": _delete,
    "repeat bytes": _repeat,
    "insert bytes": _insert,
    "add an event": _on_events(_add_event),
    "drop an event": _on_events(_drop_event),
    "end after an event": _on_events(_end_after),
    "move an event": _on_events(_move_event),
    "repeat an event": _on_events(_repeat_event),
    "glue two events": _on_events(_glue_events),
    "split data": _on_events(_split_data),
    "line ends": _line_ends,
    "set a value": _on_json(_set_value),
    "drop a field": _on_json(_drop_field),
    "rename a field": _on_json(_rename_field),
    "set the finish": _on_json(_set_finish),
    "more choices": _on_json(_more_choices),
    "odd tool calls": _on_json(_odd_calls),
})  # fmt: skip  # one kind a line
