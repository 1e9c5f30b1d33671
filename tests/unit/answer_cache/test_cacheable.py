"""Each rule by itself of what may be kept: another one that forbids the same must not hide it."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.answer_cache.cacheable import plain_to_cache, stream_to_cache
from gateway.answer_cache.cached_answer import unpack
from gateway.answer_cache.record_stream import RecordedStream
from gateway.http.body import Sink
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


def keeps(payload: dict[str, Any]) -> bool:
    return plain_to_cache(payload, model="a/one", at_s=0.0) is not None


def keeps_stream(*events: bytes) -> bool:
    return stream_to_cache(b"".join(events), model="a/one", at_s=0.0) is not None


def test_a_whole_plain_answer_is_kept_as_it_is() -> None:
    kept = plain_to_cache(plain(), model="a/one", at_s=2.0)

    assert kept is not None
    found = unpack(kept)
    assert found is not None
    assert (found.at_s, found.model, json.loads(found.body)) == (2.0, "a/one", plain())


def test_a_whole_stream_is_kept() -> None:
    assert keeps_stream(text("Hi"), *END)


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
def test_a_plain_answer_is_not(payload: dict[str, Any]) -> None:
    assert not keeps(payload)


def test_a_plain_answer_that_json_cannot_carry_cannot_be_kept() -> None:
    with pytest.raises(ValueError, match="JSON"):
        keeps(plain(logprobs=float("inf")))


NOT_KEPT: dict[str, tuple[bytes, ...]] = {
    "nothing": (),
    "nothing but its end": (DONE,),
    "no [DONE]": (text("Hi"), STOP, USAGE),
    "more after [DONE]": (text("Hi"), *END, text("more")),
    "a cut event after [DONE]": (text("Hi"), *END, b"data: {"),
    "a tool call, though it says stop": (chunk({"tool_calls": CALLS}), *END),
    "an error, though it ends": (text("Hi"), event({"error": {"code": 502}}), *END),
    "cut by its length, then ended": (text("Hi"), chunk({}, finish="length"), *END),
    "never ended": (text("Hi"), DONE),
}


@pytest.mark.parametrize("events", [*NOT_KEPT.values()], ids=[*NOT_KEPT])
def test_a_stream_is_not(events: tuple[bytes, ...]) -> None:
    assert not keeps_stream(*events)


async def test_a_stream_whose_client_leaves_at_its_last_byte_is_not_kept() -> None:
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
    """Plays a step that makes nothing of anything; it may hand over."""

    hands_over: bool
    rest: bytes = b""

    def take(self, piece: bytes) -> bytes:
        return piece


class Reply:
    """Plays a body of one piece."""

    def __init__(self) -> None:
        self.pieces = [b"piece", b""]

    async def read(self) -> bytes:
        return self.pieces.pop(0)


@dataclass
class Relaying:
    """Plays a stream with one body."""

    hands_over: bool

    async def run(self, sink: Sink) -> None:
        await sink.write(b"begin ")
        await sink.relay(Reply(), Passing(self.hands_over))  # type: ignore[arg-type]  # all of a reply that a step needs


@pytest.mark.parametrize(("hands_over", "recorded"), [(False, [b"begin piece"]), (True, [])])
async def test_a_recording_is_whole_or_none(hands_over: bool, recorded: list[bytes]) -> None:
    heard = list[bytes]()

    await RecordedStream(inner=Relaying(hands_over), on_complete=heard.append).run(Client())

    assert heard == recorded
