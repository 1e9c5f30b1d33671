"""The type of a response, and the protocols for streamed bodies.

A ``Stream`` produces the bytes of a body. A ``Sink`` sends them to the client. A ``Step`` changes the pieces
of an upstream's body between the two.
"""

from typing import Protocol

from gateway.http.frozen import dataclass
from gateway.http.message import HeaderPairs, Reply


class CutOffError(Exception):
    """A response is incomplete, so the connection must be closed early."""


class Step(Protocol):
    """Processes each piece of an upstream's body on its way to the client."""

    def take(self, piece: bytes) -> bytes:
        """Return the bytes to send for this piece. Only an incomplete event may be held back."""

    @property
    def hands_over(self) -> bool:
        """Whether the sink may send ``rest``, and then pipe the remaining body without calling ``take``."""

    @property
    def rest(self) -> bytes:
        """The bytes of the incomplete event that was held back."""


class Sink(Protocol):
    """The client's end of a streamed response."""

    @property
    def blocked(self) -> bool:
        """Whether the response is waiting for the client to read, not for the upstream to send."""

    async def write(self, data: bytes) -> None:
        """Send bytes to the client. Raises ``ClientGoneError``."""

    async def relay(self, reply: Reply, step: Step) -> None:
        """Send what ``step`` returns for each piece of the reply's body, until the body ends.

        Raises:
            ClientGoneError: the client closed the connection.
            TransportError: the body was cut off or aborted.
        """


class Stream(Protocol):
    """A response body that is produced while the client reads it."""

    @property
    def hands_over(self) -> bool:
        """Whether its steps may hand over. If so, the sink must be able to pipe bytes without Python."""

    async def run(self, sink: Sink) -> None:
        """Send the body; return when it has ended or the client has left. Called exactly once.

        Raises:
            CutOffError: the body is incomplete, and its bytes do not say so.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A response for the client.

    Attributes:
        headers: pairs of name and value, the names in lower case.
        body: the complete bytes, or a stream that produces them.
        length_bytes: how many bytes a stream produces; None if that is unknown.
    """

    status: int
    headers: HeaderPairs
    body: bytes | Stream
    length_bytes: int | None = None
