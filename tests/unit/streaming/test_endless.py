"""Streams that go on without progress, or after their end: the upstream call is closed."""

from collections.abc import AsyncIterator
from typing import cast

import pytest

from gateway.http.body import Step, Stream
from gateway.http.message import Reply, TransportError
from gateway.upstream.commit import MAX_IDLE_BYTES
from tests.support.chunks import DONE, STOP, USAGE, event, text, text_in
from tests.support.httpx_transport import HttpxReply
from tests.support.upstream import stream
from tests.support.world import Answer, Client, World, chat

pytestmark = pytest.mark.anyio
COMMENT = b": " + b"x" * 10_000 + b"\n\n"
LIMIT = MAX_IDLE_BYTES // len(COMMENT)


async def relay(*steps: bytes) -> tuple[Answer, World]:
    world = World().script("a/one", stream(*steps))
    return await world.ask("a/one", "b/two", stream=True), world


async def test_a_stream_of_endless_comments_is_cut_off() -> None:
    got, world = await relay(text("Half "), *[COMMENT] * 10 * LIMIT, text("more"), STOP, DONE)

    assert text_in(got.events) == "Half "
    assert got.events[-1]["error"]["code"] == "answer_too_large"
    assert len(got.body) < 2 * MAX_IDLE_BYTES
    (reply,) = world.transport.replies
    assert (reply.aborted, reply.ended) == (True, False)


async def test_comments_between_progress_cut_nothing_off() -> None:
    steps = [step for _ in range(5) for step in (*[COMMENT] * (LIMIT // 2), text("x"))]

    got, _ = await relay(text("x"), *steps, STOP, USAGE, DONE)

    assert text_in(got.events) == "x" * 6
    assert got.body.endswith(DONE)


@pytest.mark.parametrize("fault", [b"data: {garbage}\n\n", event({"error": {"code": 500}})])
async def test_a_stream_that_is_cut_off_is_closed_at_once(fault: bytes) -> None:
    got, world = await relay(text("x"), fault, *[text("y")] * 1_000)

    (reply,) = world.transport.replies
    assert (reply.aborted, reply.ended) == (True, False)
    assert text_in(got.events) == "x"


class Pipe(Client):
    """A client to which pieces are passed without a pause, so that no timer can run in between."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    async def relay(self, reply: Reply, step: Step) -> None:
        pieces = [piece async for piece in pieces_of(reply)]
        for piece in pieces:
            if cast(HttpxReply, reply).aborted:
                raise TransportError("AbortError")
            self.taken += 1
            await self.write(step.take(piece))


async def pieces_of(reply: Reply) -> AsyncIterator[bytes]:
    while piece := await reply.read():
        yield piece


@pytest.mark.parametrize(
    ("steps", "most"),
    [((b"data: {garbage}\n\n",), 2), ((COMMENT,) * 2 * LIMIT, LIMIT + 2), ((STOP, DONE), LIMIT + 4)],
    ids=["a fault", "comments", "an end"],
)
async def test_a_stream_that_never_pauses_is_closed(steps: tuple[bytes, ...], most: int) -> None:
    world = World().script("a/one", stream(text("x"), *steps, *[COMMENT] * 3 * LIMIT))
    response = await world.begin(chat("a/one", stream=True))
    pipe = Pipe()

    await cast(Stream, response.body).run(pipe)

    assert pipe.taken <= most


async def test_a_stream_that_goes_on_after_its_end_is_closed() -> None:
    got, world = await relay(text("x"), STOP, USAGE, DONE, *[COMMENT] * 10 * LIMIT)

    (reply,) = world.transport.replies
    assert (reply.aborted, reply.ended) == (True, False)
    assert text_in(got.events) == "x"
    assert got.body.endswith(DONE)
    assert got.receipt["attempts"][0]["outcome"] == "answered"
