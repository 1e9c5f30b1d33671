"""HTTP as the core sees it: one request in, one response out, one call to an upstream."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from gateway.http.frozen import dataclass

HeaderPairs: TypeAlias = tuple[tuple[str, str], ...]

OPENROUTER = "openrouter"  # the upstream of every model that is not asked directly


class ClientGoneError(Exception):
    """The client closed its connection: nobody reads what would be written next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request as it arrived; headers and body are fetched when asked for, since each crossing costs.

    Attributes:
        method: upper case.
        host: host name without the port, lower case.
        path: decoded by nobody, starting with ``/``, without the query.
        query: what follows the ``?``, decoded by nobody.
        header: returns the value of a header (name in lower case), or None.
        read_body: returns the whole body; takes its limit in bytes. Raises ``BodyTooLargeError``.
    """

    method: str
    host: str
    path: str
    query: str = ""
    header: Callable[[str], str | None]
    read_body: Callable[[int], Awaitable[bytes]]


class BodyTooLargeError(Exception):
    """A request's body is larger than its limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where calls go: the base URL (no slash at its end) and the key that belongs to it alone."""

    base_url: str
    api_key: str
    name: str = OPENROUTER

    def __repr__(self) -> str:
        return f"Upstream(name={self.name!r}, base_url={self.base_url!r}, api_key=***)"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRequest:
    """One call to an upstream; the key is added by ``seal`` at the moment of sending, not before."""

    upstream: Upstream
    method: str
    path: str
    headers: HeaderPairs
    body: bytes


class TransportError(Exception):
    """The connection failed: refused, reset, cut, aborted. Holds the runtime's name for it, no content."""


class Reply(Protocol):
    """An upstream's response, whose head has arrived and whose body is read once, in one of two ways."""

    @property
    def status(self) -> int:
        """The HTTP status; 3xx when the upstream tried to redirect."""

    def header(self, name: str) -> str | None:
        """Return a header's value, or None."""

    async def read(self) -> bytes:
        """Return the next piece of the body, as it came; ``b""`` at its end. Raises ``TransportError``."""

    async def read_all(self) -> bytes:
        """Return the whole body. Raises ``TransportError``."""

    def abort(self) -> None:
        """Close the connection; a pending read raises ``TransportError``. May be called again."""
