"""Sends a streamed body to the client in one of two ways, which differ in CPU cost.

``GuardedSink`` passes every piece through Python: a callback of a ``TransformStream`` costs half as much as
reading and writing in Python. ``NativeSink`` reads and writes in Python at first, and then lets the runtime
pipe the rest of the body, which costs almost nothing at any length.
"""

from contextlib import suppress
from typing import Any, cast

from js import Error, FixedLengthStream, IdentityTransformStream, Object, Promise, TransformStream
from pyodide.ffi import JsException, create_proxy, to_js

from gateway.edge.fetch import FetchReply
from gateway.http.body import CutOffError, Step, Stream
from gateway.http.message import ClientGoneError, Reply, TransportError


def _options(**values: Any) -> Any:
    """Return a JavaScript object. A Python dict must never be passed to a native function."""
    return to_js(values, dict_converter=Object.fromEntries)


async def _settled(promise: Any) -> None:
    """Wait for a promise.

    A stream that was cancelled without a reason rejects with ``undefined``. Pyodide cannot raise that, and
    code that awaits the promise itself is never woken.

    Raises:
        TransportError: the promise was rejected.
    """
    (outcome,) = await Promise.allSettled(to_js([promise]))
    if outcome.status == "rejected":
        raise TransportError(getattr(outcome.reason, "name", "undefined"))


class GuardedSink:
    """Sends through a ``TransformStream`` with a Python callback; see ``http.body.Sink``.

    Args:
        length_bytes: the length of the response; None if it is unknown.
    """

    def __init__(self, length_bytes: int | None = None) -> None:
        self._step: Step | None = None
        self._controller: Any = None
        self._enqueue: Any = None
        self._bug: Exception | None = None
        self._proxies = [create_proxy(self._start), create_proxy(self._transform)]
        start, transform = self._proxies
        self._pipe = TransformStream.new(
            _options(start=start, transform=transform), _options(highWaterMark=1), _options(highWaterMark=1)
        )  # room for one piece; ``blocked`` sees whether the client has taken it
        # When a client disconnects, the 2024 runtime drops the response and tells only its own type of
        # stream. A ``TransformStream`` is just not read any more, as with a slow client, and waits forever.
        is_known = length_bytes is not None
        own = FixedLengthStream.new(length_bytes) if is_known else IdentityTransformStream.new()
        self.readable = self._pipe.readable.pipeThrough(own)

    @property
    def blocked(self) -> bool:
        """Whether the client has not yet read what was sent to it."""
        size = self._controller.desiredSize
        return isinstance(size, (int, float)) and size <= 0

    async def carry(self, stream: Stream) -> None:
        """Run the stream; end the response when the stream has ended, with an error if it is incomplete."""
        try:
            await stream.run(self)
        except CutOffError:
            with suppress(JsException):
                self._controller.error(Error.new("the answer was cut off"))
        finally:
            with suppress(JsException):  # the client has disconnected: there is nothing to end
                self._controller.terminate()
            for proxy in self._proxies:
                proxy.destroy()

    async def write(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            ClientGoneError: the client has disconnected.
        """
        try:
            self._enqueue(to_js(data))
        except JsException:
            raise ClientGoneError from None
        except SystemError:  # a cancelled stream throws ``undefined``, which Pyodide raises as this
            self._check_client()
            raise

    async def relay(self, reply: Reply, step: Step) -> None:
        """Send what ``step`` returns for each piece of the reply's body, until the body ends.

        Raises:
            ClientGoneError: the client has disconnected.
            TransportError: the body was cut off, or aborted.
        """
        self._step = step
        body = cast(FetchReply, reply).release()
        try:
            # The response goes on after this body: the stream decides how it ends.
            await _settled(body.pipeTo(self._pipe.writable, _options(preventClose=True, preventAbort=True)))
        except TransportError:
            self._check_client()
            raise
        self._check_client()  # the 2024 runtime's pipe may end without an error when the client has left
        if self._bug is not None:
            raise self._bug

    def _check_client(self) -> None:
        """Raise ``ClientGoneError`` if the client has disconnected: then the desired size is missing."""
        if not isinstance(self._controller.desiredSize, (int, float)):
            raise ClientGoneError

    def _start(self, controller: Any) -> None:
        self._controller = controller
        self._enqueue = controller.enqueue

    def _transform(self, piece: Any, _: Any) -> None:
        if self._step is None or self._bug is not None:
            return
        try:
            passed = self._step.take(piece.to_bytes())
        except Exception as error:  # noqa: BLE001  # JavaScript would lose it: ``relay`` raises it
            self._bug = error
            return
        if passed:
            self._enqueue(to_js(passed))


class NativeSink:
    """Sends through the runtime's identity stream; see ``http.body.Sink``."""

    def __init__(self) -> None:
        self._pipe = IdentityTransformStream.new()
        self._writer: Any = self._pipe.writable.getWriter()
        self.readable = self._pipe.readable
        self.blocked = False

    async def carry(self, stream: Stream) -> None:
        """Run the stream; end the response when the stream has ended."""
        try:
            await stream.run(self)
        finally:
            if self._writer is not None:  # if it was released, the pipe ends the response
                with suppress(JsException):  # the client has disconnected: there is nothing to end
                    await self._writer.close()

    async def write(self, data: bytes) -> None:
        """Send bytes, and wait until the client has taken them.

        Raises:
            ClientGoneError: the client has disconnected.
        """
        self.blocked = True
        try:
            await self._writer.write(to_js(data))
        except JsException:
            raise ClientGoneError from None
        finally:
            self.blocked = False

    async def relay(self, reply: Reply, step: Step) -> None:
        """Send what ``step`` returns for each piece. Once the step hands over, let the runtime pipe the rest.

        Raises:
            ClientGoneError: the client has disconnected.
            TransportError: the body was cut off, or aborted.
        """
        while not step.hands_over:
            piece = await reply.read()
            if not piece:
                return
            passed = step.take(piece)
            if passed:
                await self.write(passed)
        if step.rest:
            await self.write(step.rest)
        body = cast(FetchReply, reply).release()
        self._writer.releaseLock()
        self._writer = None
        await _settled(body.pipeTo(self._pipe.writable, _options(preventClose=False)))
