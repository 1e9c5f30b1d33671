"""Tests each rule for what may be cached. Each case breaks only one rule, so that no other rule hides it."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.answer_cache.cacheable import plain_to_cache, stream_to_cache
from gateway.answer_cache.cached_answer import unpack
from gateway.answer_cache.record_stream import RecordedStream
from gateway.dialects.chat.dialect import CHAT
from gateway.dialects.plain_answer import Completion
from gateway.http.body import Sink
from gateway.http.long_strings import LONG_BYTES, NONE, LongStrings, shorten
from gateway.http.message import ClientGoneError
from tests.support.chunks import DONE, STOP, USAGE, chunk, event, text
from tests.support.upstream import stream
from tests.support.world import Client, World, chat, finish

pytestmark = pytest.mark.anyio
CALLS = [{"index": 0, "id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
END = (STOP, USAGE, DONE)


def plain(**choice: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON of any kind
    message = {"role": "assistant", "content": "Hi"}
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop", **choice}]}


def packed_of(payload: dict[str, Any], *, long: LongStrings = NONE) -> bytes | None:
    answer = Completion(payload=payload, raw=b"", long=long)
    return plain_to_cache(answer, CHAT, model="a/one", at_s=2.0)


def is_cached(payload: dict[str, Any]) -> bool:
    return packed_of(payload) is not None


def stream_is_cached(*events: bytes) -> bool:
    return stream_to_cache(b"".join(events), CHAT, model="a/one", at_s=0.0) is not None


def test_a_complete_plain_answer_is_cached_unchanged() -> None:
    packed = packed_of(plain())

    assert packed is not None
    found = unpack(packed)
    assert found is not None
    assert (found.at_s, found.model, json.loads(found.body)) == (2.0, "a/one", plain())


def test_the_long_strings_of_an_answer_are_cached_with_it() -> None:
    image = "data:image/png;base64," + "QUJD" * (LONG_BYTES // 4)
    short, long = shorten(json.dumps(plain(message={"content": "", "images": [image]})).encode())

    packed = packed_of(json.loads(short), long=long)

    assert packed is not None
    assert image.encode() in packed


def test_a_complete_stream_is_cached() -> None:
    assert stream_is_cached(text("Hi"), *END)


@pytest.mark.parametrize(
    "payload",
    [
        plain(message={"content": None, "tool_calls": CALLS}),
        plain(message={"content": None, "function_call": CALLS[0]["function"]}),
        plain(error={"code": 502}),
        plain() | {"error": {"code": 502}},
        plain(finish_reason="length"),
        plain(finish_reason=None),
        plain() | {"choices": []},
    ],
    ids=json.dumps,
)
def test_a_plain_answer_that_breaks_one_rule_is_not_cached(payload: dict[str, Any]) -> None:
    assert not is_cached(payload)


def test_a_plain_answer_that_json_cannot_represent_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        is_cached(plain(logprobs=float("inf")))


NOT_CACHED: dict[str, tuple[bytes, ...]] = {
    "nothing": (),
    "only [DONE]": (DONE,),
    "no [DONE]": (text("Hi"), STOP, USAGE),
    "more after [DONE]": (text("Hi"), *END, text("more")),
    "a cut event after [DONE]": (text("Hi"), *END, b"data: {"),
    "a tool call, although the finish reason is stop": (chunk({"tool_calls": CALLS}), *END),
    "an error, although it ends": (text("Hi"), event({"error": {"code": 502}}), *END),
    "ended by its length limit, then by stop": (text("Hi"), chunk({}, finish="length"), *END),
    "never ended": (text("Hi"), DONE),
}


@pytest.mark.parametrize("events", [*NOT_CACHED.values()], ids=[*NOT_CACHED])
def test_a_stream_that_breaks_one_rule_is_not_cached(events: tuple[bytes, ...]) -> None:
    assert not stream_is_cached(*events)


async def test_a_stream_whose_client_leaves_at_the_last_byte_is_not_cached() -> None:
    made = World().script("a/one", stream(b"".join((text("Hi"), *END))))

    async def leave(data: bytes) -> None:
        if DONE in data:
            raise ClientGoneError

    response = await made.begin(chat("a/one", stream=True, gateway={"cache_ttl_s": 60}))
    await finish(response, on_write=leave)
    await made.let_run()

    assert made.answer_cache.values == {}


@dataclass
class Passing:
    """A fake step that passes pieces unchanged; it may hand over."""

    hands_over: bool
    rest: bytes = b""

    def take(self, piece: bytes) -> bytes:
        return piece


class Reply:
    """A fake reply whose body has one piece."""

    def __init__(self) -> None:
        self.pieces = [b"piece", b""]

    async def read(self) -> bytes:
        return self.pieces.pop(0)


@dataclass
class Relaying:
    """A fake stream that relays one reply."""

    hands_over: bool

    async def run(self, sink: Sink) -> None:
        await sink.write(b"begin ")
        await sink.relay(Reply(), Passing(self.hands_over))  # type: ignore[arg-type]  # only what is used


@pytest.mark.parametrize(("hands_over", "recorded"), [(False, [b"begin piece"]), (True, [])])
async def test_a_recording_is_reported_only_if_complete(hands_over: bool, recorded: list[bytes]) -> None:
    reported = list[bytes]()

    await RecordedStream(inner=Relaying(hands_over), on_complete=reported.append).run(Client())

    assert reported == recorded
