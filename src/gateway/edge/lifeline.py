"""Keeps a request's tasks alive after the response, and cancels most of them if the client disconnects."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from js import Promise
from pyodide.ffi import create_proxy


def _nothing() -> None:
    return None


class Lifeline:
    """Runs the tasks of one request.

    When a client disconnects, the runtime drops its handler without telling Python. So the work runs in tasks
    under ``waitUntil``, which the runtime does not drop. The request's signal cancels the tasks that are for
    the client. Without a signal the request's own deadlines end them.

    ``waitUntil`` gets native promises. A promise that stands for a Python task would cost three more turns of
    the event loop.

    Args:
        ctx: the request's execution context.
        on_bug: called with each unexpected exception of a task.
        on_end: called when the last task ends.
        signal: the request's abort signal; None if it never fires.

    Attributes:
        client_gone: whether the client has disconnected; then the tasks that were for it are cancelled.
    """

    def __init__(
        self,
        ctx: Any,
        on_bug: Callable[[Exception], None],
        on_end: Callable[[], None],
        signal: Any = None,
    ) -> None:
        self.client_gone = False
        self._ctx = ctx
        self._on_bug = on_bug
        self._on_end = on_end
        self._tasks: set[asyncio.Task[None]] = set()
        self._for_client: set[asyncio.Task[None]] = set()
        self._signal = signal
        if signal:
            self._on_abort = create_proxy(self._cancel)
            signal.addEventListener("abort", self._on_abort)

    def start(
        self,
        work: Coroutine[Any, Any, Any],
        *,
        for_client: bool = True,
        otherwise: Callable[[], Any] = _nothing,
    ) -> Any:
        """Run ``work`` as a task that goes on after the response.

        Start later work from a task that still runs: when no task runs, the lifeline removes its listener and
        calls ``on_end``.

        Args:
            work: the coroutine to run. Its exceptions are passed to ``on_bug``.
            for_client: whether the task is cancelled when the client disconnects.
            otherwise: returns the promise's value if ``work`` is cancelled or raises.

        Returns:
            A JavaScript promise of the result of ``work``. It is always resolved, never rejected.
        """
        settled = Promise.withResolvers()
        # The loop's own ``create_task`` would add a callback that counts the task's end. It may be due when
        # the request is over; on the 2024 runtime it then stays in memory forever, together with the task.
        task = asyncio.Task(self._settle(work, settled, otherwise), loop=asyncio.get_running_loop())
        self._tasks.add(task)
        if for_client:
            self._for_client.add(task)
            if self.client_gone:
                _cancel_once_begun(task)
        promise = settled.promise
        self._ctx.waitUntil(promise)
        return promise

    def run_in_background(self, work: Callable[[], Awaitable[object]]) -> None:
        """Run work that goes on if the client disconnects; see ``memory.ports.Ports``."""

        async def run() -> None:
            await work()

        self.start(run(), for_client=False)

    async def _settle(
        self, work: Coroutine[Any, Any, Any], settled: Any, otherwise: Callable[[], Any]
    ) -> None:
        result = None
        try:
            result = await work
        except asyncio.CancelledError:
            result = otherwise()
        except Exception as error:  # noqa: BLE001  # the last handler above any task; see entry.py
            result = otherwise()
            self._on_bug(error)
        finally:
            settled.resolve(result)
            self._forget(asyncio.current_task())

    def _forget(self, task: "asyncio.Task[None] | None") -> None:
        """Forget a task that ends. After the last one, call ``on_end`` and remove the signal's listener."""
        assert task is not None
        self._tasks.discard(task)
        self._for_client.discard(task)
        if self._tasks:
            return
        self._on_end()
        if self._signal:
            self._signal.removeEventListener("abort", self._on_abort)
            self._on_abort.destroy()

    def _cancel(self, *_: object) -> None:
        self.client_gone = True
        for task in tuple(self._for_client):
            _cancel_once_begun(task)


def _cancel_once_begun(task: "asyncio.Task[None]") -> None:
    """Cancel a task after its first step. Cancelled earlier, it would never run, nor its ``finally``."""
    task.get_loop().call_soon(task.cancel)
