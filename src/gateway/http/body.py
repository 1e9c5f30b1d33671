"""Responses, whole or streamed: a stream produces the bytes, a sink takes them to the client."""

from typing import Protocol

from gateway.http.frozen import dataclass
from gateway.http.message import HeaderPairs, Reply


class Step(Protocol):
    """What happens to each piece of an upstream's body on its way to the client."""

    def take(self, piece: bytes) -> bytes:
        """Return the bytes that the client gets for this piece; nothing may be held back but a cut event."""

    @property
    def hands_over(self) -> bool:
        """Whether the rest may go to the client unseen, after ``rest``."""

    @property
    def rest(self) -> bytes:
        """The cut event that has been held back."""


class Sink(Protocol):
    """The client's end of a streamed response."""

    @property
    def blocked(self) -> bool:
        """Whether the client, and not the upstream, is what the response waits for."""

    async def write(self, data: bytes) -> None:
        """Send bytes. Raises ``ClientGoneError``."""

    async def relay(self, reply: Reply, step: Step) -> None:
        """Send what ``step`` makes of each piece of the reply's body, until that ends.

        Raises:
            ClientGoneError: the client has left.
            TransportError: the body broke, or was aborted.
        """


class Stream(Protocol):
    """A response body that is produced while the client reads it."""

    @property
    def hands_over(self) -> bool:
        """Whether its steps may hand over: then the sink is one that can pass bytes on without Python."""

    async def run(self, sink: Sink) -> None:
        """Send the whole body and return when it has ended, or the client has left. Runs exactly once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """What the client gets: header names in lower case; the body is whole or a stream."""

    status: int
    headers: HeaderPairs
    body: bytes | Stream
