"""A committed stream on its way to the client: watched event by event, and ended truthfully.

``Guard`` decides about bytes and knows no time; ``GuardedStream`` reads, writes and holds the idle timer.
"""

import json
from collections.abc import Callable, Iterable

from gateway.answers import is_plain_progress, look_at, parse_json
from gateway.attempts import Attempt, Receipt
from gateway.idle import IdleTimer
from gateway.openrouter import DONE, CommittedStream
from gateway.policy import AttemptFailedError, Fault
from gateway.ports import TransportError
from gateway.spent import stream_broken
from gateway.sse import EventTooLargeError, data_of, event_of
from gateway.wire import ClientGoneError, JsonObject, Write, number_or_none

OnEnd = Callable[[str], None]


class Guard:
    """Looks at each event after the commit and says what the client gets instead of, or as, it.

    Attributes:
        ended: nothing may follow what was returned last.
        fault: why the answer broke off; None while it has not.
        progressed: an event since this was last set to False carried something.
    """

    def __init__(self, stream: CommittedStream, receipt: Receipt, *, now_s: Callable[[], float]) -> None:
        self.ended = False
        self.fault: Fault | None = None
        self.progressed = False
        self._stream = stream
        self._receipt = receipt
        self._now_s = now_s
        self._finished = False

    @property
    def _attempt(self) -> Attempt:
        return self._receipt.attempts[-1]

    def pass_on(self, events: Iterable[bytes]) -> bytes:
        """Return the bytes that the client gets for these events."""
        passed = []
        for event in events:
            if self.ended:
                break
            data = data_of(event)
            if data is None:
                passed.append(event)
            elif is_plain_progress(data):
                self.progressed = True
                passed.append(event)
            else:
                passed.append(self._judge(event, data))
        return b"".join(passed)

    def finish(self, rest: bytes) -> bytes:
        """Return what the client gets when the upstream has closed the stream; ``rest`` is a cut event."""
        tail = b""
        if rest.strip() and _is_whole(rest):  # the blank line after the last event was left out
            tail = self.pass_on([rest + b"\n\n"])
        return tail if self.ended else tail + self.lose(Fault(code="no_finish_reason"))

    def lose(self, fault: Fault) -> bytes:
        """Return what the client gets when no more will come: an answer that had finished is whole."""
        if not self._finished:
            return self.break_off(fault)
        self.ended = True
        return event_of(DONE)

    def break_off(self, fault: Fault) -> bytes:
        """Return the one event that tells the client that the answer ends here and is not whole."""
        self.ended = True
        self.fault = fault
        self._attempt.fail(fault, outcome="cut_off")
        self._attempt.ms += self._receipt.time_until(self._now_s())
        first = self._stream.first
        names = ("id", "object", "created", "model")
        event: JsonObject = {name: first[name] for name in names if name in first}
        event["choices"] = [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]
        event |= stream_broken(fault, self._receipt).to_json()
        return event_of(json.dumps(event, separators=(",", ":")).encode())

    def _judge(self, event: bytes, data: bytes) -> bytes:
        """Look into an event that its text alone did not settle."""
        if data == DONE:
            return self._done(event)
        try:
            payload = parse_json(data)
        except ValueError:
            payload = None
        if not isinstance(payload, dict):
            return self.break_off(Fault(code="malformed_event"))
        try:
            look = look_at(payload, header=self._stream.reply.header, now_s=self._now_s())
        except AttemptFailedError as failure:
            return self.break_off(failure.fault)
        self.progressed = self.progressed or look.progress or look.finish is not None
        self._finished = self._finished or look.finish is not None
        if look.usage is None:
            return event
        return self._with_receipt(payload, look.usage)

    def _done(self, event: bytes) -> bytes:
        if not self._finished:
            return self.break_off(Fault(code="no_finish_reason"))
        self.ended = True
        return event

    def _with_receipt(self, payload: JsonObject, usage: JsonObject) -> bytes:
        self._attempt.settle(number_or_none(usage.get("cost")))
        self._attempt.ms += self._receipt.time_until(self._now_s())
        payload["gateway"] = self._receipt.to_json()
        return event_of(json.dumps(payload, separators=(",", ":")).encode())


def _is_whole(rest: bytes) -> bool:
    data = data_of(rest)
    if data is None or data == DONE:
        return data == DONE
    try:
        parse_json(data)
    except ValueError:
        return False
    return True


class GuardedStream:
    """The response body of a committed stream."""

    def __init__(self, stream: CommittedStream, guard: Guard, *, idle_s: float, on_end: OnEnd) -> None:
        self._stream = stream
        self._guard = guard
        self._idle_s = idle_s
        self._on_end = on_end

    async def run(self, write: Write) -> None:
        """Relay until the stream ends, breaks off, or the client leaves; the upstream is closed after it."""
        outcome = "client_gone"
        timer = IdleTimer(self._idle_s, self._stream.reply.abort)
        try:
            await self._relay(write, timer)
            outcome = self._guard.fault.code if self._guard.fault else "answered"
        except ClientGoneError:
            pass
        finally:
            timer.stop()
            self._stream.reply.abort()
            self._on_end(outcome)

    async def _relay(self, write: Write, timer: IdleTimer) -> None:
        guard, stream = self._guard, self._stream
        piece = guard.pass_on(stream.events)
        while True:
            if piece:
                timer.pause()  # a client that reads slowly is not a model that has stopped
                await write(piece)
                timer.resume()
            if guard.ended:
                return
            guard.progressed = False
            piece = await self._next(timer)
            if guard.progressed:
                timer.touch()

    async def _next(self, timer: IdleTimer) -> bytes:
        guard, stream = self._guard, self._stream
        try:
            piece = await stream.reply.read()
            if not piece:
                return guard.finish(stream.decoder.rest)
            return guard.pass_on(stream.decoder.feed(piece))
        except TransportError:
            return guard.lose(Fault(code="idle_timeout" if timer.fired else "connection_lost"))
        except EventTooLargeError:
            return guard.break_off(Fault(code="malformed_event"))
