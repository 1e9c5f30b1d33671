"""HTTP as the core sees it: one request in, one response out, one call to an upstream."""

from collections.abc import Awaitable, Callable
from sys import float_info
from typing import TypeAlias

from gateway.frozen import dataclass

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, "Json"]
HeaderPairs: TypeAlias = tuple[tuple[str, str], ...]

OPENROUTER = "openrouter"  # the upstream of every model that is not asked directly


def object_or_empty(value: Json) -> JsonObject:
    """Return ``value`` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text_or_none(value: Json) -> str | None:
    """Return ``value`` if it is a string that holds anything, else None."""
    return value if isinstance(value, str) and value else None


def list_or_empty(value: Json) -> list[Json]:
    """Return ``value`` if it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def number_or_none(value: Json) -> float | None:
    """Return ``value`` if it is a JSON number that a float can hold and JSON can carry, else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if -float_info.max <= value <= float_info.max else None


class NamedTwiceError(ValueError):
    """A JSON object names a field twice: which value counts would depend on who reads it. Holds the name."""


def distinct_object(pairs: list[tuple[str, Json]]) -> JsonObject:
    """Return an object of these fields: the ``object_pairs_hook`` of what is read from people.

    Raises:
        NamedTwiceError: two have the same name.
    """
    fields = dict(pairs)
    if len(fields) < len(pairs):
        seen = set()
        for name, _ in pairs:
            if name in seen:
                raise NamedTwiceError(name)
            seen.add(name)
    return fields


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
