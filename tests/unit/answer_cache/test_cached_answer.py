"""Tests how an answer is stored and replayed: byte for byte, and at a cost of 0."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.answer_cache.cached_answer import CachedAnswer, pack, unpack
from gateway.http.message import ClientGoneError
from tests.support.chunks import COMMENT, DONE, STOP, USAGE, chunk, text
from tests.support.planning import catalog_of, listed
from tests.support.upstream import RESET, Act, answer, stream
from tests.support.world import EPOCH_S, TOKEN, Answer, World, chat, finish, one_key

pytestmark = pytest.mark.anyio
USE_CACHE = {"cache_ttl_s": 60}
# Whitespace, an escape and a number that a JSON serializer would write differently.
ODD = (
    b'data: {"id": "gen-1", "object":"chat.completion.chunk","created":1,"model":"m",'
    b'"choices":[{"index":0,"delta":{"content":"\\u00e9"},"logprobs":{"v":1E2}}]}\n\n'
)
# An event with three lines.
THREE_LINES = b"event: message\nid: 7\n" + text("b")


async def ask(made: World, *, stream: bool = True, **fields: object) -> Answer:
    got = await made.ask("a/one", stream=stream, **{"gateway": USE_CACHE, **fields})
    await made.let_run()
    return got


def without_usage(body: bytes) -> list[bytes]:
    return [event for event in body.split(b"\n\n") if b'"usage":{' not in event]


async def test_a_stream_is_replayed_byte_for_byte_except_for_its_usage() -> None:
    made = World().script("a/one", stream(ODD, THREE_LINES, STOP, USAGE, DONE))

    first, second = await ask(made), await ask(made)

    assert second.headers["x-gateway-cache"] == "hit"
    assert ODD in second.body
    assert text("b") in second.body  # other fields than data are not passed on
    assert without_usage(second.body) == without_usage(first.body)
    assert first.body.count(b"\n\n") == second.body.count(b"\n\n")


async def test_every_usage_of_a_replayed_stream_has_a_cost_of_zero() -> None:
    cost = {"cost": 0.1, "cost_details": {"upstream_inference_cost": 0.1}}
    running = chunk({"content": "b"}, usage={"prompt_tokens": 3, "completion_tokens": 1, **cost})
    made = World().script("a/one", stream(text("a"), running, STOP, USAGE, DONE))
    await ask(made)

    second = await ask(made)

    usages = [each["usage"] for each in second.events if each != "[DONE]" and each.get("usage")]
    assert [(usage["completion_tokens"], usage["cost"]) for usage in usages] == [(1, 0), (2, 0)]
    assert not any("cost_details" in usage for usage in usages)


async def test_comments_are_not_cached() -> None:
    made = World().script("a/one", stream(COMMENT, text("a"), COMMENT, STOP, USAGE, DONE))

    first, second = await ask(made), await ask(made)

    assert COMMENT in first.body
    assert COMMENT not in second.body


@pytest.mark.parametrize("is_stream", [False, True])
async def test_no_receipt_is_cached(is_stream: bool) -> None:
    made = World()
    first = await ask(made, stream=is_stream)

    (packed,) = made.answer_cache.values.values()

    assert first.receipt["request_id"].encode() in first.body
    assert first.receipt["request_id"].encode() not in packed
    assert b'"gateway"' not in packed


async def test_a_stream_that_another_model_continued_is_not_cached() -> None:
    made = World().script("a/one", stream(text("Hello"), RESET))
    got = await finish(
        await made.begin(
            chat("a/one", "b/two", stream=True, gateway={**USE_CACHE, "on_midstream": "continue"})
        )
    )
    await made.let_run()

    assert [attempt["outcome"] for attempt in got.receipt["attempts"]] == ["cut_off", "answered"]
    assert got.events[-1] == "[DONE]"
    assert made.answer_cache.values == {}


MESSAGE = {"role": "assistant", "content": "Hi"}
NOT_ALL_ENDED: dict[str, Act] = {
    "one of two choices reached its length limit": answer(
        choices=[
            {"index": 0, "message": MESSAGE, "finish_reason": "stop"},
            {"index": 1, "message": MESSAGE, "finish_reason": "length"},
        ]
    ),
    "one of two choices did not end": answer(
        choices=[
            {"index": 0, "message": MESSAGE, "finish_reason": "stop"},
            {"index": 1, "message": MESSAGE, "finish_reason": None},
        ]
    ),
}


@pytest.mark.parametrize("act", [*NOT_ALL_ENDED.values()], ids=[*NOT_ALL_ENDED])
async def test_every_choice_must_have_ended_with_stop(act: Act) -> None:
    made = World().script("a/one", act)

    got = await ask(made, stream=False, n=2)

    assert got.status == 200
    assert made.answer_cache.values == {}


async def test_a_streamed_tool_call_is_not_cached() -> None:
    call = {"index": 0, "id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    made = World().script("a/one", stream(chunk({"tool_calls": [call]}), STOP, USAGE, DONE))

    got = await ask(made)

    assert got.events[-1] == "[DONE]"
    assert made.answer_cache.values == {}


async def test_caching_an_answer_does_not_delay_the_response() -> None:
    made = World()

    for is_stream in (False, True):
        got = await finish(await made.begin(chat("a/one", stream=is_stream, gateway=USE_CACHE)))
        assert got.status == 200
        assert made.answer_cache.values == {}

    await made.let_run()
    assert len(made.answer_cache.values) == 2


async def test_a_client_that_leaves_a_replayed_stream_causes_no_internal_error() -> None:
    made = World({"GATEWAY_KEYS": json.dumps([{"name": "tests", "token": TOKEN, "concurrent": 1}])})
    await ask(made)

    async def leave(_: bytes) -> None:
        raise ClientGoneError

    await finish(await made.begin(chat("a/one", stream=True, gateway=USE_CACHE)), on_write=leave)

    assert [line["outcome"] for line in made.events("request_done")] == ["answered", "client_gone"]
    assert made.memory.rates.in_flight("tests", now_s=0.0) == 0


async def test_a_replayed_stream_that_is_cancelled_is_recorded_as_client_gone() -> None:
    made = World()
    await ask(made)

    async def hang(_: bytes) -> None:
        await asyncio.sleep(1_000)

    response = await made.begin(chat("a/one", stream=True, gateway=USE_CACHE))
    reading = asyncio.create_task(finish(response, on_write=hang))
    await asyncio.sleep(1)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)

    assert made.events("request_done")[-1]["outcome"] == "client_gone"


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_replayed_answer_does_not_change_the_budget(is_stream: bool) -> None:
    made = World({"GATEWAY_KEYS": one_key(budget={"day_usd": 1})})
    made.memory.catalog.catalog = catalog_of(listed("a/one"))

    def spent() -> int:
        return made.memory.spending.spent("one", "day", now_s=EPOCH_S)

    await ask(made, stream=is_stream)
    before = spent()

    assert (await ask(made, stream=is_stream)).headers["x-gateway-cache"] == "hit"
    assert 0 < spent() == before


@pytest.mark.parametrize("usages", [(), ((3, 9), (12, 20))])
def test_unpack_reverses_pack(usages: tuple[tuple[int, int], ...]) -> None:
    cached = CachedAnswer(at_s=1.5, model="a/one", body=b"data: a\n\n\nb", usages=usages)

    assert unpack(pack(cached)) == cached


PACKED = pack(CachedAnswer(at_s=1.0, model="a/one", body=b'data: {"usage":{}}\n\ndata: [DONE]\n\n'))


@given(place=st.integers(0, len(PACKED) - 1), bit=st.integers(0, 7))
def test_a_stored_answer_with_one_wrong_bit_is_ignored(place: int, bit: int) -> None:
    wrong = bytearray(PACKED)
    wrong[place] ^= 1 << bit

    assert unpack(bytes(wrong)) is None


@given(length=st.integers(0, len(PACKED) - 1))
def test_a_truncated_stored_answer_is_ignored(length: int) -> None:
    assert unpack(PACKED[:length]) is None


def test_a_stored_answer_of_another_version_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.answer_cache.cached_answer.VERSION", 0)
    old = pack(CachedAnswer(at_s=1.0, model="a/one", body=b"{}"))
    monkeypatch.undo()

    assert unpack(old) is None
