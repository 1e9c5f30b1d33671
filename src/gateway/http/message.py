"""The HTTP types: a client's request, a call to an upstream, and the upstream's reply."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from gateway.http.frozen import dataclass

HeaderPairs: TypeAlias = tuple[tuple[str, str], ...]

AUTHORIZATION = "authorization"
IDEMPOTENCY_KEY = "Idempotency-Key"  # requests with the same value are one request that is sent again
OPENROUTER = "openrouter"  # the name of the upstream for every model without the prefix ``direct:``


class ClientGoneError(Exception):
    """The client closed its connection, so nothing more can be sent to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request from a client.

    Headers and the body are fetched from JavaScript on demand, because each crossing to JavaScript is slow.

    Attributes:
        method: upper case.
        host: host name without the port, lower case.
        path: starts with ``/``, not percent-decoded, without the query.
        query: the text after the ``?``, not percent-decoded.
        header: returns the value of a header, or None; the name must be in lower case.
        named: returns the headers whose names begin with a text in lower case.
        read_body: takes a limit in bytes and returns the complete body. Raises ``BodyTooLargeError``.
    """

    method: str
    host: str
    path: str
    query: str = ""
    header: Callable[[str], str | None]
    named: Callable[[str], HeaderPairs] = lambda _: ()
    read_body: Callable[[int], Awaitable[bytes]]


class BodyTooLargeError(Exception):
    """A request's body is larger than its limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """An API that the gateway calls.

    Attributes:
        base_url: the base URL, without a slash at its end.
        api_key: the key for this upstream; it must go to no other. Empty: calls are sent without a key.
        name: ``openrouter``, or the name of a direct upstream.
        is_callers: whether the key is a caller's own, and not the gateway's.
        key_header: the header that carries the key: ``authorization``, or the name of another.
    """

    base_url: str
    api_key: str
    name: str = OPENROUTER
    is_callers: bool = False
    key_header: str = AUTHORIZATION

    def __repr__(self) -> str:
        return f"Upstream(name={self.name!r}, base_url={self.base_url!r}, api_key=***)"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRequest:
    """One call to an upstream. ``destination.check_destination`` adds the key when the call is sent.

    Attributes:
        body: the body, or the pieces of a large one, which are not joined in Python's memory.
    """

    upstream: Upstream
    method: str
    path: str
    headers: HeaderPairs
    body: bytes | tuple[bytes | memoryview, ...]


class TransportError(Exception):
    """The connection was refused, reset, cut off or aborted. Holds the runtime's name for it, no content."""


class ReplyTooLargeError(TransportError):
    """A reply's body is larger than the gateway reads."""

    def __init__(self) -> None:
        super().__init__("ReplyTooLargeError")


class Reply(Protocol):
    """An upstream's response whose headers have arrived.

    Its body can be read once: with ``read``, piece by piece, or with ``read_all``.
    """

    @property
    def status(self) -> int:
        """The HTTP status; 3xx when the upstream tried to redirect."""

    def header(self, name: str) -> str | None:
        """Return a header's value, or None."""

    async def read(self) -> bytes:
        """Return the next piece of the body, unchanged; ``b""`` at its end. Raises ``TransportError``."""

    async def read_all(self, limit_bytes: int) -> bytes:
        """Return the complete body.

        Raises:
            ReplyTooLargeError: it has more than ``limit_bytes``; no more of it was read.
            TransportError: the connection failed.
        """

    def abort(self) -> None:
        """Close the connection; a pending read raises ``TransportError``. May be called more than once."""
