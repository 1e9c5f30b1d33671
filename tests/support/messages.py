"""The events of Messages streams, and what a dialect's stream makes of them without the engine."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from gateway.dialects.answer_stream import AnswerStream, Opened, StreamContext
from gateway.dialects.event_data import DONE, MalformedEventError
from gateway.dialects.messages.dialect import MESSAGES
from gateway.dialects.messages.parse import parse
from gateway.dialects.read_event import ReadEvent, read
from gateway.faults.fault import AttemptFailedError, Fault
from gateway.http.json_values import Json, JsonObject
from gateway.http.message import Upstream

EMPTY: dict[str, JsonObject] = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}}
UPSTREAM = Upstream(base_url="https://openrouter.ai/api/v1", api_key="sk-or-secret-of-the-tests")
RECEIPT: JsonObject = {"served": "a/one"}
NAMES: JsonObject = {"id": "gen-1", "created": 1_795_338_000, "model": "a/one"}


def event(payload: JsonObject, name: str | None = None) -> bytes:
    """Return an event as an upstream writes it."""
    return f"event: {name or payload['type']}\ndata: {json.dumps(payload)}\n\n".encode()


def of(kind: str, **members: Json) -> bytes:
    """Return an event of a type with these members."""
    return event({"type": kind, **members})


def start(**members: Json) -> bytes:
    message: JsonObject = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "served/one",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 25, "output_tokens": 1},
        **members,
    }
    return of("message_start", message=message)


def begin(index: Json = 0, kind: Json = "text", **members: Json) -> bytes:
    block: JsonObject = {"type": kind, **EMPTY.get(str(kind), {}), **members}
    return of("content_block_start", index=index, content_block=block)


def tool(index: int = 0, call_id: str = "toolu_1", name: str = "read") -> bytes:
    return begin(index, "tool_use", id=call_id, name=name, input={})


def add(text: Json, index: Json = 0) -> bytes:
    return of("content_block_delta", index=index, delta={"type": "text_delta", "text": text})


def think(text: Json, index: Json = 0) -> bytes:
    return of("content_block_delta", index=index, delta={"type": "thinking_delta", "thinking": text})


def sign(text: Json, index: Json = 0) -> bytes:
    return of("content_block_delta", index=index, delta={"type": "signature_delta", "signature": text})


def put(text: Json, index: Json = 0) -> bytes:
    return of("content_block_delta", index=index, delta={"type": "input_json_delta", "partial_json": text})


def finish(index: Json = 0) -> bytes:
    return of("content_block_stop", index=index)


def end(reason: Json = "end_turn", *, usage: Json = None, **members: Json) -> bytes:
    return of(
        "message_delta",
        delta={"stop_reason": reason, "stop_sequence": None, **members},
        usage={"output_tokens": 15, "cost": 0.5} if usage is None else usage,
    )


STOP = of("message_stop")
PING = of("ping")
ERROR = event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
TEXT = (start(), begin(), add("Hello"), add("!"), finish(), end(), STOP)
CALL = (start(), tool(), put('{"path":'), put(' "a"}'), finish(), end("tool_use"), STOP)


def payload_of(raw: bytes) -> JsonObject:
    found = read(raw, UPSTREAM)
    assert isinstance(found, ReadEvent)
    return found.read.payload


def open_with(*events: bytes, watched: bool = False) -> Opened:
    """Return what the last of these events means before the commit; those before it do not commit."""
    opening = MESSAGES.opening(header=lambda _: None, now_s=0.0, watched=watched)
    opened = Opened.DROPPED
    for each in events:
        assert opened in (Opened.HELD, Opened.DROPPED)
        opened = opening.take(payload_of(each))
    return opened


@dataclass
class Played:
    """What a stream made of its events.

    Attributes:
        stream: the stream.
        sent: what the client gets for each event, in order; after them what it gets at the end.
        fault: why the answer was cut off; None if it was not.
        usages: the usages that were settled.
        progress: whether each event was progress.
        repeats: whether each event may be repeated unread.
    """

    stream: AnswerStream
    sent: list[bytes] = field(default_factory=list)
    fault: Fault | None = None
    usages: list[JsonObject] = field(default_factory=list)
    progress: list[bool] = field(default_factory=list)
    repeats: list[bool] = field(default_factory=list)
    ended: bool = False

    @property
    def all(self) -> bytes:
        return b"".join(self.sent)

    def take(self, raw: bytes) -> None:
        """Pass an event as `streaming.guard` does."""
        if self.ended:
            return
        try:
            found = read(raw, UPSTREAM)
        except MalformedEventError:
            self._lose("malformed_event", b"")
            return
        if found is DONE:
            self._lose("no_finish_reason", raw)
            return
        if isinstance(found, bytes):
            self.sent.append(found)
            return
        try:
            taken = self.stream.take(found)
        except AttemptFailedError as failure:
            self._cut(failure.fault)
            return
        self.sent.append(taken.sent)
        self.progress.append(taken.progress)
        self.repeats.append(taken.repeats)
        if taken.ends:
            self._end(raw)

    def close(self, code: str = "no_finish_reason") -> None:
        """End the stream as `streaming.guard` does when the upstream closes it, or is lost by a fault."""
        if not self.ended:
            self._lose(code, b"")

    def _lose(self, code: str, last: bytes) -> None:
        if self.stream.is_complete or (code == "no_finish_reason" and self.stream.may_be_complete):
            self._end(last)
        else:
            self._cut(Fault(code=code))

    def _end(self, last: bytes) -> None:
        self.ended = True
        self.sent.append(self.stream.end(lambda: RECEIPT, last))

    def _cut(self, fault: Fault) -> None:
        self.ended, self.fault = True, fault
        self.sent.append(self.stream.release())


def context_of(
    first: JsonObject | None = None,
    *,
    collect: bool = False,
    settle: Callable[[JsonObject], bool] = lambda _: False,
) -> StreamContext:
    return StreamContext(
        request=parse(b'{"messages":[{"role":"user","content":"Hi"}],"stream":true}'),
        first=first or {},
        names=NAMES,
        header=lambda _: None,
        now_s=lambda: 0.0,
        settle=settle,
        collect_text=collect,
    )


def play(
    events: Iterable[bytes],
    *,
    collect: bool = False,
    after: Played | None = None,
    text: str = "",
    closes: bool = True,
) -> Played:
    """Pass events through a stream, which continues ``text`` of another one if that is given."""
    usages: list[JsonObject] = []

    def settle(usage: JsonObject) -> bool:
        usages.append({**usage})
        return False

    context = context_of(collect=collect, settle=settle)
    stream = MESSAGES.continued(context, after.stream, text) if after else MESSAGES.stream(context)
    played = Played(stream, usages=usages)
    for each in events:
        played.take(each)
    if closes:
        played.close()
    return played
