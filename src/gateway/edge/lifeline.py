"""A request's tasks: kept alive beyond the response, and most of them ended when the client leaves."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from pyodide.ffi import create_proxy

Result = TypeVar("Result")


class Lifeline:
    """Holds what runs for one request.

    The runtime drops a handler whose client has left without telling Python. So the work runs in tasks
    under ``waitUntil``, which it does not drop, and ``request.signal`` cancels those that are for the client.
    The 2024 runtime has the signal but never fires it: there the request's own deadlines end its tasks.

    Attributes:
        client_gone: the client has left, and what was for it was cancelled.
    """

    def __init__(self, js_request: Any, ctx: Any, on_bug: Callable[[Exception], None]) -> None:
        self.client_gone = False
        self._ctx = ctx
        self._on_bug = on_bug
        self._tasks: set[asyncio.Task[Any]] = set()
        self._for_client: set[asyncio.Task[Any]] = set()
        self._signal = getattr(js_request, "signal", None)
        self._on_abort = create_proxy(self._cancel)
        if self._signal:
            self._signal.addEventListener("abort", self._on_abort)

    def start(
        self, work: Coroutine[Any, Any, Result], *, for_client: bool = True
    ) -> "asyncio.Task[Result | None]":
        """Run ``work`` as a task that outlives the response, but not the client, unless it is not for it.

        The task never raises: it returns None when it was cancelled, and when ``work`` has a bug, of which
        ``on_bug`` is told. Later work is started by a task that still runs: when none does, the lifeline
        lets go.
        """
        task = asyncio.create_task(self._settle(work))
        self._tasks.add(task)
        if for_client:
            self._for_client.add(task)
            if self.client_gone:
                _cancel_once_begun(task)
        proxy = create_proxy(task)

        def ended(_: object) -> None:
            proxy.destroy()
            self._tasks.discard(task)
            self._for_client.discard(task)
            if not self._tasks:
                self._let_go()

        task.add_done_callback(ended)
        self._ctx.waitUntil(proxy)
        return task

    def start_after(self, work: Callable[[], Awaitable[object]]) -> None:
        """Run work that is not for the client; see ``ports.Ports.after``."""

        async def run() -> None:
            await work()

        self.start(run(), for_client=False)

    async def _settle(self, work: Coroutine[Any, Any, Result]) -> Result | None:
        try:
            return await work
        except asyncio.CancelledError:
            return None
        except Exception as error:  # noqa: BLE001  # the last resort: see entry.py
            self._on_bug(error)
            return None

    def _cancel(self, *_: object) -> None:
        self.client_gone = True
        for task in tuple(self._for_client):
            _cancel_once_begun(task)

    def _let_go(self) -> None:
        if self._signal:
            self._signal.removeEventListener("abort", self._on_abort)
        self._on_abort.destroy()


def _cancel_once_begun(task: "asyncio.Task[Any]") -> None:
    """Cancel a task behind its first step: one that is cancelled before never runs, nor does its clean-up."""
    task.get_loop().call_soon(task.cancel)
