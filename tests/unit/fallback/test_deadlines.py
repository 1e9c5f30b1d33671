import asyncio

import pytest

from tests.support.chunks import COMMENT, ROLE
from tests.support.upstream import HANG, Act, after, answer, fail, hang, reply, stream
from tests.support.world import World, chat, now_s

pytestmark = pytest.mark.anyio
MODELS = ["a/one", "b/two", "c/three", "d/four"]


def hanging(*models: str) -> World:
    world = World()
    for model in models:
        world.script(model, hang)
    return world


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_chain_of_hanging_models_ends_at_its_deadline(count: int, streamed: bool) -> None:
    world = hanging(*MODELS)

    got = await world.ask(*MODELS[:count], stream=streamed, gateway={"deadline_ms": 20_000})

    assert now_s() == pytest.approx(20.0, abs=0.02)
    assert got.status == 504
    assert world.upstream.cancelled == MODELS[:count]


async def test_the_models_that_are_left_share_the_time_that_is_left() -> None:
    world = hanging(*MODELS)

    await world.ask(*MODELS, gateway={"deadline_ms": 20_000})

    assert [each.at_s for each in world.upstream.received] == pytest.approx([0.0, 5.0, 10.0, 15.0])


async def test_the_time_that_a_quick_failure_saves_goes_to_the_others() -> None:
    world = hanging(*MODELS).script("a/one", fail(404))

    await world.ask(*MODELS[:3], gateway={"deadline_ms": 20_000})

    assert [each.at_s for each in world.upstream.received] == pytest.approx([0.0, 0.0, 10.0])


async def test_an_attempt_has_its_own_timeout() -> None:
    world = hanging("a/one")

    got = await world.ask("a/one", "b/two", gateway={"attempt_ms": 3_000})

    assert got.codes == ["attempt_timeout", None]
    assert got.receipt["attempts"][0]["ms"] == 3_000


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(hang, id="no headers"),
        pytest.param(reply(200, b'{"cho', HANG), id="half a body"),
        pytest.param(reply(502, HANG), id="an error without its body"),
    ],
)
async def test_a_reply_that_hangs_uses_up_its_own_attempt_only(act: Act) -> None:
    world = World().script("a/one", act)

    got = await world.ask("a/one", "b/two", gateway={"attempt_ms": 3_000})

    assert got.receipt["served"] == "b/two"
    assert now_s() == pytest.approx(3.0)
    assert all(each.aborted or each.ended for each in world.transport.replies)


@pytest.mark.parametrize("piece", [COMMENT, ROLE], ids=["comments", "empty deltas"])
async def test_neither_comments_nor_empty_deltas_are_a_first_token(piece: bytes) -> None:
    steps = (step for _ in range(50) for step in (piece, 1.0))
    world = World().script("a/one", stream(*steps))

    got = await world.ask("a/one", "b/two", stream=True, gateway={"first_token_ms": 7_000})

    assert got.codes == ["first_token_timeout", None]
    assert now_s() == pytest.approx(7.0)


async def test_the_first_token_timeout_applies_to_streams_only() -> None:
    world = World().script("a/one", after(30.0, answer()))

    got = await world.ask("a/one", gateway={"first_token_ms": 7_000})

    assert got.status == 200


@pytest.mark.parametrize(
    ("setting", "option"), [("DEADLINE_MS", "deadline_ms"), ("ATTEMPT_MS", "attempt_ms")]
)
async def test_an_option_of_the_request_overrides_the_setting(setting: str, option: str) -> None:
    world = hanging("a/one")
    world.env = {setting: "9000"}

    await world.ask("a/one")
    by_setting_s = now_s()
    await world.ask("a/one", gateway={option: 2_000})

    assert by_setting_s == pytest.approx(9.0, abs=0.02)
    assert now_s() == pytest.approx(11.0, abs=0.04)


async def test_a_deadline_too_short_for_any_attempt_is_a_timeout() -> None:
    world = World()

    got = await world.ask("a/one", gateway={"deadline_ms": 1})

    assert world.upstream.models == []
    assert got.status == 504


async def test_retries_end_with_the_deadline_too() -> None:
    world = World().script("a/one", after(0.9, fail(502)))

    await world.ask("a/one", gateway={"deadline_ms": 2_000, "retries": 10})

    assert now_s() <= 2.02


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_request_that_is_cancelled_cancels_its_upstream_call(streamed: bool) -> None:
    world = hanging("a/one")
    request = asyncio.create_task(world.begin(chat("a/one", stream=streamed)))
    await asyncio.sleep(1.0)

    request.cancel()
    await asyncio.wait({request})

    assert request.cancelled()
    assert world.upstream.cancelled == ["a/one"]


async def test_a_request_that_is_cancelled_in_the_middle_of_a_reply_aborts_it() -> None:
    world = World().script("a/one", stream(COMMENT, HANG))
    request = asyncio.create_task(world.begin(chat("a/one", "b/two", stream=True)))
    await asyncio.sleep(1.0)

    request.cancel()
    await asyncio.wait({request})

    assert [each.aborted for each in world.transport.replies] == [True]
    assert world.upstream.models == ["a/one"]
