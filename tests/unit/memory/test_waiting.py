"""What a request leaves to the event loop when it ends: nothing."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.memory.waiting import gather_results, pause, run_due_callbacks, start_task
from tests.support.world import World, now_s

pytestmark = pytest.mark.anyio


def due() -> list[asyncio.Handle]:
    """Return the callbacks that the loop has still to call."""
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    return [each for each in ready if not each.cancelled()]


async def one() -> int:
    return 1


async def test_a_pause_takes_its_time() -> None:
    began_s = now_s()

    await pause(3.0, World().ports)

    assert now_s() - began_s == pytest.approx(3.0)


async def test_nothing_is_left_of_a_pause_that_is_cancelled() -> None:
    set_calls: list[asyncio.TimerHandle] = []

    def call_later(seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        set_calls.append(asyncio.get_running_loop().call_later(seconds, callback))
        return set_calls[-1]

    waiting = start_task(pause(3.0, replace(World().ports, call_later=call_later)))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})

    assert [each.cancelled() for each in set_calls] == [True]


async def test_a_task_ends_without_a_callback_of_the_loop() -> None:
    loop = asyncio.get_running_loop()
    task = start_task(one())

    await asyncio.sleep(0)

    assert task.done()
    assert task.get_loop() is loop
    assert not due()


async def test_results_come_in_order() -> None:
    assert await gather_results([one(), one()]) == [1, 1]


async def test_no_results_need_no_future() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.get_running_loop(), "create_future", pytest.fail)

        assert await gather_results([]) == []


async def test_callbacks_that_are_due_have_run() -> None:
    called: list[object] = []
    task = start_task(one())
    task.add_done_callback(called.append)
    await asyncio.sleep(0)
    assert not called

    await run_due_callbacks()

    assert called == [task]
