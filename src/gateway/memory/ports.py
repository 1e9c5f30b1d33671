"""What the core needs from the world, as protocols: the edge implements them, tests play them."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, JsonObject
from gateway.http.message import Reply, UpstreamRequest

# Clocks in the Workers runtimes may stand still between I/O and count whole milliseconds.
CLOCK_GRAIN_S = 0.005


class LogBug(Protocol):
    """Logs where an unforeseen fault happened, never what it held."""

    def __call__(self, error: Exception, *, request_id: str | None = None) -> None:
        """Log it, with the request's id where that is known."""


class Transport(Protocol):
    """Sends one request; never retries, follows no redirect, and lets no foreign exception out."""

    async def send(self, request: UpstreamRequest) -> Reply:
        """Return the reply once its head is here. Cancelling closes the connection.

        Raises:
            TransportError: there was no reply.
        """


class Cache(Protocol):
    """Keeps values for all isolates, eventually; loses them without harm. Never raises."""

    async def get(self, key: str) -> bytes | None:
        """Return the value, or None where there is none, or no store."""

    async def put(self, key: str, value: bytes) -> None:
        """Store the value, if that can be done."""


class DatabaseError(Exception):
    """The database failed, or there is none. Holds the runtime's name for it, no content."""


# A statement of SQL with ``?`` for its parameters, and those.
Statement: TypeAlias = tuple[str, tuple[str | int | float | None, ...]]


class Database(Protocol):
    """SQLite by its dialect. Optional: the gateway answers without it."""

    @property
    def bound(self) -> bool:
        """Whether there is one."""

    async def batch(self, statements: Sequence[Statement]) -> list[list[JsonObject]]:
        """Run the statements in one transaction; return the rows of each. Raises ``DatabaseError``."""


class AnswerCache(Protocol):
    """Keeps answers for a while, near by; loses them without harm. Never raises.

    A request waits for ``get``, which gives up soon; for ``put``, which is called beside it, nobody does.
    """

    async def get(self, key: str) -> bytes | None:
        """Return the value, or None where there is none, or no cache."""

    async def put(self, key: str, value: bytes, *, ttl_s: int) -> None:
        """Keep the value for so long at the most, if that can be done."""


class CallToCome(Protocol):
    """A call that comes by the clock."""

    def cancel(self) -> None:
        """Take it back; may be called again."""


CallLater: TypeAlias = Callable[[float, Callable[[], None]], CallToCome]


class RateLimiter(Protocol):
    """Counts for all isolates of a location together. Optional, and never raises."""

    @property
    def bound(self) -> bool:
        """Whether there is one."""

    async def allows(self, key: str) -> bool:
        """Count a call of ``key``; return whether it is within the limit. True while the limiter fails."""


class Log(Protocol):
    """Writes one line of JSON: an event's name and its fields. Never content, never keys."""

    def __call__(self, event: str, **fields: Json) -> None:
        """Write the event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What the core needs of the world, in one bundle. What this isolate remembers is ``isolate.Memory``.

    Attributes:
        now_s: Unix time in seconds. In production it stands still between I/O.
        draw: a random number from 0 up to 1, for jitter.
        new_id: a fresh identifier: lower-case hexadecimal digits.
        after: starts work beside the response, which goes on whether the client stays or leaves. It may be
            called until the response has ended.
        call_later: calls back in so many seconds, unless that is cancelled before.
        within: limits the time that a block may take, in seconds, as ``asyncio.timeout`` does.
        log_bug: logs where an unforeseen fault happened, never what it held.
        cache: what all isolates share, if it is bound.
        answers: kept answers, for those who ask for them.
        database: the ledger, if it is bound.
        rate_limiter: how often in a location, if that is bound.
    """

    transport: Transport
    now_s: Callable[[], float]
    draw: Callable[[], float]
    new_id: Callable[[], str]
    log: Log
    log_bug: LogBug
    run_in_background: Callable[[Callable[[], Awaitable[object]]], None]
    call_later: CallLater
    within: Callable[[float], AbstractAsyncContextManager[object]]
    rate_limiter: RateLimiter
    cache: Cache
    answer_cache: AnswerCache
    database: Database
