import asyncio
from dataclasses import dataclass, field

import pytest

from gateway.streaming.idle_timer import MAX_PAUSED_S, IdleTimer
from tests.support.world import now_s

pytestmark = pytest.mark.anyio


@dataclass
class Watched:
    paused: bool = False
    fired_at_s: list[float] = field(default_factory=list)

    def timer(self, idle_s: float) -> IdleTimer:
        return IdleTimer(
            idle_s,
            lambda: self.fired_at_s.append(now_s()),
            lambda: self.paused,
            call_later=asyncio.get_running_loop().call_later,
            now_s=now_s,
        )


async def test_it_fires_once_without_a_touch() -> None:
    watched = Watched()
    timer = watched.timer(10.0)

    await asyncio.sleep(100.0)

    assert watched.fired_at_s == pytest.approx([10.0])
    assert timer.fired


async def test_a_touch_restarts_the_count() -> None:
    watched = Watched()
    timer = watched.timer(10.0)

    for _ in range(5):
        await asyncio.sleep(9.0)
        timer.touch()
    await asyncio.sleep(100.0)

    assert watched.fired_at_s == pytest.approx([55.0])


async def test_it_never_fires_once_stopped() -> None:
    watched = Watched()
    timer = watched.timer(10.0)
    await asyncio.sleep(5.0)

    timer.stop()
    await asyncio.sleep(100.0)

    assert watched.fired_at_s == []
    assert not timer.fired


async def test_it_does_not_fire_while_it_is_paused() -> None:
    watched = Watched(paused=True)
    watched.timer(10.0)

    await asyncio.sleep(500.0)

    assert watched.fired_at_s == []


async def test_it_fires_soon_after_the_pause() -> None:
    watched = Watched(paused=True)
    watched.timer(10.0)
    await asyncio.sleep(55.0)

    watched.paused = False
    await asyncio.sleep(100.0)

    (fired_at_s,) = watched.fired_at_s
    assert 55.0 <= fired_at_s <= 75.0


async def test_it_fires_during_an_endless_pause() -> None:
    watched = Watched(paused=True)
    watched.timer(10.0)

    await asyncio.sleep(5_000.0)

    assert watched.fired_at_s == pytest.approx([MAX_PAUSED_S + 10.0], abs=10.0)


async def test_pauses_that_end_do_not_add_up() -> None:
    watched = Watched()
    timer = watched.timer(10.0)

    for _ in range(10):
        watched.paused = True
        await asyncio.sleep(MAX_PAUSED_S / 2)
        watched.paused = False
        timer.touch()
        await asyncio.sleep(9.0)
        timer.touch()

    assert watched.fired_at_s == []
