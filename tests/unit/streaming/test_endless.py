"""Streams that go on without progress: they are cut off, and the upstream call is closed."""

import pytest

from gateway.upstream.commit import MAX_IDLE_BYTES
from tests.support.chunks import DONE, STOP, USAGE, event, text, text_in
from tests.support.upstream import Step, stream
from tests.support.world import Answer, World

pytestmark = pytest.mark.anyio
COMMENT = b": " + b"x" * 10_000 + b"\n\n"
LIMIT = MAX_IDLE_BYTES // len(COMMENT)


async def relay(*steps: Step) -> tuple[Answer, World]:
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


@pytest.mark.parametrize("fault", [b"data: garbage\n\n", event({"error": {"code": 500}})])
async def test_a_stream_that_is_cut_off_is_closed_at_once(fault: bytes) -> None:
    got, world = await relay(text("x"), fault, *[text("y")] * 1_000)

    (reply,) = world.transport.replies
    assert (reply.aborted, reply.ended) == (True, False)
    assert text_in(got.events) == "x"
