"""When a body is read, and for how long: nobody without a key makes the gateway wait for one."""

import asyncio

import pytest

from gateway.pipeline.read_request import BODY_TIMEOUT_S
from tests.support.world import World, chat, finish, now_s

pytestmark = pytest.mark.anyio
NEVER_S = 90_000.0


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/plan"])
async def test_a_body_that_stops_is_waited_for_so_long_and_no_longer(path: str) -> None:
    world = World(body_s=NEVER_S)

    got = await finish(await world.begin(chat("a/one"), path=path))

    assert (got.status, got.error["code"]) == (408, "body_timeout")
    assert now_s() == pytest.approx(BODY_TIMEOUT_S)
    assert world.upstream.received == []


async def test_a_body_that_is_slow_and_arrives_is_read() -> None:
    assert (await World(body_s=BODY_TIMEOUT_S - 1).ask("a/one")).status == 200


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}], ids=["no key", "a wrong key"])
async def test_without_a_good_key_a_body_is_not_read(headers: dict[str, str]) -> None:
    world = World(body_s=NEVER_S)

    async with asyncio.timeout(1.0):
        got = await finish(await world.begin(chat("a/one"), headers=headers))

    assert got.status == 401
    assert now_s() == 0.0
