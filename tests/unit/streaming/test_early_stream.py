import asyncio
import json

import pytest

from gateway.http.message import ClientGoneError
from gateway.memory.latencies import Latencies
from gateway.streaming.keep_alive import KEEP_ALIVE
from tests.support.chunks import text, text_in
from tests.support.upstream import HANG, Act, after, fail, hang, healthy_stream, stream
from tests.support.world import Answer, World, chat, finish, now_s

pytestmark = pytest.mark.anyio


async def ask_with_comments(*acts: Act, **options: object) -> tuple[Answer, World]:
    world = World()
    models = [f"m{number}/x" for number in range(len(acts))]
    for model, act in zip(models, acts, strict=True):
        world.script(model, act)
    return await world.ask(*models, stream=True, gateway={"keepalive_ms": 1_000, **options}), world


async def test_comments_keep_the_connection_alive_until_a_model_commits() -> None:
    got, _ = await ask_with_comments(after(3.5, healthy_stream("Hi")))

    assert [at_s for at_s, piece in got.pieces if piece == KEEP_ALIVE] == pytest.approx([1.0, 2.0, 3.0])
    assert text_in(got.events) == "Hi"
    assert got.events[-1] == "[DONE]"


async def test_a_quick_answer_has_no_comments() -> None:
    got, _ = await ask_with_comments(after(0.5, healthy_stream()))

    assert KEEP_ALIVE not in got.body
    assert got.headers["x-gateway-model"] == "m0/x"


async def test_a_chain_that_fails_before_the_first_comment_returns_its_own_status() -> None:
    got, _ = await ask_with_comments(fail(404))

    assert (got.status, got.error["code"]) == (404, "no_endpoints")


async def test_a_chain_that_fails_after_a_comment_ends_with_one_error_event() -> None:
    got, world = await ask_with_comments(after(1.5, fail(404)), after(1.5, fail(403)))

    (payload,) = got.events
    assert (got.status, payload["error"]["code"]) == (200, "forbidden")
    assert [attempt["code"] for attempt in got.receipt["attempts"]] == ["no_endpoints", "forbidden"]
    assert world.events("request_done")[0]["outcome"] == "forbidden"


async def test_the_deadline_also_applies_after_comments_were_sent() -> None:
    got, _ = await ask_with_comments(hang, deadline_ms=5_000)

    assert got.events[-1]["error"]["code"] == "attempt_timeout"
    assert now_s() == pytest.approx(5.0, abs=0.02)


@pytest.mark.parametrize(
    "act",
    [hang, stream(HANG), after(1.5, stream(text("Hi"), HANG))],
    ids=["no headers", "no text", "committed"],
)
async def test_a_client_that_leaves_before_the_commit_ends_the_call(act: Act) -> None:
    async def leaves(_: bytes) -> None:
        await asyncio.sleep(1.0)
        raise ClientGoneError

    world = World().script("a/one", act)
    response = await world.begin(chat("a/one", "b/two", stream=True, gateway={"keepalive_ms": 1_000}))

    await finish(response, on_write=leaves)

    assert all(each.aborted for each in world.transport.replies)
    assert world.upstream.models == ["a/one"]
    assert [line["outcome"] for line in world.events("request_done")] == ["client_gone"]


async def test_a_client_that_leaves_may_be_reported_twice() -> None:
    async def leaves(_: bytes) -> None:
        asyncio.get_running_loop().call_soon(reading.cancel)
        raise ClientGoneError

    world = World().script("a/one", hang)
    response = await world.begin(chat("a/one", stream=True, gateway={"keepalive_ms": 1_000}))

    reading = asyncio.ensure_future(finish(response, on_write=leaves))
    await asyncio.gather(reading, return_exceptions=True)

    assert [line["outcome"] for line in world.events("request_done")] == ["client_gone"]
    assert world.upstream.cancelled == ["a/one"]


async def test_the_headers_of_an_early_stream_show_that_its_attempt_is_in_flight() -> None:
    got, _ = await ask_with_comments(after(1.5, healthy_stream()))

    attempts = json.loads(got.headers["x-gateway-receipt"])["attempts"]
    assert [(each["outcome"], each["code"]) for each in attempts] == [("under_way", None)]
    assert got.headers["x-gateway-trace"] == "m0/x=under_way"
    assert got.receipt["attempts"][0]["outcome"] == "answered"


async def test_a_bug_in_the_chain_is_logged_once_and_ends_with_one_error_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Latencies, "note", lambda *_, **__: 1 / 0)

    got, world = await ask_with_comments(after(1.5, healthy_stream()))

    (payload,) = got.events
    assert (payload["error"]["code"], payload["object"]) == ("internal_error", "chat.completion.chunk")
    assert [line["error"] for line in world.events("internal_error")] == ["ZeroDivisionError"]
    assert [line["outcome"] for line in world.events("request_done")] == ["internal_error"]
    assert all(each.aborted for each in world.transport.replies)


@pytest.mark.parametrize(
    ("act", "outcome"), [(fail(404), "no_endpoints"), (healthy_stream(), "internal_error")]
)
async def test_a_client_that_leaves_as_the_chain_fails_causes_no_further_error(
    act: Act, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def leaves(data: bytes) -> None:
        if data != KEEP_ALIVE:
            raise ClientGoneError

    monkeypatch.setattr(Latencies, "note", lambda *_, **__: 1 / 0)  # not called for a 404
    world = World().script("a/one", after(1.5, act))
    response = await world.begin(chat("a/one", stream=True, gateway={"keepalive_ms": 1_000}))

    await finish(response, on_write=leaves)

    assert [line["outcome"] for line in world.events("request_done")] == [outcome]
