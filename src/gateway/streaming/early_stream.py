"""A stream that begins before a model has committed; comments keep the connection alive until then."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from gateway.dialects.dialect import StreamingDialect
from gateway.fallback.attempt_once import Served, ServedStream
from gateway.http.body import Sink
from gateway.http.errors import GatewayError, internal_error
from gateway.http.frozen import dataclass
from gateway.http.json_values import JsonObject
from gateway.http.message import ClientGoneError
from gateway.http.responses import Frame
from gateway.memory.ports import Ports
from gateway.streaming.keep_alive import abandon, comment_until_done
from gateway.streaming.relay import RelayedStream


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStream:
    """A response body that sends comments until a model commits, and then that model's stream.

    The status is 200 even if no model answers: it has been sent by then.

    Attributes:
        chain: the task that tries the models of the chain.
        every_s: the time between two comments, in seconds.
        guard_events: how many events of the answer are guarded; None: all.
        frame: gives errors the form that the caller's client expects.
        dialect: the wire format of the answer.
        names: the id, the time and the model of an error event if no model has answered.
        relay: returns the body for the stream that the chain commits to.
        on_fail: called with the error if the chain fails, or with None if the client has left.
        ports: the clock, the timers and the log.
    """

    chain: "asyncio.Task[Served]"
    every_s: float
    guard_events: int | None
    frame: Frame
    dialect: StreamingDialect
    names: JsonObject
    relay: Callable[[ServedStream], RelayedStream]
    on_fail: Callable[[GatewayError | None], None]
    ports: Ports

    @property
    def hands_over(self) -> bool:
        """Whether only the beginning of the answer is guarded."""
        return self.guard_events is not None

    async def run(self, sink: Sink) -> None:
        """Write comments until the chain is done, then its stream, or its error as the only event."""
        try:
            await comment_until_done(self.chain, self.every_s, sink, self.ports)
            served = self.chain.result()
            assert isinstance(served, ServedStream)  # the Ask requests a stream
            stream = self.relay(served)
        except GatewayError as error:
            await self._end_in(error, sink)
        except (ClientGoneError, asyncio.CancelledError) as gone:
            await abandon(self.chain)
            self.on_fail(None)
            if isinstance(gone, asyncio.CancelledError):
                raise
        except Exception as error:  # noqa: BLE001  # a bug in the gateway: end with an error event
            self.ports.log_bug(error)
            await abandon(self.chain)
            await self._end_in(internal_error(), sink)
        else:
            await stream.run(sink)

    async def _end_in(self, error: GatewayError, sink: Sink) -> None:
        """Report the error to ``on_fail``, and write it as the only event if the client is still there."""
        self.on_fail(error)
        with suppress(ClientGoneError):
            await sink.write(self.dialect.error_event(self.frame.error_json(error), self.names))
