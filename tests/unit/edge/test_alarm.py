"""The limits of one request: as ``asyncio.timeout``, with fewer timers."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.support.javascript import Proxy, import_with
from tests.support.world import now_s

if TYPE_CHECKING:
    from gateway.edge.alarm import Alarm

pytestmark = pytest.mark.anyio


class Timers:
    """Plays JavaScript's timers; ``late_s`` is how much later than asked they go off."""

    def __init__(self) -> None:
        self.set_for_s: list[float] = []
        self.open: dict[int, asyncio.TimerHandle] = {}
        self.proxies: list[Proxy] = []
        self.late_s = 0.0

    def set(self, proxy: Proxy, ms: float) -> int:
        number = len(self.set_for_s) + 1
        self.set_for_s.append(now_s() + ms / 1000)
        loop = asyncio.get_running_loop()
        self.open[number] = loop.call_later(ms / 1000 + self.late_s, self._go_off, number, proxy)
        return number

    def clear(self, number: int) -> None:
        self.open.pop(number).cancel()

    def proxy(self, target: Callable[[], None]) -> Proxy:
        self.proxies.append(Proxy(target))
        return self.proxies[-1]

    def _go_off(self, number: int, proxy: Proxy) -> None:
        del self.open[number]
        assert not proxy.destroyed
        proxy.target()


@pytest.fixture
def timers() -> Timers:
    return Timers()


@pytest.fixture
async def alarm(timers: Timers, monkeypatch: pytest.MonkeyPatch) -> "Alarm":
    js = {"setTimeout": timers.set, "clearTimeout": timers.clear}
    module = import_with(monkeypatch, "gateway.edge.alarm", js=js, ffi={"create_proxy": timers.proxy})
    made: Alarm = module.Alarm()
    return made


async def ended(alarm: "Alarm", limit_s: float, work_s: float) -> float | None:
    """Return when the limit ended the work; None where the work was done before."""
    try:
        async with alarm.within(limit_s):
            await asyncio.sleep(work_s)
    except TimeoutError:
        return now_s()
    return None


async def test_a_limit_ends_what_takes_longer_and_nothing_else(alarm: "Alarm") -> None:
    assert await ended(alarm, 5.0, 4.0) is None
    assert await ended(alarm, 5.0, 6.0) == pytest.approx(9.0)


async def test_limits_that_follow_one_another_share_a_timer(alarm: "Alarm", timers: Timers) -> None:
    assert await ended(alarm, 30.0, 1.0) is None
    assert await ended(alarm, 60.0, 100.0) == pytest.approx(61.0)

    assert timers.set_for_s == pytest.approx([30.0, 61.0])


async def test_a_limit_that_ends_earlier_than_the_timer_gets_one_of_its_own(
    alarm: "Alarm", timers: Timers
) -> None:
    assert await ended(alarm, 30.0, 1.0) is None
    assert await ended(alarm, 2.0, 100.0) == pytest.approx(3.0)
    assert await ended(alarm, 100.0, 200.0) == pytest.approx(103.0)

    assert timers.set_for_s == pytest.approx([30.0, 3.0, 103.0])


async def test_limits_at_the_same_time_end_each_in_its_own(alarm: "Alarm") -> None:
    limits_s = (3.0, 1.0, 2.0, 1.0)

    found = await asyncio.gather(*(ended(alarm, limit_s, 10.0) for limit_s in limits_s))

    assert found == pytest.approx(limits_s)


async def test_the_inner_of_two_limits_leaves_the_outer_one_its_time(alarm: "Alarm") -> None:
    async with alarm.within(10.0):
        assert await ended(alarm, 1.0, 5.0) == pytest.approx(1.0)
        assert await ended(alarm, 5.0, 1.0) is None
    assert now_s() == pytest.approx(2.0)


async def test_what_is_cancelled_from_outside_is_no_timeout(alarm: "Alarm") -> None:
    task = asyncio.create_task(ended(alarm, 10.0, 20.0))
    await asyncio.sleep(1.0)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_timer_that_comes_late_ends_all_that_is_over(alarm: "Alarm", timers: Timers) -> None:
    timers.late_s = 5.0

    async def limited(limit_s: float) -> bool:
        reached = asyncio.Event()  # never set: no timer but the alarm's
        try:
            async with alarm.within(limit_s):
                await reached.wait()
        except TimeoutError:
            return True
        return False

    assert all(await asyncio.gather(limited(1.0), limited(4.0)))
    assert now_s() == pytest.approx(6.0)


async def test_calls_come_in_their_time_unless_they_are_cancelled(alarm: "Alarm") -> None:
    came_at_s: list[float] = []
    alarm.call_later(3.0, lambda: came_at_s.append(now_s()))
    alarm.call_later(1.0, lambda: came_at_s.append(now_s()))
    alarm.call_later(2.0, lambda: came_at_s.append(now_s())).cancel()

    await asyncio.sleep(10.0)

    assert came_at_s == pytest.approx([1.0, 3.0])


async def test_of_two_calls_for_one_moment_the_first_may_cancel_the_second(alarm: "Alarm") -> None:
    came: list[str] = []

    def comes(name: str, other: str) -> None:
        came.append(name)
        calls[other].cancel()

    calls = {
        "a": alarm.call_later(1.0, lambda: comes("a", "b")),
        "b": alarm.call_later(1.0, lambda: comes("b", "a")),
    }

    await asyncio.sleep(10.0)

    assert len(came) == 1


async def test_once_stopped_nothing_is_left_in_javascript(alarm: "Alarm", timers: Timers) -> None:
    assert await ended(alarm, 30.0, 1.0) is None
    alarm.call_later(5.0, pytest.fail)

    alarm.stop()
    await asyncio.sleep(100.0)

    assert not timers.open
    assert all(proxy.destroyed for proxy in timers.proxies)


async def test_one_proxy_serves_all_timers_and_one_timer_is_set_at_a_time(
    alarm: "Alarm", timers: Timers
) -> None:
    for seconds in (9.0, 5.0, 3.0, 7.0):
        alarm.call_later(seconds, lambda: None)
        assert len(timers.open) == 1
    await asyncio.sleep(20.0)

    assert len(timers.proxies) == 1


async def test_what_is_asked_for_while_the_timer_goes_off_comes_in_its_own_time(
    alarm: "Alarm", timers: Timers
) -> None:
    came_at_s: list[float] = []
    alarm.call_later(1.0, lambda: came_at_s.append(now_s()))
    alarm.call_later(50.0, lambda: came_at_s.append(now_s()))
    go_off = timers.proxies[0].target

    def goes_off() -> None:
        go_off()
        alarm.call_later(0.5, lambda: came_at_s.append(now_s()))

    timers.proxies[0].target = goes_off
    await asyncio.sleep(1.2)
    timers.proxies[0].target = go_off
    await asyncio.sleep(100.0)

    assert came_at_s == pytest.approx([1.0, 1.5, 50.0])
    assert not timers.open
