"""Builds the ports of a Worker from its bindings (``env``), and holds the isolate's settings and memory."""

import json
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import js
from pyodide.ffi import JsException, to_js

from gateway.edge.alarm import Alarm
from gateway.edge.answer_cache import CachedAnswers
from gateway.edge.coordinator import Coordinators
from gateway.edge.d1 import D1Database
from gateway.edge.fetch import FetchTransport
from gateway.http.json_values import Json
from gateway.http.log_events import level_of
from gateway.memory.isolate import Memory
from gateway.memory.ports import Ports
from gateway.settings.settings import Settings

Work: TypeAlias = Callable[[], Awaitable[object]]

# An isolate runs one deployed version, so its settings do not change. Only plain data may be stored here: an
# object of one request must never be used by another.
_settings: dict[str, Settings] = {}
# Created once: `json.dumps` with options creates an encoder for every call.
_LINE = json.JSONEncoder(separators=(",", ":"))


def read_settings(env: Any) -> Settings:
    """Return the Worker's settings. They are read from ``env`` once for each isolate.

    Raises:
        ConfigError: a setting is invalid. The next call reads the settings again.
    """
    if "read" not in _settings:
        _settings["read"] = Settings.from_env(lambda name: _text_of(env, name))
    return _settings["read"]


def _text_of(env: Any, name: str) -> str | None:
    """Return a binding as text. ``[vars]`` may hold numbers, booleans and tables, which become JSON."""
    value = getattr(env, name, None)
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    return js.JSON.stringify(value) if value else None


def write_log(event: str, **fields: Json) -> None:
    """Write one line of JSON to the console, from which ``wrangler tail`` and Workers Logs read."""
    level = level_of(event)
    getattr(js.console, level)(_LINE.encode({"event": event, "level": level, **fields}))


def log_bug(error: Exception, *, request_id: str | None = None) -> None:
    """Log an unexpected exception: its type and place, never its message, which may hold a caller's text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    named = {"request_id": request_id} if request_id else {}
    write_log("internal_error", **named, error=type(error).__name__, where=where)


def new_id() -> str:
    """Return 16 random hexadecimal digits."""
    return os.urandom(8).hex()


class KvCache:
    """The KV namespace ``MODEL_CACHE``; unbound, every lookup is a miss. See ``memory.ports.Cache``."""

    def __init__(self, env: Any) -> None:
        self._kv = getattr(env, "MODEL_CACHE", None)

    async def get(self, key: str) -> bytes | None:
        """Return the value; None if there is none, or the lookup fails."""
        if not self._kv:
            return None
        try:
            value = await self._kv.get(key, "arrayBuffer")
        except JsException as error:
            write_log("cache_failed", error=error.name)
            return None
        return (
            value.to_bytes() if value else None
        )  # a missing value is None or jsnull, depending on the runtime

    async def put(self, key: str, value: bytes) -> None:
        """Store the value. A failure is logged."""
        if not self._kv:
            return
        try:
            await self._kv.put(key, to_js(value))
        except JsException as error:
            write_log("cache_failed", error=error.name)


class BoundRateLimiter:
    """The rate limiting binding ``RATE_LIMITER``; see ``memory.ports.RateLimiter``."""

    def __init__(self, env: Any) -> None:
        self._limiter = getattr(env, "RATE_LIMITER", None)
        self.bound = bool(self._limiter)

    async def allows(self, key: str) -> bool:
        """Count a call of ``key``; return whether it is within the limit. True if the limiter fails."""
        if not self._limiter:
            return True
        try:
            outcome = await self._limiter.limit(to_js({"key": key}, dict_converter=js.Object.fromEntries))
        except JsException as error:
            write_log("rate_limiter_failed", error=error.name)
            return True
        return bool(outcome.success)


_TRANSPORT = FetchTransport()
# The 2024 runtime, with Python 3.12, ends a response of unknown length as if it were complete, also after an
# error. Later ones close the connection early.
_SHOWS_CUTS = sys.version_info >= (3, 13)
# What this isolate remembers; all its requests share it.
MEMORY = Memory()


def ports_of(env: Any, run_in_background: Callable[[Work], None], alarm: Alarm) -> Ports:
    """Return the ports of one request.

    Args:
        env: the Worker's bindings.
        run_in_background: starts work that goes on after the response.
        alarm: the request's timers.
    """
    return Ports(
        transport=_TRANSPORT,
        now_s=time.time,
        draw=random.random,
        new_id=new_id,
        log=write_log,
        log_bug=log_bug,
        run_in_background=run_in_background,
        call_later=alarm.call_later,
        within=alarm.within,
        rate_limiter=BoundRateLimiter(env),
        cache=KvCache(env),
        answer_cache=CachedAnswers(alarm.within, write_log),
        database=D1Database(env),
        coordinator=Coordinators(env),
        shows_cuts=_SHOWS_CUTS,
    )
