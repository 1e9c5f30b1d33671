"""Stores cached answers in the runtime's Cache API; see ``memory.ports.AnswerCache``.

Source: Cloudflare "Cache API": each data centre has its own cache; on ``*.workers.dev`` it has no effect.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import js
from js import Headers, Response
from pyodide.ffi import JsException, to_js

from gateway.memory.ports import Log

# The prefix of the cache's keys, which must be URLs. No request goes to this host.
BASE_URL = "https://answers.openrouter-edge.invalid/"
GET_TIMEOUT_S = 0.3


class CachedAnswers:
    """The runtime's default cache. A lookup is a miss if there is no cache, or it fails or is slow.

    Args:
        within: limits the time of a block; see ``memory.ports.Ports``.
        log: logs failures and lookups that take longer than ``GET_TIMEOUT_S``.
    """

    def __init__(self, within: Callable[[float], AbstractAsyncContextManager[object]], log: Log) -> None:
        self._within = within
        self._log = log

    async def get(self, key: str) -> bytes | None:
        """Return the value; None if there is none."""
        cache = _default_cache()
        if cache is None:
            return None
        try:
            async with self._within(GET_TIMEOUT_S):
                response = await cache.match(BASE_URL + key)
                value: bytes | None = (await response.arrayBuffer()).to_bytes() if response else None
        except (JsException, TimeoutError) as error:
            self._log("answer_cache_failed", error=getattr(error, "name", "TimeoutError"))
            return None
        return value

    async def put(self, key: str, value: bytes, *, ttl_s: int) -> None:
        """Store the value for at most ``ttl_s`` seconds. A failure is logged."""
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
