"""A request's tasks: kept alive while the client stays, and ended when it leaves."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from pyodide.ffi import create_proxy

Result = TypeVar("Result")


class Lifeline:
    """Holds what runs for one request.

    The runtime drops a handler whose client has left without telling Python. So the work runs in tasks
    under ``waitUntil``, which it does not drop, and ``request.signal`` cancels them. The 2024 runtime has
    the signal but never fires it: there the request's own deadlines end its tasks.
    """

    def __init__(self, js_request: Any, ctx: Any) -> None:
        self._ctx = ctx
        self._tasks: set[asyncio.Task[Any]] = set()
        self._signal = getattr(js_request, "signal", None)
        self._on_abort = create_proxy(self._cancel)
        if self._signal:
            self._signal.addEventListener("abort", self._on_abort)

    def start(self, work: Coroutine[Any, Any, Result]) -> "asyncio.Task[Result]":
        """Run ``work`` as a task that outlives the response, but not the client.

        Later work is started by a task that still runs: when none does, the lifeline lets go.
        """
        task = asyncio.create_task(work)
        self._tasks.add(task)
        proxy = create_proxy(task)

        def ended(_: object) -> None:
            proxy.destroy()
            self._tasks.discard(task)
            if not self._tasks:
                self._let_go()

        task.add_done_callback(ended)
        self._ctx.waitUntil(proxy)
        return task

    def _cancel(self, *_: object) -> None:
        for task in tuple(self._tasks):
            task.cancel()

    def _let_go(self) -> None:
        if self._signal:
            self._signal.removeEventListener("abort", self._on_abort)
        self._on_abort.destroy()
