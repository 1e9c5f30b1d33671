"""The gateway as the soak runs it: its own entry, unchanged, and one path more that counts what is alive.

It runs on the 2024 runtime only, whose Pyodide can list the proxies that nobody has destroyed. That runtime
has no finalizers, so that such a proxy, and the Python object behind it, stay as long as the isolate.
"""

import asyncio
import gc
import json
from typing import Any
from urllib.parse import urlsplit

import pyodide_js
from js import Response, addEventListener, console
from pyodide.ffi import create_proxy, to_js

MODULE = pyodide_js._module  # noqa: SLF001  # there is no public way
MODULE.enable_pyproxy_allocation_tracing()  # before any of the gateway's modules is imported

from entry import on_fetch as serve  # noqa: E402

PATHS = {"/soak/counts": False, "/soak/sample": True}
"""What answers with counts, and whether it lets go of what the runtime has dropped."""
MALLINFO_BYTES = 40
BYTES_IN_USE = 7
"""The place of ``uordblks`` among the 32-bit fields of C's ``struct mallinfo``."""


def tell(event: Any) -> None:
    """Log a promise that was broken and that nobody looks at: the runtime itself says nothing of it."""
    console.error(f"UNHANDLED rejection: {event.reason}")


addEventListener("unhandledrejection", create_proxy(tell))


def on_fetch(request: Any, env: Any, ctx: Any) -> Any:
    """Return the counts if they are asked for, else what the gateway answers."""
    lets_go = PATHS.get(urlsplit(request.url).path)
    if lets_go is None:
        return serve(request, env, ctx)
    return Response.new(to_js(json.dumps(counts(lets_go=lets_go)).encode()))


def counts(*, lets_go: bool) -> dict[str, float]:
    """Return what is alive now, once the garbage is gone.

    The runtime drops the timers of a request that has ended, among them the one that would run the last
    callbacks of its task: they never fire, and nobody tells Python. So their handles stay, with all that
    they hold, as long as the isolate. That is no Worker's doing and differs by kind of request; with
    ``lets_go`` the handles are emptied, if no task is alive that may need them: so what else grows shows.
    """
    gc.collect()
    held_bytes, tasks = _bytes_in_use(), len(asyncio.all_tasks(asyncio.get_event_loop()))
    timers = _timers()
    if lets_go and not tasks:
        for timer in timers:
            timer.cancel()
    count = len(timers)
    del timers
    gc.collect()
    return {
        "tasks": tasks,
        "timers": count,
        "held_mb": held_bytes / 1e6,
        "heap_mb": _bytes_in_use() / 1e6,
        "objects": len(gc.get_objects()),
        "proxies": MODULE.pyproxy_alloc_map.size,
        "references": MODULE._hiwire_num_refs(),  # noqa: SLF001
    }


def _timers() -> list[asyncio.Handle]:
    return [each for each in gc.get_objects() if type(each) is asyncio.Handle]


def _bytes_in_use() -> int:
    """Return how much of WebAssembly's memory C's ``malloc`` has given out, to Python above all."""
    address = MODULE._PyMem_RawMalloc(MALLINFO_BYTES)  # noqa: SLF001
    MODULE._mallinfo(address)  # noqa: SLF001
    in_use: int = MODULE.HEAPU32[(address >> 2) + BYTES_IN_USE]
    MODULE._PyMem_RawFree(address)  # noqa: SLF001
    return in_use
