"""The soak's Worker entry: the gateway's own entry, unchanged, and a route that counts what is alive.

It runs on the 2024 runtime only, whose Pyodide can list the proxies that were not destroyed. That runtime has
no finalizers, so such a proxy, and the Python object behind it, stay as long as the isolate.
"""

import asyncio
import gc
import json
from typing import Any
from urllib.parse import urlsplit

import pyodide_js
from js import Response, addEventListener, console
from pyodide.ffi import create_proxy, to_js

MODULE = pyodide_js._module  # noqa: SLF001  # there is no public API
MODULE.enable_pyproxy_allocation_tracing()  # must come before any module of the gateway is imported

from entry import on_fetch as serve  # noqa: E402

PATH = "/soak/counts"
MALLINFO_BYTES = 40
BYTES_IN_USE = 7
"""The index of ``uordblks`` among the 32-bit fields of C's ``struct mallinfo``."""


def tell(event: Any) -> None:
    """Log an unhandled rejection, since the runtime does not log it."""
    console.error(f"UNHANDLED rejection: {event.reason}")


addEventListener("unhandledrejection", create_proxy(tell))


def on_fetch(request: Any, env: Any, ctx: Any) -> Any:
    """Return the counts if the path asks for them, else the gateway's response."""
    if urlsplit(request.url).path != PATH:
        return serve(request, env, ctx)
    return Response.new(to_js(json.dumps(counts()).encode()))


def counts() -> dict[str, float]:
    """Return the counts of what is alive, after garbage collection.

    If a request ends while its event loop timer is set, the runtime drops the timer: it never fires, Python
    does not learn of it, and its handle, with all that it holds, stays as long as the isolate.
    """
    gc.collect()
    alive = gc.get_objects()
    return {
        "tasks": len(asyncio.all_tasks(asyncio.get_event_loop())),
        "timers": sum(type(each) is asyncio.Handle for each in alive),
        "heap_mb": _bytes_in_use() / 1e6,
        "objects": len(alive),
        "proxies": MODULE.pyproxy_alloc_map.size,
        "references": MODULE._hiwire_num_refs(),  # noqa: SLF001
    }


def _bytes_in_use() -> int:
    """Return how many bytes C's ``malloc`` has allocated in WebAssembly's memory, mostly for Python."""
    address = MODULE._PyMem_RawMalloc(MALLINFO_BYTES)  # noqa: SLF001
    MODULE._mallinfo(address)  # noqa: SLF001
    in_use: int = MODULE.HEAPU32[(address >> 2) + BYTES_IN_USE]
    MODULE._PyMem_RawFree(address)  # noqa: SLF001
    return in_use
