"""Reads the events of a Messages stream as a strict client does, independently of the gateway.

Sources: Anthropic "Streaming messages"; how Anthropic's Python SDK and Claude Code put events together.
"""

import json
from dataclasses import dataclass, field
from typing import Any

DELTAS = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("thinking", "signature"),
    "input_json_delta": (None, "partial_json"),
}


class UnreadableError(AssertionError):
    """A client would fail at an event, or stop reading there."""


@dataclass
class Read:
    """What a client has of one answer.

    Attributes:
        message: the message of ``message_start``.
        blocks: the blocks, each with its texts joined; ``open`` says whether it has stopped.
        end: the ``message_delta``.
        stopped: whether ``message_stop`` has arrived.
        error: the error that ended the stream.
        names: the names of all events, in order.
    """

    message: dict[str, Any] | None = None
    blocks: list[dict[str, Any]] = field(default_factory=list)
    end: dict[str, Any] | None = None
    stopped: bool = False
    error: dict[str, Any] | None = None
    names: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(block["text"] for block in self.blocks if block["type"] == "text")


def events_in(sent: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Return the events in a stream: each has one line with its name and one with its data."""
    assert not sent or sent.endswith(b"\n\n")
    events = []
    for raw in sent.decode().split("\n\n")[:-1]:
        lines = raw.split("\n")
        if all(line.startswith(":") for line in lines):
            continue
        check(len(lines) == 2, f"not two lines: {raw!r}")
        check(lines[0].startswith("event: ") and lines[1].startswith("data: {"), f"odd lines: {raw!r}")
        payload = json.loads(lines[1][6:], parse_constant=refuse)
        check(payload["type"] == lines[0][7:], f"another name than its type: {raw!r}")
        events.append((lines[0][7:], payload))
    return events


def refuse(word: str) -> None:
    raise UnreadableError(f"{word} is not JSON")


def check(holds: bool, why: str) -> None:
    if not holds:
        raise UnreadableError(why)


def read(sent: bytes) -> Read:
    """Return what a client has of a stream; fail where a client would."""
    got = Read()
    for name, payload in events_in(sent):
        check(not got.stopped and got.error is None, f"{name} after the end")
        got.names.append(name)
        reader = READERS.get(name)
        if reader is not None:
            check(name in ("message_start", "error") or got.message is not None, f"{name} before the start")
            check(got.end is None or name in ("message_stop", "error"), f"{name} after message_delta")
            reader(got, payload)
    return got


def _start(got: Read, payload: dict[str, Any]) -> None:
    check(got.message is None, "a second message_start")
    message = payload["message"]
    check(message["content"] == [] and message["stop_reason"] is None, "a message that has not only begun")
    check(message["type"] == "message" and message["role"] == "assistant", "no message")
    check(all(isinstance(message[name], str) and message[name] for name in ("id", "model")), "no names")
    check(
        all(isinstance(message["usage"][name], int | float) for name in ("input_tokens", "output_tokens")),
        "no usage",
    )
    got.message = message


def _begin(got: Read, payload: dict[str, Any]) -> None:
    block = payload["content_block"]
    check(payload["index"] == len(got.blocks) and isinstance(payload["index"], int), "not the next index")
    check(isinstance(block["type"], str), "a block without a type")
    for kind, name in (("text", "text"), ("thinking", "thinking")):
        check(block["type"] != kind or isinstance(block[name], str), f"no {name} to add to")
    got.blocks.append({**block, "open": True})


def _add(got: Read, payload: dict[str, Any]) -> None:
    delta = payload["delta"]
    block = got.blocks[payload["index"]]
    check(block["open"], "a delta after the block's end")
    kind, name = DELTAS.get(delta["type"], (None, None))
    if name is not None:
        check(
            kind is None or block["type"] not in ("text", "thinking") or block["type"] == kind,
            "a misplaced delta",
        )
        check(name != "partial_json" or block["type"] not in ("text", "thinking"), "a misplaced delta")
        block[name] = block.get(name, "") + delta[name]


def _finish(got: Read, payload: dict[str, Any]) -> None:
    block = got.blocks[payload["index"]]
    check(block["open"], "a second end of a block")
    block["open"] = False


def _end(got: Read, payload: dict[str, Any]) -> None:
    check(not any(block["open"] for block in got.blocks), "an end before that of a block")
    check(isinstance(payload["usage"]["output_tokens"], int | float), "no usage")
    check("stop_reason" in payload["delta"], "no stop reason")
    got.end = payload


def _stop(got: Read, _: dict[str, Any]) -> None:
    check(got.end is not None and bool(got.end["delta"]["stop_reason"]), "a stop without a reason")
    got.stopped = True


def _error(got: Read, payload: dict[str, Any]) -> None:
    check(
        isinstance(payload["error"]["type"], str) and isinstance(payload["error"]["message"], str), "no error"
    )
    got.error = payload["error"]


READERS = {
    "message_start": _start,
    "content_block_start": _begin,
    "content_block_delta": _add,
    "content_block_stop": _finish,
    "message_delta": _end,
    "message_stop": _stop,
    "error": _error,
}
