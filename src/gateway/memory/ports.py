"""Ports: protocols for all that the core needs from the outside (network, clock, log, stores).

The ``edge`` package implements them on Workers; tests implement them in memory.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol, TypeAlias

from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, JsonObject
from gateway.http.message import Reply, UpstreamRequest

if TYPE_CHECKING:
    from gateway.coordination.port import CoordinatorPort

# Two times this close count as equal. Clocks in the Workers runtimes may stand still between I/O, and count
# whole milliseconds.
CLOCK_GRAIN_S = 0.005


class LogBug(Protocol):
    """Logs an unexpected exception: its type and where it was raised, never its message."""

    def __call__(self, error: Exception, *, request_id: str | None = None) -> None:
        """Log the exception, with the request's id if there is one."""


class Transport(Protocol):
    """Sends one HTTP request. It never retries, follows no redirect and raises only ``TransportError``."""

    async def send(self, request: UpstreamRequest) -> Reply:
        """Return the reply as soon as its headers have arrived. Cancelling closes the connection.

        Raises:
            TransportError: there was no reply.
        """


class Cache(Protocol):
    """A key-value store that all isolates share, eventually consistent. It may lose values. Never raises."""

    async def get(self, key: str) -> bytes | None:
        """Return the value; None if there is none, or no store is bound."""

    async def put(self, key: str, value: bytes) -> None:
        """Store the value, if possible."""


class DatabaseError(Exception):
    """The database failed, or none is bound. Holds the runtime's name of the error, and no content."""


# An SQL statement with ``?`` for each parameter, and the parameters.
Statement: TypeAlias = tuple[str, tuple[str | int | float | None, ...]]


class Database(Protocol):
    """An SQL database with SQLite's dialect. Optional: the gateway answers requests without it."""

    @property
    def bound(self) -> bool:
        """Whether one is bound."""

    async def batch(self, statements: Sequence[Statement]) -> list[list[JsonObject]]:
        """Run the statements in one transaction; return the rows of each. Raises ``DatabaseError``."""


class AnswerCache(Protocol):
    """Stores answers for a limited time in the same data centre. It may lose them. Never raises.

    A request waits for ``get``, which therefore has a short time limit. ``put`` is called in the background.
    """

    async def get(self, key: str) -> bytes | None:
        """Return the value; None if there is none, or no cache."""

    async def put(self, key: str, value: bytes, *, ttl_s: int) -> None:
        """Store the value for at most ``ttl_s`` seconds, if possible."""


class CallToCome(Protocol):
    """A scheduled call, as ``CallLater`` returns it."""

    def cancel(self) -> None:
        """Cancel the call. More than one ``cancel`` is allowed."""


CallLater: TypeAlias = Callable[[float, Callable[[], None]], CallToCome]


class RateLimiter(Protocol):
    """Counts the calls of each key for all isolates of a Cloudflare location. Optional. Never raises."""

    @property
    def bound(self) -> bool:
        """Whether one is bound."""

    async def allows(self, key: str) -> bool:
        """Count a call of ``key``; return whether it is within the limit. True if the limiter fails."""


class Log(Protocol):
    """Writes a log event as one line of JSON. Callers pass no content of requests or answers, and no keys."""

    def __call__(self, event: str, **fields: Json) -> None:
        """Write the event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """All ports of one request. What the isolate remembers between requests is ``memory.isolate.Memory``.

    Attributes:
        transport: sends requests to upstreams.
        now_s: returns Unix time in seconds. In production it stands still between I/O.
        draw: returns a random number, at least 0 and below 1, for jitter.
        new_id: returns 16 new hexadecimal digits, which nobody can foretell: tokens are made of them.
        log: writes a log event.
        log_bug: logs where an unexpected exception was raised, never its message.
        run_in_background: starts work that goes on after the client has left. It may be called until the
            response has ended.
        call_later: calls a function after a number of seconds, unless the call is cancelled before.
        within: limits the time of an ``async with`` block, in seconds, as ``asyncio.timeout`` does.
        rate_limiter: counts calls for all isolates of a location, if it is bound.
        cache: the key-value store that all isolates share, if it is bound.
        answer_cache: the cached answers, for requests that ask for them.
        database: the ledger's database, if it is bound.
        coordinator: calls the coordinators, which count for all isolates, if they are bound.
        shows_cuts: whether a client sees that a response was cut off although its length is unknown.
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
    coordinator: "CoordinatorPort"
    shows_cuts: bool = True
