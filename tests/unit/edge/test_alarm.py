"""Tests ``edge.alarm``: its limits work like ``asyncio.timeout``, with fewer timers."""

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
    """A fake of JavaScript's timers; ``late_s`` is how many seconds too late they fire."""

    def __init__(self) -> None:
        self.set_for_s: list[float] = []
        self.open: dict[int, asyncio.TimerHandle] = {}
        self.proxies: list[Proxy] = []
        self.late_s = 0.0

    def set(self, proxy: Proxy, ms: float) -> int:
        number = len(self.set_for_s) + 1
        self.set_for_s.append(now_s() + ms / 1000)
        loop = asyncio.get_running_loop()
        self.open[number] = loop.call_later(ms / 1000 + self.late_s, self._fire, number, proxy)
        return number

    def clear(self, number: int) -> None:
        self.open.pop(number).cancel()

    def proxy(self, target: Callable[[], None]) -> Proxy:
        self.proxies.append(Proxy(target))
        return self.proxies[-1]

    def _fire(self, number: int, proxy: Proxy) -> None:
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
    """Return when the limit ended the work; None if the work was done before."""
    try:
        async with alarm.within(limit_s):
            await asyncio.sleep(work_s)
    except TimeoutError:
        return now_s()
    return None


async def test_a_limit_ends_only_work_that_takes_longer(alarm: "Alarm") -> None:
    assert await ended(alarm, 5.0, 4.0) is None
    assert await ended(alarm, 5.0, 6.0) == pytest.approx(9.0)


async def test_consecutive_limits_share_a_timer(alarm: "Alarm", timers: Timers) -> None:
    assert await ended(alarm, 30.0, 1.0) is None
    assert await ended(alarm, 60.0, 100.0) == pytest.approx(61.0)

    assert timers.set_for_s == pytest.approx([30.0, 61.0])


async def test_a_limit_that_ends_before_the_timer_sets_a_new_timer(alarm: "Alarm", timers: Timers) -> None:
    assert await ended(alarm, 30.0, 1.0) is None
    assert await ended(alarm, 2.0, 100.0) == pytest.approx(3.0)
    assert await ended(alarm, 100.0, 200.0) == pytest.approx(103.0)

    assert timers.set_for_s == pytest.approx([30.0, 3.0, 103.0])


async def test_concurrent_limits_end_independently(alarm: "Alarm") -> None:
    limits_s = (3.0, 1.0, 2.0, 1.0)

    found = await asyncio.gather(*(ended(alarm, limit_s, 10.0) for limit_s in limits_s))

    assert found == pytest.approx(limits_s)


async def test_an_inner_limit_does_not_change_the_outer_one(alarm: "Alarm") -> None:
    async with alarm.within(10.0):
        assert await ended(alarm, 1.0, 5.0) == pytest.approx(1.0)
        assert await ended(alarm, 5.0, 1.0) is None
    assert now_s() == pytest.approx(2.0)


async def test_a_cancellation_from_outside_is_no_timeout(alarm: "Alarm") -> None:
    task = asyncio.create_task(ended(alarm, 10.0, 20.0))
    await asyncio.sleep(1.0)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_late_timer_ends_all_limits_that_are_over(alarm: "Alarm", timers: Timers) -> None:
    timers.late_s = 5.0

    async def limited(limit_s: float) -> bool:
        reached = asyncio.Event()  # never set, so only the alarm has a timer
        try:
            async with alarm.within(limit_s):
                await reached.wait()
        except TimeoutError:
            return True
        return False

    assert all(await asyncio.gather(limited(1.0), limited(4.0)))
    assert now_s() == pytest.approx(6.0)


async def test_calls_run_at_their_time_unless_they_are_cancelled(alarm: "Alarm") -> None:
    called_at_s: list[float] = []
    alarm.call_later(3.0, lambda: called_at_s.append(now_s()))
    alarm.call_later(1.0, lambda: called_at_s.append(now_s()))
    alarm.call_later(2.0, lambda: called_at_s.append(now_s())).cancel()

    await asyncio.sleep(10.0)

    assert called_at_s == pytest.approx([1.0, 3.0])


async def test_the_first_of_two_simultaneous_calls_may_cancel_the_second(alarm: "Alarm") -> None:
    called: list[str] = []

    def callback(name: str, other: str) -> None:
        called.append(name)
        calls[other].cancel()

    calls = {
        "a": alarm.call_later(1.0, lambda: callback("a", "b")),
        "b": alarm.call_later(1.0, lambda: callback("b", "a")),
    }

    await asyncio.sleep(10.0)

    assert len(called) == 1


async def test_stop_clears_the_timer_and_destroys_the_proxies(alarm: "Alarm", timers: Timers) -> None:
    assert await ended(alarm, 30.0, 1.0) is None
    alarm.call_later(5.0, pytest.fail)

    alarm.stop()
    await asyncio.sleep(100.0)

    assert not timers.open
    assert all(proxy.destroyed for proxy in timers.proxies)


async def test_all_timers_share_one_proxy_and_only_one_timer_is_set_at_a_time(
    alarm: "Alarm", timers: Timers
) -> None:
    for seconds in (9.0, 5.0, 3.0, 7.0):
        alarm.call_later(seconds, lambda: None)
        assert len(timers.open) == 1
    await asyncio.sleep(20.0)

    assert len(timers.proxies) == 1


async def test_a_call_that_is_scheduled_while_the_timer_fires_runs_at_its_time(
    alarm: "Alarm", timers: Timers
) -> None:
    called_at_s: list[float] = []
    alarm.call_later(1.0, lambda: called_at_s.append(now_s()))
    alarm.call_later(50.0, lambda: called_at_s.append(now_s()))
    fire = timers.proxies[0].target

    def fire_and_schedule() -> None:
        fire()
        alarm.call_later(0.5, lambda: called_at_s.append(now_s()))

    timers.proxies[0].target = fire_and_schedule
    await asyncio.sleep(1.2)
    timers.proxies[0].target = fire
    await asyncio.sleep(100.0)

    assert called_at_s == pytest.approx([1.0, 1.5, 50.0])
    assert not timers.open
