"""A stream that begins before any model has committed: comments keep the connection alive meanwhile."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from gateway.fallback.attempt_once import Served, ServedStream
from gateway.http.body import Sink
from gateway.http.errors import GatewayError, internal_error
from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject
from gateway.http.message import ClientGoneError
from gateway.http.responses import Frame
from gateway.memory.ports import Ports
from gateway.streaming.guard import cut_off_event
from gateway.streaming.keep_alive import abandon, comment_until_done
from gateway.streaming.relay import RelayedStream


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStream:
    """Waits for the chain in the client's sight; its status is 200 whatever comes of it.

    Attributes:
        chain: the task that walks it.
        every_s: how often a comment is sent.
        guard_events: how many events of the answer are watched; None: all.
        frame: how the caller reads errors.
        head: what a chunk has that no model has sent: an id, the time, a model's name.
        relay: makes the stream of what the chain commits to.
        on_fail: called with the error of a spent chain, or with None when the client has left.
    """

    chain: "asyncio.Task[Served]"
    every_s: float
    guard_events: int | None
    frame: Frame
    envelope: JsonObject
    relay: Callable[[ServedStream], RelayedStream]
    on_fail: Callable[[GatewayError | None], None]
    ports: Ports

    @property
    def hands_over(self) -> bool:
        """Whether only the beginning of the answer is watched."""
        return self.guard_events is not None

    async def run(self, sink: Sink) -> None:
        """Write comments until the chain is done, then its stream, or its error as the one event."""
        try:
            await comment_until_done(self.chain, self.every_s, sink, self.ports)
            served = self.chain.result()
            assert isinstance(served, ServedStream)  # as the ask wants it
            stream = self.relay(served)
        except GatewayError as error:
            await self._end_in(error, sink)
        except (ClientGoneError, asyncio.CancelledError) as gone:
            await abandon(self.chain)
            self.on_fail(None)
            if isinstance(gone, asyncio.CancelledError):
                raise
        except Exception as error:  # noqa: BLE001  # our own bug ends this answer, and says so
            self.ports.log_bug(error)
            await abandon(self.chain)
            await self._end_in(internal_error(), sink)
        else:
            await stream.run(sink)

    async def _end_in(self, error: GatewayError, sink: Sink) -> None:
        """Take note of the error, and write it as the one event, if the client is still there."""
        self.on_fail(error)
        with suppress(ClientGoneError):
            await sink.write(cut_off_event(self.envelope, self.frame.error_json(error)))
