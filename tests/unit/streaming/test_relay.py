import asyncio
from collections.abc import Iterator

import pytest

from gateway.http.message import ClientGoneError
from gateway.http.sse import MAX_EVENT_BYTES
from tests.support.chunks import COMMENT, COST_USD, DONE, ROLE, STOP, USAGE, chunk, event, text, text_in
from tests.support.samples import sample
from tests.support.upstream import HANG, RESET, Step, stream
from tests.support.world import Answer, World, chat, finish, now_s

pytestmark = pytest.mark.anyio
HEALTHY = ["sse-01-ok", "sse-02-ok", "sse-03-tool-call"]


async def relay(*steps: Step, **options: object) -> tuple[Answer, World]:
    world = World().script("a/one", stream(*steps))
    return await world.ask("a/one", "b/two", stream=True, gateway=options), world


def single_bytes(body: bytes) -> Iterator[bytes]:
    return (body[place : place + 1] for place in range(len(body)))


@pytest.mark.parametrize("name", HEALTHY)
async def test_a_healthy_stream_is_forwarded_unchanged_except_for_its_usage(name: str) -> None:
    body = sample(name).body

    got, _ = await relay(body)

    sent = [each + b"\n\n" for each in body.strip().split(b"\n\n")]
    begin = next(place for place, each in enumerate(sent) if each.startswith(b"data:"))
    expected = [each for each in sent[begin:] if b'"usage"' not in each]
    received = [each + b"\n\n" for each in got.body.strip().split(b"\n\n")]
    assert [each for each in received if b'"usage"' not in each] == expected
    assert got.body.endswith(DONE)


@pytest.mark.parametrize("name", HEALTHY)
async def test_the_usage_gains_the_receipt_and_loses_nothing(name: str) -> None:
    got, _ = await relay(sample(name).body)

    original = Answer(status=200, headers={}, body=sample(name).body).events
    before = [each for each in original if each != "[DONE]" and "usage" in each]
    after = [each for each in got.events if each != "[DONE]" and "usage" in each]
    assert [each.pop("gateway")["served"] for each in after] == ["a/one"]
    assert [each["usage"] for each in after] == [each["usage"] for each in before]
    assert [set(each) for each in after] == [set(each) for each in before]


@pytest.mark.parametrize("name", [*HEALTHY, "sse-05", "sse-06", "sse-07", "sse-08"])
async def test_a_stream_in_single_bytes_gives_the_same_bytes(name: str) -> None:
    complete, _ = await relay(sample(name).body)
    cut, _ = await relay(*single_bytes(sample(name).body))

    assert cut.body == complete.body


async def test_the_cost_is_on_the_receipt() -> None:
    got, world = await relay(text("Hi"), STOP, 2.0, USAGE, DONE)

    assert got.receipt["cost_usd"] == COST_USD
    assert got.receipt["ms"] == 2_000
    assert world.events("request_done")[0]["outcome"] == "answered"


async def test_each_piece_is_written_when_it_arrives() -> None:
    got, _ = await relay(text("a"), 1.0, COMMENT, 1.0, text("b"), STOP, DONE)

    assert [at_s for at_s, _ in got.pieces[:3]] == pytest.approx([0.0, 1.0, 2.0])
    assert [piece for _, piece in got.pieces[:3]] == [text("a"), COMMENT, text("b")]


def error_event(**error: object) -> bytes:
    choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
    return event({"id": "gen-1", "error": error, "choices": [choice]})


FAULTS: list[tuple[str, tuple[Step, ...], str]] = [
    ("the documented error", (error_event(code=503, message="Overloaded"),), "overloaded"),
    (
        "a bare error",
        (event({"choices": [], "error": {"code": 504, "message": "x"}}), DONE),
        "upstream_timeout",
    ),
    (
        "an error without a code",
        (event({"error": {"message": "The operation was aborted"}}),),
        "provider_error",
    ),
    ("a word as code", (error_event(code="server_error"), DONE), "provider_error"),
    ("an error that is a string", (event({"error": "Overloaded"}),), "provider_error"),
    ("finish reason error", (chunk({"content": ""}, finish="error"), DONE), "provider_error"),
    (
        "an error with a number beyond all floats",
        (error_event(metadata={"limit_usd": 10**400}),),
        "provider_error",
    ),
    ("a reset", (RESET,), "connection_lost"),
    ("the end without a finish reason", (), "no_finish_reason"),
    ("[DONE] without a finish reason", (DONE,), "no_finish_reason"),
    ("a cut event", (b'data: {"choices":[{"ind',), "no_finish_reason"),
    ("garbage", (b"data: {garbage}\n\n", STOP, DONE), "malformed_event"),
    ("an array of objects", (b"data: [{}]\n\n", STOP, DONE), "malformed_event"),
    ("deep nesting", (b"data: " + b"[" * 100_000 + b"\n\n", STOP, DONE), "malformed_event"),
    ("an event without an end", (b"data: " + b"x" * (MAX_EVENT_BYTES + 1),), "malformed_event"),
    ("a stall", (HANG,), "idle_timeout"),
    ("comments only", tuple(step for _ in range(100) for step in (COMMENT, 1.0)), "idle_timeout"),
    ("empty deltas only", tuple(step for _ in range(100) for step in (ROLE, 1.0)), "idle_timeout"),
]


@pytest.mark.parametrize(("steps", "code"), [pytest.param(*row, id=name) for name, *row in FAULTS])
async def test_a_stream_that_is_cut_off_ends_with_one_error_event(steps: tuple[Step, ...], code: str) -> None:
    got, world = await relay(text("Half"), *steps, idle_ms=10_000)

    *before, last = got.events
    assert [each for each in got.events if "error" in each] == [last]
    assert (last["error"]["code"], last["error"]["metadata"]["partial"]) == (code, True)
    assert last["choices"][0]["finish_reason"] == "error"
    assert got.receipt["attempts"][-1]["outcome"] == "cut_off"
    assert "[DONE]" not in before
    assert {choice["finish_reason"] for each in before for choice in each["choices"]} <= {None}
    assert text_in(got.events) == "Half"
    assert world.events("request_done")[0]["outcome"] == code
    assert world.upstream.models == ["a/one"]
    assert world.transport.replies[0].aborted


@pytest.mark.parametrize("name", ["sse-05", "sse-06", "sse-07", "sse-08"])
async def test_a_recorded_cut_off_stream_ends_with_one_error_event(name: str) -> None:
    got, _ = await relay(sample(name).body)

    assert [("error" in each) for each in got.events].count(True) == 1
    assert got.events[-1]["error"]["metadata"]["partial"] is True


async def test_progress_resets_the_idle_timer_and_other_bytes_do_not() -> None:
    slow = tuple(step for _ in range(5) for step in (text("x"), 9.0))
    got, _ = await relay(*slow, COMMENT, 9.0, COMMENT, 9.0, STOP, idle_ms=10_000)

    assert got.events[-1]["error"]["code"] == "idle_timeout"
    assert now_s() == pytest.approx(46.0, abs=0.02)


async def test_a_slow_client_is_not_a_slow_model() -> None:
    async def slowly(_: bytes) -> None:
        await asyncio.sleep(60.0)

    world = World().script("a/one", stream(text("a"), text("b"), text("c"), STOP, USAGE, DONE))
    response = await world.begin(chat("a/one", stream=True, gateway={"idle_ms": 10_000}))

    got = await finish(response, on_write=slowly)

    assert got.events[-1] == "[DONE]"
    assert text_in(got.events) == "abc"


async def test_a_model_that_stalls_while_the_client_is_slow_is_detected() -> None:
    async def slowly(_: bytes) -> None:
        await asyncio.sleep(60.0)

    world = World().script("a/one", stream(text("a"), HANG))
    response = await world.begin(chat("a/one", stream=True, gateway={"idle_ms": 10_000}))

    got = await finish(response, on_write=slowly)

    assert got.events[-1]["error"]["code"] == "idle_timeout"
    assert 70.0 <= got.pieces[-1][0] <= 80.1


async def test_a_finished_stream_without_done_gets_it() -> None:
    got, _ = await relay(text("Hi"), STOP)

    assert got.events[-1] == "[DONE]"
    assert got.body.count(DONE) == 1


@pytest.mark.parametrize("end", [HANG, RESET], ids=["stall", "reset"])
async def test_a_fault_after_the_finish_reason_does_not_affect_the_answer(end: Step) -> None:
    got, world = await relay(text("Hi"), STOP, end, idle_ms=10_000)

    assert got.body == text("Hi") + STOP + DONE
    assert world.events("request_done")[0]["outcome"] == "answered"


@pytest.mark.parametrize("end", [text("more") + DONE, RESET, HANG], ids=["more", "reset", "open"])
async def test_nothing_follows_done(end: Step) -> None:
    got, world = await relay(text("Hi"), STOP, DONE, end)

    assert got.body == text("Hi") + STOP + DONE
    assert world.events("request_done")[0]["outcome"] == "answered"
    assert now_s() < 1.0


async def test_nothing_follows_the_error() -> None:
    got, _ = await relay(text("Hi"), error_event(code=500), text("more"), STOP, DONE)

    assert text_in(got.events) == "Hi"


@pytest.mark.parametrize("last", [DONE, USAGE, STOP], ids=["done", "usage", "finish"])
@pytest.mark.parametrize("missing", [1, 2])
async def test_the_last_event_may_lack_its_blank_line(last: bytes, missing: int) -> None:
    got, _ = await relay(text("Hi"), STOP, last[:-missing])

    assert got.events[-1] == "[DONE]"
    assert text_in(got.events) == "Hi"
    assert ("usage" in str(got.events)) is (last == USAGE)


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"])
async def test_other_line_ends_pass_unchanged(line_end: bytes) -> None:
    body = (text("Hi") + STOP).replace(b"\n", line_end)

    got, _ = await relay(body + DONE.replace(b"\n", line_end))

    assert got.body == body + DONE.replace(b"\n", line_end)


async def test_a_client_that_leaves_ends_the_upstream_call() -> None:
    async def leaves(_: bytes) -> None:
        raise ClientGoneError

    world = World().script("a/one", stream(text("a"), 1.0, text("b"), HANG))
    response = await world.begin(chat("a/one", "b/two", stream=True))

    await finish(response, on_write=leaves)

    assert world.transport.replies[0].aborted
    assert world.events("request_done")[0]["outcome"] == "client_gone"
    assert world.upstream.models == ["a/one"]


async def test_a_stream_that_is_cancelled_ends_the_upstream_call() -> None:
    world = World().script("a/one", stream(text("a"), HANG))
    response = await world.begin(chat("a/one", stream=True))
    relaying = asyncio.create_task(finish(response))
    await asyncio.sleep(1.0)

    relaying.cancel()
    await asyncio.wait({relaying})

    assert relaying.cancelled()
    assert world.transport.replies[0].aborted
    assert len(world.events("request_done")) == 1


async def test_the_receipt_header_shows_the_state_at_the_commit() -> None:
    world = World().script("a/one", stream(2.0, text("a"), HANG))

    response = await world.begin(chat("a/one", stream=True))

    headers = dict(response.headers)
    assert headers["content-type"].startswith("text/event-stream")
    assert '"served":"a/one"' in headers["x-gateway-receipt"]
    assert '"ms":2000' in headers["x-gateway-receipt"]
