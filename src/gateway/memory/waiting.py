"""Starts tasks and waits within a request, so that no callback of the event loop is due when it ends.

The 2024 runtime drops what is due then: a timer, or a callback that counts the end of a task. Python does not
learn of it, so the callback and all that it holds stay in memory as long as the isolate.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from gateway.memory.ports import Ports

Result = TypeVar("Result")


def start_task(work: Coroutine[Any, Any, Result]) -> "asyncio.Task[Result]":
    """Return a task that runs ``work``, without the callback that the loop's own ``create_task`` adds."""
    return asyncio.Task(work, loop=asyncio.get_running_loop())


async def gather_results(works: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Run all works at the same time; return their results in order."""
    tasks = [start_task(work) for work in works]
    # For no tasks at all, asyncio makes a future, and leaves its callback behind.
    return await asyncio.gather(*tasks) if tasks else []


async def run_due_callbacks() -> None:
    """Return after the loop has called what is due: callbacks of tasks that have ended."""
    await asyncio.sleep(0)


async def pause(seconds: float, ports: Ports) -> None:
    """Wait for a time. The timer is the request's own: nothing of it is left if the wait is cancelled."""
    over = asyncio.get_running_loop().create_future()

    def end() -> None:
        if not over.done():
            over.set_result(None)

    call = ports.call_later(seconds, end)
    try:
        await over
    finally:
        call.cancel()
