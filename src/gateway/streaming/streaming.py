"""Starts the response body of a stream: after a model has committed, or earlier, with keep-alive comments."""

import asyncio
from collections.abc import Callable

from gateway.dialects.dialect import streaming_of
from gateway.fallback.attempt_once import Ask, Served, ServedStream
from gateway.fallback.execute import done_within, execute
from gateway.fallback.receipt import Receipt
from gateway.http.body import Stream
from gateway.http.errors import GatewayError
from gateway.http.frozen import dataclass
from gateway.http.responses import Frame
from gateway.memory.isolate import Memory
from gateway.memory.ports import Ports
from gateway.memory.waiting import start_task
from gateway.routing.chain import Plan
from gateway.streaming.relay import RelayedStream
from gateway.streaming.resume import resume_by


@dataclass(frozen=True, slots=True, kw_only=True)
class Streaming:
    """Creates the response body of one streamed request.

    Attributes:
        planned: the request's plan.
        ask: what to send to each model.
        receipt: the request's receipt.
        frame: gives errors the form that the caller's client expects.
        ports: the ports of the request.
        memory: the isolate's memory.
        done: called with the outcome when the answer has ended.
    """

    planned: Plan
    ask: Ask
    receipt: Receipt
    frame: Frame
    ports: Ports
    memory: Memory
    done: Callable[[str], None]

    def relay(self, served: ServedStream) -> RelayedStream:
        """Return the body for a committed stream."""
        return RelayedStream(
            dialect=streaming_of(self.ask.dialect),
            request=self.ask.request,
            served=served,
            receipt=self.receipt,
            frame=self.frame,
            idle_s=self.planned.limits.idle_s,
            now_s=self.ports.now_s,
            call_later=self.ports.call_later,
            resume=resume_by(self.planned, self.ask, self.receipt, self.ports, self.memory),
            guard_events=self.planned.limits.guard_events,
            shown_model=self.planned.shown_model,
            reasoning_only=self.planned.answer_test.reasoning_only,
            list_errors=self.planned.list_errors,
            collect_text=self.planned.on_midstream == "continue",
            on_bug=self.ports.log_bug,
            on_end=self.done,
            signatures=self.memory.signatures,
        )

    async def begin(self) -> Stream:
        """Return the body once a model has committed, or earlier if the request asks for keep-alive comments.

        Raises:
            GatewayError: no model answered, and no comment has been sent.
        """
        every_s = self.planned.limits.keepalive_s
        if every_s is not None:
            return await self._begin_within(every_s)
        served = await self._run_chain()
        assert isinstance(served, ServedStream)  # the Ask requests a stream
        return self.relay(served)

    async def _run_chain(self) -> Served:
        """Return the stream of the first model that commits; with ``hold``, of the first that completes it.

        Raises:
            GatewayError: no model answered.
        """
        chain = (self.planned, self.ask, self.receipt, self.ports, self.memory)
        if self.planned.on_midstream != "hold":
            return await execute(*chain)
        from gateway.streaming.hold import execute_held  # noqa: PLC0415  # few requests hold their answer

        return await execute_held(*chain, relayed=self.relay)

    async def _begin_within(self, every_s: float) -> Stream:
        """Return the body after at most ``every_s`` seconds.

        If the chain ends before the first comment is due, the response is the same as without keep-alives.
        """
        from gateway.streaming.early_stream import EarlyStream  # noqa: PLC0415
        from gateway.streaming.keep_alive import abandon  # noqa: PLC0415  # few requests use keep-alives

        chain = start_task(self._run_chain())
        try:
            await done_within({chain}, every_s, self.ports)
        except asyncio.CancelledError:
            await abandon(chain)
            raise
        if chain.done() and isinstance(served := chain.result(), ServedStream):
            return self.relay(served)
        return EarlyStream(
            chain=chain,
            every_s=every_s,
            guard_events=self.planned.limits.guard_events,
            frame=self.frame,
            dialect=streaming_of(self.ask.dialect),
            names={
                "id": f"gen-{self.receipt.request_id}",
                "created": int(self.ports.now_s()),
                "model": self.receipt.requested[-1],
            },
            relay=self.relay,
            on_fail=self._fail,
            ports=self.ports,
        )

    def _fail(self, error: GatewayError | None) -> None:
        self.done(error.code if error else "client_gone")
