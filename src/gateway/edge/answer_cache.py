"""Kept answers: the runtime's Cache API; see ``ports.AnswerCache``.

Source: Cloudflare "Cache API": per data centre, and without effect on ``*.workers.dev``.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import js
from js import Headers, Response
from pyodide.ffi import JsException, to_js

from gateway.memory.ports import Log

# No such host is ever asked: it is a name in the cache.
BASE_URL = "https://answers.openrouter-edge.invalid/"
GET_TIMEOUT_S = 0.3


class CachedAnswers:
    """The default cache. Where there is none, or it fails, or is slow, it holds nothing.

    Args:
        within: limits the time that a block may take; see ``ports.Ports``.
        log: is told of a cache that fails, or is slow.
    """

    def __init__(self, within: Callable[[float], AbstractAsyncContextManager[object]], log: Log) -> None:
        self._within = within
        self._log = log

    async def get(self, key: str) -> bytes | None:
        """Return the value, or None."""
        cache = _default_cache()
        if cache is None:
            return None
        try:
            async with self._within(GET_TIMEOUT_S):
                response = await cache.match(BASE_URL + key)
                whole: bytes | None = (await response.arrayBuffer()).to_bytes() if response else None
        except (JsException, TimeoutError) as error:
            self._log("answer_cache_failed", error=getattr(error, "name", "TimeoutError"))
            return None
        return whole

    async def put(self, key: str, value: bytes, *, ttl_s: int) -> None:
        """Keep the value for so long at the most."""
        cache = _default_cache()
        if cache is None:
            return
        headers = Headers.new(to_js([["cache-control", f"public, max-age={ttl_s}"]]))
        try:
            await cache.put(BASE_URL + key, Response.new(to_js(value), headers=headers))
        except JsException as error:
            self._log("answer_cache_failed", error=error.name)


def _default_cache() -> Any:
    return getattr(getattr(js, "caches", None), "default", None)
