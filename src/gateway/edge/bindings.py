"""What the runtime binds: settings and secrets, the console, the clock."""

import json
import os
import random
import time
from typing import Any

import js

from gateway.config import SETTINGS, Settings
from gateway.edge.fetch import FetchTransport
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


PORTS = Ports(
    transport=FetchTransport(),
    now_s=time.time,
    draw=random.random,
    new_id=new_id,
    log=write_log,
    log_bug=log_bug,
    rests=Rests(),
)
