"""The limits of one request: as ``asyncio.timeout``, with fewer timers."""

import asyncio

import pytest

from gateway.edge.alarm import Alarm
from tests.support.world import now_s

pytestmark = pytest.mark.anyio


async def ended(alarm: Alarm, limit_s: float, work_s: float) -> float | None:
    """Return when the limit ended the work; None where the work was done before."""
    try:
        async with alarm.within(limit_s):
            await asyncio.sleep(work_s)
    except TimeoutError:
        return now_s()
    return None


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the moments for which the alarm sets timers, as they are set."""
    found: list[float] = []
    set_timer = Alarm._set

    def counted(self: Alarm, at_s: float) -> None:
        before_s = self._fires_at_s
        set_timer(self, at_s)
        if self._fires_at_s != before_s:
            found.append(at_s)

    monkeypatch.setattr(Alarm, "_set", counted)
    return found


async def test_a_limit_ends_what_takes_longer_and_nothing_else() -> None:
    alarm = Alarm()

    assert await ended(alarm, 5.0, 4.0) is None
    assert await ended(alarm, 5.0, 6.0) == pytest.approx(9.0)


async def test_limits_that_follow_one_another_share_a_timer(timers: list[float]) -> None:
    alarm = Alarm()

    assert await ended(alarm, 30.0, 1.0) is None
    assert await ended(alarm, 60.0, 100.0) == pytest.approx(61.0)

    assert timers == pytest.approx([30.0, 61.0])


async def test_a_limit_that_ends_earlier_than_the_timer_gets_one_of_its_own(timers: list[float]) -> None:
    alarm = Alarm()

    assert await ended(alarm, 30.0, 1.0) is None
    assert await ended(alarm, 2.0, 100.0) == pytest.approx(3.0)
    assert await ended(alarm, 100.0, 200.0) == pytest.approx(103.0)

    assert timers == pytest.approx([30.0, 3.0, 103.0])


async def test_limits_at_the_same_time_end_each_in_its_own() -> None:
    alarm = Alarm()
    limits_s = (3.0, 1.0, 2.0, 1.0)

    found = await asyncio.gather(*(ended(alarm, limit_s, 10.0) for limit_s in limits_s))

    assert found == pytest.approx(limits_s)


async def test_the_inner_of_two_limits_leaves_the_outer_one_its_time() -> None:
    alarm = Alarm()

    async with alarm.within(10.0):
        assert await ended(alarm, 1.0, 5.0) == pytest.approx(1.0)
        assert await ended(alarm, 5.0, 1.0) is None
    assert now_s() == pytest.approx(2.0)


async def test_what_is_cancelled_from_outside_is_no_timeout() -> None:
    alarm = Alarm()
    task = asyncio.create_task(ended(alarm, 10.0, 20.0))
    await asyncio.sleep(1.0)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_timer_that_comes_late_ends_all_that_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    alarm, loop = Alarm(), asyncio.get_running_loop()
    call_at = loop.call_at
    monkeypatch.setattr(loop, "call_at", lambda at_s, *rest: call_at(at_s + 5.0, *rest))

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
