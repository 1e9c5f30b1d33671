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

PATH = "/soak/counts"
MALLINFO_BYTES = 40
BYTES_IN_USE = 7
"""The place of ``uordblks`` among the 32-bit fields of C's ``struct mallinfo``."""


def tell(event: Any) -> None:
    """Log a promise that was broken and that nobody looks at: the runtime itself says nothing of it."""
    console.error(f"UNHANDLED rejection: {event.reason}")


addEventListener("unhandledrejection", create_proxy(tell))


def on_fetch(request: Any, env: Any, ctx: Any) -> Any:
    """Return the counts if they are asked for, else what the gateway answers."""
    if urlsplit(request.url).path != PATH:
        return serve(request, env, ctx)
    return Response.new(to_js(json.dumps(counts()).encode()))


def counts() -> dict[str, float]:
    """Return what is alive now, once the garbage is gone.

    A timer of the event loop's that is set when its request ends is dropped by the runtime: it never fires,
    nobody tells Python, and its handle stays, with all that it holds, as long as the isolate.
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
    """Return how much of WebAssembly's memory C's ``malloc`` has given out, to Python above all."""
    address = MODULE._PyMem_RawMalloc(MALLINFO_BYTES)  # noqa: SLF001
    MODULE._mallinfo(address)  # noqa: SLF001
    in_use: int = MODULE.HEAPU32[(address >> 2) + BYTES_IN_USE]
    MODULE._PyMem_RawFree(address)  # noqa: SLF001
    return in_use
