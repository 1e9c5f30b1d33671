"""What the runtime binds: settings and secrets, the console, the clock."""

import json
import os
import random
import time
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from gateway.catalog import CatalogMemory
from gateway.config import SETTINGS, Settings
from gateway.edge.fetch import FetchTransport
from gateway.endpoints_memory import EndpointsMemory
from gateway.ports import Ports
from gateway.rests import Rests
from gateway.wire import Json

# One isolate serves one deployed version: its settings cannot change while it lives. Plain data only: what
# belongs to one request must never be kept for another.
_settings: dict[str, Settings] = {}


def read_settings(env: Any) -> Settings:
    """Return the Worker's settings, read from ``env`` once and kept.

    Raises:
        ConfigError: a setting is wrong; it is read again next time.
    """
    if "read" not in _settings:
        _settings["read"] = Settings.from_env(_strings_of(env))
    return _settings["read"]


def _strings_of(env: Any) -> dict[str, str]:
    """Return the settings that are bound; ``[vars]`` may hold numbers and flags as well as strings."""
    strings = {}
    for name in SETTINGS:
        value = getattr(env, name, None)
        if isinstance(value, str):
            strings[name] = value
        elif isinstance(value, (bool, int, float)):
            strings[name] = json.dumps(value)
        elif value:
            strings[name] = js.JSON.stringify(value)
    return strings


def write_log(event: str, **fields: Json) -> None:
    """Write one line of JSON to the console, where ``wrangler tail`` and Workers Logs find it."""
    js.console.log(json.dumps({"event": event, **fields}, separators=(",", ":")))


def log_bug(error: Exception) -> None:
    """Log where an unforeseen fault happened; never what it held, which may be a caller's text."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else ""
    write_log("internal_error", error=type(error).__name__, where=where)


def new_id() -> str:
    """Return 16 random hexadecimal digits."""
    return os.urandom(8).hex()


class KvCache:
    """The KV namespace ``MODEL_CACHE``; without one it holds nothing. See ``ports.Cache``."""

    def __init__(self, env: Any) -> None:
        self._kv = getattr(env, "MODEL_CACHE", None)

    async def get(self, key: str) -> bytes | None:
        """Return the value, or None."""
        if not self._kv:
            return None
        try:
            value = await self._kv.get(key, "arrayBuffer")
        except JsException as error:
            write_log("cache_failed", error=error.name)
            return None
        return value.to_bytes() if value else None  # a missing value is None here and jsnull there

    async def put(self, key: str, value: bytes) -> None:
        """Store the value, if that can be done."""
        if not self._kv:
            return
        try:
            await self._kv.put(key, to_js(value))
        except JsException as error:
            write_log("cache_failed", error=error.name)


_TRANSPORT = FetchTransport()
_RESTS = Rests()
_CATALOG_MEMORY = CatalogMemory()
_ENDPOINTS_MEMORY = EndpointsMemory()


def ports_of(env: Any) -> Ports:
    """Return the ports: what this isolate keeps, and what ``env`` binds."""
    return Ports(
        transport=_TRANSPORT,
        now_s=time.time,
        draw=random.random,
        new_id=new_id,
        log=write_log,
        log_bug=log_bug,
        rests=_RESTS,
        cache=KvCache(env),
        catalog_memory=_CATALOG_MEMORY,
        endpoints_memory=_ENDPOINTS_MEMORY,
    )
