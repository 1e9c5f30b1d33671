"""Lets the next model take over a stream that is cut off: it starts over, or continues the text so far."""

import asyncio
from dataclasses import replace

from gateway.fallback.attempt_once import Ask, Served, ServedStream
from gateway.fallback.execute import done_within, execute
from gateway.fallback.receipt import Receipt
from gateway.http.body import Sink
from gateway.http.errors import GatewayError
from gateway.http.message import ClientGoneError
from gateway.memory.isolate import Memory
from gateway.memory.ports import Ports
from gateway.memory.waiting import start_task
from gateway.routing.chain import Candidate, Plan
from gateway.streaming.guard import Guard
from gateway.streaming.relay import Resume, TakeOver


def resume_by(plan: Plan, ask: Ask, receipt: Receipt, ports: Ports, memory: Memory) -> Resume | None:
    """Return the function that finds a model to take over a stream that is cut off; None if none may.

    The remaining models get a new deadline, counted from the cut.
    """
    how = plan.on_midstream
    if how not in ("restart", "continue"):  # with `hold` all of the answer has arrived
        return None

    text_so_far: str | None = ""  # of all models; None once the answer holds more than text

    async def resume(guard: Guard, sink: Sink) -> TakeOver | None:
        nonlocal text_so_far
        text = guard.stream.text
        text_so_far = None if text_so_far is None or text is None else text_so_far + text
        remaining = uncalled(plan, receipt)
        if not remaining or (how == "continue" and not text_so_far):
            return None
        if guard.fault is not None and guard.fault.code in plan.limits.stop_on:
            return None
        next_ask = replace(ask, prefill=text_so_far if how == "continue" else None)
        try:
            served = await _execute(
                replace(plan, chain=remaining), next_ask, receipt, ports, memory, sink=sink
            )
        except GatewayError:
            return None
        if not isinstance(served, ServedStream):
            return None
        served.attempt.resumes = how
        if how == "continue":
            return TakeOver(served=served, so_far=text_so_far)
        code = guard.fault.code if guard.fault else None
        marker = guard.stream.restart_event(served.answer.first, code, served.attempt.model)
        return TakeOver(served=served, marker=marker)

    return resume


def uncalled(plan: Plan, receipt: Receipt) -> tuple[Candidate, ...]:
    """Return the models of the chain that may still answer: not called yet, or cancelled by a faster one."""
    called = {attempt.model for attempt in receipt.attempts if attempt.outcome != "cancelled"}
    return tuple(candidate for candidate in plan.chain if candidate.model not in called)


async def _execute(
    plan: Plan, ask: Ask, receipt: Receipt, ports: Ports, memory: Memory, *, sink: Sink
) -> Served:
    """Run a chain; meanwhile send keep-alive comments if the request asks for them.

    Raises:
        GatewayError: no model answered.
        ClientGoneError: the client has left.
    """
    every_s = plan.limits.keepalive_s
    if every_s is None:
        return await execute(plan, ask, receipt, ports, memory)
    from gateway.streaming.keep_alive import abandon, comment_until_done  # noqa: PLC0415  # few requests use keep-alives

    chain = start_task(execute(plan, ask, receipt, ports, memory))
    try:
        await done_within({chain}, every_s, ports)
        await comment_until_done(chain, every_s, sink, ports)
    except (ClientGoneError, asyncio.CancelledError):
        await abandon(chain)
        raise
    return chain.result()
