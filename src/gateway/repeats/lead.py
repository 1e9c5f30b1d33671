"""Answers the first of several equal requests: its answer goes to all that attach to it.

The answer is made in a task of its own, which goes on when the client leaves: others may read it, or the
client may send its request again. It ends when nobody has read for ``LINGER_S``.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from gateway.dialects.dialect import Dialect, streaming_of
from gateway.fallback.execute import done_within
from gateway.fallback.receipt import Receipt
from gateway.http.body import HttpResponse, Step
from gateway.http.errors import internal_error
from gateway.http.message import ClientGoneError, Reply
from gateway.http.responses import respond_error
from gateway.memory.shared_answers import SharedAnswer
from gateway.memory.waiting import pause, start_task
from gateway.pipeline.call import Call
from gateway.repeats.claim import Claim
from gateway.repeats.lost import lost_event
from gateway.repeats.shared_stream import SharedStream

# SDKs send a request again within half a second, then within one, two, four. Source: OpenAI's Python SDK.
LINGER_S = 3.0
TICK_S = 1.0
FULL_POLL_S = 0.05


async def lead(
    call: Call,
    dialect: Dialect,
    receipt: Receipt,
    claim: Claim,
    *,
    work: Callable[[], Awaitable[HttpResponse]],
) -> HttpResponse:
    """Return the response of ``work``, and share it.

    Args:
        call: the request and its ports.
        dialect: its wire format.
        receipt: its receipt.
        claim: what the answer is shared by.
        work: asks the models. It closes the request.
    """
    ports = call.ports
    answer = call.memory.shared_answers.begin(claim.name, claim.fingerprint, now_s=ports.now_s())
    reader, maker = answer.attach(), _Maker(call, claim, receipt, answer)
    task = start_task(maker.run(work))
    ports.run_in_background(lambda: _watch(task, answer, call))
    try:
        while answer.status is None and not answer.has_ended:
            await maker.progress.wait()
    except asyncio.CancelledError:
        answer.detach(reader, now_s=ports.now_s())
        raise
    response = maker.response
    if response is None or isinstance(response.body, bytes):
        answer.detach(reader, now_s=ports.now_s())
        if response is None:
            raise asyncio.CancelledError  # so was the task
        return response
    streaming = streaming_of(dialect)
    stream = SharedStream(
        answer=answer,
        reader=reader,
        wait=maker.progress.wait,
        change=_unchanged,
        lost=lambda: lost_event(call, streaming, receipt, answer),
        on_end=_ignore,
        now_s=ports.now_s,
    )
    return replace(response, body=stream)


def _unchanged(data: bytes, *, is_last: bool) -> bytes:
    del is_last
    return data


def _ignore(_: str) -> None:
    """Do nothing: the request is closed when the answer ends, not when its client has read it."""


async def _watch(task: "asyncio.Task[None]", answer: SharedAnswer, call: Call) -> None:
    """Keep the request alive until the answer has ended; end it when nobody has read it for a while."""
    ports = call.ports
    while not task.done():
        await done_within({task}, TICK_S, ports)
        now_s = ports.now_s()
        answer.touched_at_s = now_s
        if answer.left_at_s is not None and now_s - answer.left_at_s >= LINGER_S:
            call.memory.shared_answers.forget(answer)  # no repeat attaches to an answer that ends now
            task.cancel()


class _Progress:
    """Wakes the one coroutine of this request that waits. No other request may wait for it."""

    def __init__(self) -> None:
        self._waiting: asyncio.Future[None] | None = None

    def note(self) -> None:
        """Wake whoever waits."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def wait(self) -> None:
        """Wait for the next ``note``."""
        self._waiting = asyncio.get_running_loop().create_future()
        await self._waiting


class _Maker:
    """Makes the shared answer.

    Attributes:
        progress: is noted when there is more of the answer.
        response: the response, once it is known.
    """

    def __init__(self, call: Call, claim: Claim, receipt: Receipt, answer: SharedAnswer) -> None:
        self.progress = _Progress()
        self.response: HttpResponse | None = None
        self._call = call
        self._claim = claim
        self._receipt = receipt
        self._answer = answer

    async def run(self, work: Callable[[], Awaitable[HttpResponse]]) -> None:
        """Share the response of ``work``. A bug is logged here: the client may have left."""
        try:
            self.response = await work()
            await self._share(self.response)
        except Exception as error:  # noqa: BLE001  # it is answered like every other error
            self._call.ports.log_bug(error, request_id=self._call.frame.request_id)
            self.response = self.response or respond_error(internal_error(), self._call.frame)
        finally:
            outcome = self._claim.outcome or "client_gone"
            keep = outcome == "answered" and self._call.settings.idempotency_s > 0
            now_s = self._call.ports.now_s()
            self._call.memory.shared_answers.end(self._answer, outcome, keep=keep, now_s=now_s)
            self.progress.note()

    async def _share(self, response: HttpResponse) -> None:
        answer, body = self._answer, response.body
        own = self._call.frame.headers
        answer.headers = tuple(pair for pair in response.headers if pair not in own)
        answer.stated = dict(self._receipt.stated)
        answer.is_stream = not isinstance(body, bytes)
        if isinstance(body, bytes):
            self.add(body)
            answer.status = response.status
            return
        answer.status, answer.model = response.status, self._receipt.served
        self.progress.note()
        await body.run(_SharedSink(self, self._call, answer))

    def add(self, piece: bytes) -> None:
        """Add a piece to the answer."""
        if piece:
            self._answer.model = self._receipt.served
            self._call.memory.shared_answers.add(self._answer, piece)
            self.progress.note()


class _SharedSink:
    """Adds a stream to the shared answer; see ``http.body.Sink``. Its steps never hand over."""

    def __init__(self, maker: _Maker, call: Call, answer: SharedAnswer) -> None:
        self.blocked = False
        self._maker = maker
        self._call = call
        self._answer = answer

    async def write(self, data: bytes) -> None:
        """Add bytes; wait before that if the readers are too slow. Raises ``ClientGoneError``."""
        answers, answer = self._call.memory.shared_answers, self._answer
        self.blocked = True
        while answers.must_wait(answer):
            if not answer.has_readers:  # nobody can read it from its beginning, or soon
                raise ClientGoneError
            await pause(FULL_POLL_S, self._call.ports)
        self.blocked = False
        self._maker.add(data)

    async def relay(self, reply: Reply, step: Step) -> None:
        """Add what ``step`` returns for each piece of the reply. Raises ``TransportError``."""
        while piece := await reply.read():
            if passed := step.take(piece):
                await self.write(passed)
