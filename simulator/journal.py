"""The journal: a bounded log of the requests that arrived and of how they ended."""

import asyncio
import hashlib
import json
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

MAX_ENTRIES = 20_000
MAX_BODY_BYTES = 64 * 1024
_MAX_STORED_BYTES = 64 * 1024 * 1024

OPEN = "open"
ANSWERED = "answered"
CANCELLED = "cancelled"
RESET = "reset"
CLOSED = "closed"
FAILED = "failed"


def outcome_of(error: BaseException) -> str:
    """Return the outcome of a request that this error ended: the client left, or the simulator has failed."""
    return CANCELLED if isinstance(error, asyncio.CancelledError | ConnectionError) else FAILED


class Entry:
    """One request. It is rendered only when the log is read: the hot path stores references."""

    __slots__ = (
        "at_s",
        "body_bytes",
        "body_keys",
        "body_sha256",
        "cost_nano_usd",
        "events_sent",
        "form",
        "headers",
        "method",
        "model",
        "ms",
        "outcome",
        "path",
        "raw",
        "seq",
        "started_s",
        "status",
        "stream",
        "user",
    )

    def __init__(self, seq: int, method: str, path: str, headers: Mapping[str, str]) -> None:
        self.seq = seq
        self.at_s = time.time()
        self.started_s = time.perf_counter()
        self.method = method
        self.path = path
        self.headers = headers
        self.raw: bytes | None = None
        self.body_bytes = 0
        self.body_sha256: str | None = None  # of a body that is not stored
        self.body_keys: list[str] | None = None
        self.form: list[dict[str, Any]] | None = None  # the parts of a form, files without their bytes
        self.model: str | None = None
        self.user: str | None = None
        self.stream = False
        self.status: int | None = None
        self.outcome = OPEN
        self.events_sent = 0
        self.cost_nano_usd = 0
        self.ms: float | None = None

    def end(self, outcome: str) -> None:
        """Record how the request ended; the first call counts."""
        if self.outcome == OPEN:
            self.outcome = outcome
            self.ms = self.elapsed_ms()

    def elapsed_ms(self) -> float:
        """Return the milliseconds since the request arrived."""
        return (time.perf_counter() - self.started_s) * 1000

    def as_json(self) -> dict[str, Any]:
        """Return the entry as the log shows it; `ms` of an open entry is its age."""
        body = _parsed(self.raw)
        return {
            "seq": self.seq,
            "at_s": self.at_s,
            "method": self.method,
            "path": self.path,
            "model": self.model,
            "user": self.user,
            "stream": self.stream,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body,
            "body_bytes": self.body_bytes,
            "body_sha256": self.body_sha256 if self.raw is None else _digest(self.raw),
            "body_keys": list(body) if isinstance(body, dict) else self.body_keys,
            "form": self.form,
            "status": self.status,
            "outcome": self.outcome,
            "events_sent": self.events_sent,
            "cost_usd": self.cost_nano_usd / 1e9,
            "ms": round(self.elapsed_ms() if self.ms is None else self.ms, 3),
        }


class Journal:
    """The most recent requests, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=MAX_ENTRIES)
        self._with_body: deque[Entry] = deque()
        self._stored_bytes = 0
        self._seq = 0

    def open(self, method: str, path: str, headers: Mapping[str, str]) -> Entry:
        """Record that a request arrived."""
        self._seq += 1
        entry = Entry(self._seq, method, path, headers)
        self._entries.append(entry)
        return entry

    def keep_body(self, entry: Entry, raw: bytes) -> None:
        """Store a body of limited size; drop the oldest bodies when the total size is too large.

        Of a larger body, store the digest: it shows whether the body arrived byte for byte.
        """
        entry.body_bytes = len(raw)
        if len(raw) > MAX_BODY_BYTES:
            entry.body_sha256 = _digest(raw)
            return
        entry.raw = raw
        self._with_body.append(entry)
        self._stored_bytes += len(raw)
        while self._stored_bytes > _MAX_STORED_BYTES or len(self._with_body) > MAX_ENTRIES:
            oldest = self._with_body.popleft()
            self._stored_bytes -= oldest.body_bytes
            if oldest.raw is not None:
                oldest.body_sha256 = _digest(oldest.raw)
            oldest.raw = None

    def select(self, user: str | None, model: str | None) -> list[dict[str, Any]]:
        """Return the entries of a user and a model; None means all."""
        return [
            entry.as_json()
            for entry in self._entries
            if (user is None or entry.user == user) and (model is None or entry.model == model)
        ]

    def clear(self) -> None:
        """Delete all entries; keep the count."""
        self._entries.clear()
        self._with_body.clear()
        self._stored_bytes = 0


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _parsed(raw: bytes | None) -> object:
    try:
        return None if raw is None else json.loads(raw)
    except (ValueError, RecursionError):
        return None
