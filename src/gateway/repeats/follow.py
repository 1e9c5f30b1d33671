"""Answers a repeat with the answer of the first request: what there is of it, and then the rest as it comes.

The first request belongs to another handler of the runtime, and no handler may wait for a future of another.
So a repeat looks for more with a timer of its own.
"""

import asyncio
from collections.abc import Callable

from gateway.dialects.dialect import Dialect, streaming_of
from gateway.fallback.receipt import Receipt
from gateway.fallback.respond import respond_answer, respond_bytes, respond_exhausted, respond_stream
from gateway.http.body import HttpResponse
from gateway.http.json_values import JsonObject
from gateway.memory.shared_answers import DEAD_S, SharedAnswer
from gateway.memory.waiting import pause
from gateway.pipeline.call import Call
from gateway.pipeline.prepared import Prepared
from gateway.repeats.lost import lost_error, lost_event
from gateway.repeats.receipts import StreamReceipts, with_receipt
from gateway.repeats.shared_stream import LostError, SharedStream

POLL_S = 0.05


async def follow(
    call: Call, prepared: Prepared, receipt: Receipt, answer: SharedAnswer, done: Callable[[str], None]
) -> HttpResponse:
    """Return the response with the answer of an earlier request.

    Args:
        call: the repeat.
        prepared: the repeat, parsed and planned.
        receipt: its receipt.
        answer: the answer.
        done: called with the outcome when the answer has been sent.
    """
    follower = _Follower(call, receipt, answer)
    reader = answer.attach()
    try:
        while not follower.has_response:
            await follower.wait()
    except LostError:
        answer.detach(reader, now_s=call.ports.now_s())
        done("repeat_lost")
        return respond_exhausted(lost_error(), receipt, call.frame)
    except asyncio.CancelledError:
        answer.detach(reader, now_s=call.ports.now_s())
        done("client_gone")
        raise
    follower.note()
    if answer.is_stream:
        return respond_stream(_stream(follower, prepared.dialect, reader, done), receipt, call.frame)
    answer.detach(reader, now_s=call.ports.now_s())
    done(answer.outcome)
    return follower.plain_response(is_bytes=prepared.request.wants_bytes)


class _Follower:
    """A repeat that gets an earlier answer.

    Attributes:
        call: the repeat.
        receipt: its receipt.
        answer: the earlier answer.
    """

    def __init__(self, call: Call, receipt: Receipt, answer: SharedAnswer) -> None:
        self.call = call
        self.receipt = receipt
        self.answer = answer
        self._age_s = call.ports.now_s() - answer.ended_at_s if answer.has_ended else None

    @property
    def has_response(self) -> bool:
        """Whether the response can be built: a stream has begun, or a plain answer has ended."""
        return self.answer.status is not None and (self.answer.is_stream or self.answer.has_ended)

    async def wait(self) -> None:
        """Wait for a short time. Raises ``LostError`` if the answer will never get any further."""
        answer = self.answer
        if answer.has_ended:  # without a response
            raise LostError
        if self.call.ports.now_s() - answer.touched_at_s > DEAD_S:
            raise LostError
        await pause(POLL_S, self.call.ports)

    def note(self) -> None:
        """Note in the receipt whose answer it is."""
        receipt, answer = self.receipt, self.answer
        if self._age_s is None or answer.model is None:
            receipt.join(answer.model)
        else:
            receipt.reuse(answer.model, age_s=self._age_s)
        receipt.stated.update(answer.stated)
        receipt.time_until(self.call.ports.now_s())

    def plain_response(self, *, is_bytes: bool) -> HttpResponse:
        """Return the response with the complete answer, or with the error of the first request.

        ``is_bytes`` says whether the answer is bytes, such as audio.
        """
        answer, frame = self.answer, self.call.frame
        if answer.status == 200 and answer.outcome == "answered":
            if is_bytes:
                return respond_bytes(answer.body, dict(answer.headers)["content-type"], self.receipt, frame)
            return respond_answer(with_receipt(answer.body, self.receipt.to_json()), self.receipt, frame)
        headers = (*answer.headers, ("x-gateway-cache", "joined"), *frame.headers)
        return HttpResponse(status=answer.status or 500, headers=headers, body=answer.body)


def _stream(follower: _Follower, dialect: Dialect, reader: int, done: Callable[[str], None]) -> SharedStream:
    call, receipt, answer = follower.call, follower.receipt, follower.answer
    streaming = streaming_of(dialect)

    def receipt_json() -> JsonObject:
        follower.note()
        return receipt.to_json()

    # An event in the caller's form may be longer than that of the upstream, which this setting limits.
    receipts = StreamReceipts(streaming, receipt_json, max_event_bytes=2 * call.settings.max_answer_bytes)
    return SharedStream(
        answer=answer,
        reader=reader,
        wait=follower.wait,
        change=receipts.change,
        lost=lambda: lost_event(call, streaming, receipt, answer),
        on_end=done,
        now_s=call.ports.now_s,
    )
