"""The two ways of a stream to the client, by what they cost.

``GuardedSink`` shows every piece to Python: a callback of a ``TransformStream`` costs half of what reading
and writing in Python does. ``NativeSink`` reads and writes in Python for a while, and then lets the runtime
pipe the rest by itself, which costs next to nothing whatever its length.
"""

from contextlib import suppress
from typing import Any, cast

from js import IdentityTransformStream, Object, Promise, TransformStream
from pyodide.ffi import JsException, create_proxy, to_js

from gateway.edge.fetch import FetchReply
from gateway.http.body import Step, Stream
from gateway.http.message import ClientGoneError, Reply, TransportError


def _options(**values: Any) -> Any:
    """Return a JavaScript object: a Python dict must never reach a native function."""
    return to_js(values, dict_converter=Object.fromEntries)


async def _settled(promise: Any) -> None:
    """Wait for a promise.

    A stream that was cancelled without a reason rejects with ``undefined``: Pyodide cannot raise that, and
    who awaits the promise itself is never woken.

    Raises:
        TransportError: it was rejected.
    """
    (outcome,) = await Promise.allSettled(to_js([promise]))
    if outcome.status == "rejected":
        raise TransportError(getattr(outcome.reason, "name", "undefined"))


class GuardedSink:
    """Sends by a ``TransformStream`` whose transform is Python; see ``body.Sink``."""

    def __init__(self) -> None:
        self._step: Step | None = None
        self._controller: Any = None
        self._enqueue: Any = None
        self._bug: Exception | None = None
        self._proxies = [create_proxy(self._start), create_proxy(self._transform)]
        start, transform = self._proxies
        self._pipe = TransformStream.new(
            _options(start=start, transform=transform), _options(highWaterMark=1), _options(highWaterMark=1)
        )  # of its room for one piece the client has taken none: that is what ``blocked`` sees
        # A client that leaves: the 2024 runtime drops the response, and tells only streams of its own kind. A
        # ``TransformStream`` is just never read again, as if the client were slow, and waits for ever.
        self.readable = self._pipe.readable.pipeThrough(IdentityTransformStream.new())

    @property
    def blocked(self) -> bool:
        """Whether the client has not yet read what it was sent."""
        size = self._controller.desiredSize
        return isinstance(size, (int, float)) and size <= 0

    async def carry(self, stream: Stream) -> None:
        """Run the stream, and end the response when it has ended."""
        try:
            await stream.run(self)
        finally:
            with suppress(JsException):  # a client that has left: there is nothing to end
                self._controller.terminate()
            for proxy in self._proxies:
                proxy.destroy()

    async def write(self, data: bytes) -> None:
        """Send bytes."""
        try:
            self._enqueue(to_js(data))
        except JsException:
            raise ClientGoneError from None
        except SystemError:  # what Pyodide makes of ``undefined``, thrown by a stream that was cancelled
            self._check_client()
            raise

    async def relay(self, reply: Reply, step: Step) -> None:
        """Send what ``step`` makes of each piece of the reply's body, until that ends."""
        self._step = step
        body = cast(FetchReply, reply).release()
        try:
            # The response outlives this body: how it ends is for the stream to say.
            await _settled(body.pipeTo(self._pipe.writable, _options(preventClose=True, preventAbort=True)))
        except TransportError:
            self._check_client()
            raise
        self._check_client()  # the 2024 runtime's pipe may just end when the client has left
        if self._bug is not None:
            raise self._bug

    def _check_client(self) -> None:
        """Raise ``ClientGoneError`` once the client has cancelled: there is no desired size any more."""
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
        except Exception as error:  # noqa: BLE001  # it must not get lost in JavaScript: ``relay`` raises it
            self._bug = error
            return
        if passed:
            self._enqueue(to_js(passed))


class NativeSink:
    """Sends by the runtime's identity stream; see ``body.Sink``."""

    def __init__(self) -> None:
        self._pipe = IdentityTransformStream.new()
        self._writer: Any = self._pipe.writable.getWriter()
        self.readable = self._pipe.readable
        self.blocked = False

    async def carry(self, stream: Stream) -> None:
        """Run the stream, and end the response when it has ended."""
        try:
            await stream.run(self)
        finally:
            if self._writer is not None:  # else the pipe ends the response
                with suppress(JsException):  # a client that has left: there is nothing to end
                    await self._writer.close()

    async def write(self, data: bytes) -> None:
        """Send bytes, and wait until the client has taken them."""
        self.blocked = True
        try:
            await self._writer.write(to_js(data))
        except JsException:
            raise ClientGoneError from None
        finally:
            self.blocked = False

    async def relay(self, reply: Reply, step: Step) -> None:
        """Send what ``step`` makes of each piece, until the body ends or the step hands over."""
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
