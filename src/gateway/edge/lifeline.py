"""A request's tasks: kept alive beyond the response, and most of them ended when the client leaves."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from js import Promise
from pyodide.ffi import create_proxy


def _nothing() -> None:
    return None


class Lifeline:
    """Holds what runs for one request.

    The runtime drops a handler whose client has left without telling Python. So the work runs in tasks
    under ``waitUntil``, which it does not drop, and the request's signal cancels those that are for the
    client. Without a signal the request's own deadlines end its tasks.

    What the runtime waits for are promises of its own: one that stands for a Python task costs it three
    more turns of the event loop.

    Args:
        ctx: the request's execution context.
        on_bug: told of a fault that nobody foresaw.
        on_end: called when the last task ends.
        signal: the request's; None where it never fires.

    Attributes:
        client_gone: the client has left, and what was for it was cancelled.
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
        """Run ``work`` as a task that outlives the response, but not the client, unless it is not for it.

        Returns a JavaScript promise of what ``work`` returns. It is always kept: with what ``otherwise``
        returns where ``work`` was cancelled, or has a bug, of which ``on_bug`` is told. Later work is started
        by a task that still runs: when none does, the lifeline lets go.
        """
        settled = Promise.withResolvers()
        # Not by the loop's own ``create_task``, which counts the task's end by a callback: that comes when
        # the request may be over, and on the 2024 runtime then stays for ever, with the task.
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
        """Run work that is not for the client; see ``ports.Ports.after``."""

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
        except Exception as error:  # noqa: BLE001  # the last resort: see entry.py
            result = otherwise()
            self._on_bug(error)
        finally:
            settled.resolve(result)
            self._forget(asyncio.current_task())

    def _forget(self, task: "asyncio.Task[None] | None") -> None:
        """Let go of a task that ends, and with the last one of everything."""
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
    """Cancel a task behind its first step: one that is cancelled before never runs, nor does its clean-up."""
    task.get_loop().call_soon(task.cancel)
