"""The gateway as the soak runs it: its own entry, unchanged, and one path more that counts what is alive.

It runs on the 2024 runtime only, whose Pyodide can list the proxies that nobody has destroyed. That runtime has
no finalizers, so that such a proxy, and the Python object behind it, stay as long as the isolate.
"""

import asyncio
import gc
import json
from typing import Any

import pyodide_js
from js import Response
from pyodide.ffi import to_js

MODULE = pyodide_js._module  # noqa: SLF001  # there is no public way
MODULE.enable_pyproxy_allocation_tracing()  # before any of the gateway's modules is imported

from entry import on_fetch as serve  # noqa: E402

COUNTS_PATH = "/soak/counts"
MALLINFO_BYTES = 40
BYTES_IN_USE = 7
"""The place of ``uordblks`` among the 32-bit fields of C's ``struct mallinfo``."""


async def on_fetch(request: Any, env: Any, ctx: Any) -> Any:
    """Return the counts if they are asked for, else what the gateway answers."""
    if request.url.endswith(COUNTS_PATH):
        return Response.new(to_js(json.dumps(counts()).encode()))
    return await serve(request, env, ctx)


def counts() -> dict[str, float]:
    """Return what is alive now, this request included, once the garbage is gone."""
    gc.collect()
    return {
        "objects": len(gc.get_objects()),
        "heap_mb": _bytes_in_use() / 1e6,
        "proxies": MODULE.pyproxy_alloc_map.size,
        "references": MODULE._hiwire_num_refs(),  # noqa: SLF001
        "tasks": len(asyncio.all_tasks()) - 1,  # but for the one that counts
    }


def _bytes_in_use() -> int:
    """Return how much of WebAssembly's memory C's ``malloc`` has given out, to Python above all."""
    address = MODULE._PyMem_RawMalloc(MALLINFO_BYTES)  # noqa: SLF001
    MODULE._mallinfo(address)  # noqa: SLF001
    in_use: int = MODULE.HEAPU32[(address >> 2) + BYTES_IN_USE]
    MODULE._PyMem_RawFree(address)  # noqa: SLF001
    return in_use
