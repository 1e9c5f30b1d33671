"""How an answer streams: at once when a model has committed, or patiently, before one has."""

import asyncio
from collections.abc import Callable

from gateway.dialects.chat.chunk_shape import OBJECT
from gateway.fallback.attempt_once import Ask, ServedStream
from gateway.fallback.execute import done_within, execute
from gateway.fallback.receipt import Receipt
from gateway.http.body import Stream
from gateway.http.errors import GatewayError
from gateway.http.frozen import dataclass
from gateway.http.responses import Frame
from gateway.memory.isolate import Memory
from gateway.memory.ports import Ports
from gateway.routing.chain import Plan
from gateway.streaming.relay import RelayedStream
from gateway.streaming.resume import resume_by


@dataclass(frozen=True, slots=True, kw_only=True)
class Streaming:
    """One request's streams: what they share, and ``done``, which is told once what became of the answer."""

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
            served=served,
            receipt=self.receipt,
            frame=self.frame,
            idle_s=self.planned.limits.idle_s,
            now_s=self.ports.now_s,
            call_later=self.ports.call_later,
            resume=resume_by(self.planned, self.ask, self.receipt, self.ports, self.memory),
            guard_events=self.planned.limits.guard_events,
            openai_usage=self.planned.openai_usage,
            list_errors=self.planned.list_errors,
            collect_text=self.planned.on_midstream == "continue",
            on_bug=self.ports.log_bug,
            on_end=self.done,
        )

    async def begin(self) -> Stream:
        """Return the body: once a model has committed, or earlier where the client wants comments meanwhile.

        Raises:
            GatewayError: no model answered, before the first comment.
        """
        every_s = self.planned.limits.keepalive_s
        if every_s is not None:
            return await self._begin_within(every_s)
        served = await execute(self.planned, self.ask, self.receipt, self.ports, self.memory)
        assert isinstance(served, ServedStream)  # as the ask wants it
        return self.relay(served)

    async def _begin_within(self, every_s: float) -> Stream:
        """Return the body, ``every_s`` from now at the latest.

        A chain that ends before the first comment is due is answered as any other.
        """
        from gateway.streaming.early_stream import EarlyStream  # noqa: PLC0415
        from gateway.streaming.keep_alive import abandon  # noqa: PLC0415  # few ask for it

        chain = asyncio.create_task(execute(self.planned, self.ask, self.receipt, self.ports, self.memory))
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
            envelope={
                "object": OBJECT,
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
