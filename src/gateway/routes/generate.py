"""Answers a request for a model's answer, in any dialect: runs its stages in order."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from gateway.access.concurrency import begin
from gateway.answer_cache.reuse import AnswerReuse
from gateway.dialects.dialect import Dialect, streaming_of
from gateway.fallback.attempt_once import Ask, Served, ServedAnswer, ServedBytes
from gateway.fallback.execute import execute
from gateway.fallback.normalize import normalize
from gateway.fallback.receipt import Receipt, open_receipt
from gateway.fallback.respond import respond_answer, respond_bytes, respond_exhausted, respond_stream
from gateway.fallback.signed_parts import note_signatures
from gateway.http.body import HttpResponse
from gateway.http.errors import GatewayError
from gateway.ledger.close_request import close_request
from gateway.pipeline.call import Call
from gateway.pipeline.prepare import prepare, refresh_signals
from gateway.pipeline.prepared import Prepared, for_attempts, guarded_to_its_end
from gateway.repeats.claim import Claim
from gateway.streaming.streaming import Streaming
from gateway.upstream.compose import Composer

if TYPE_CHECKING:
    from gateway.pipeline.shared_limits import SharedLimits

ReuseBy: TypeAlias = Callable[[Call, Prepared, Receipt], AnswerReuse]


async def generate(call: Call, dialect: Dialect, reuse_by: ReuseBy = AnswerReuse) -> HttpResponse:
    """Answer a request in a dialect: parse, plan, execute, normalize, respond.

    ``reuse_by`` returns the answer cache for a request.
    """
    if call.settings.coordination == "local":
        return await _generate(call, dialect, reuse_by)
    from gateway.pipeline.shared_limits import shared_limits_of  # noqa: PLC0415  # not where each isolate counts

    shared = shared_limits_of(call)
    try:
        return await _generate(call, dialect, reuse_by, shared)
    except BaseException:  # nothing was sent
        if shared is not None:
            shared.end(0)
        raise


async def _generate(
    call: Call, dialect: Dialect, reuse_by: ReuseBy, shared: "SharedLimits | None" = None
) -> HttpResponse:
    started_at_s = call.ports.now_s()
    claim = Claim(call, dialect)
    prepared = await prepare(call, dialect, is_free=claim.is_free, shared=shared)
    if claim.is_repeat and claim.find() is None:  # the earlier request has failed meanwhile
        prepared = await prepare(call, dialect, claim.raw, shared=shared)
    if claim.name:
        prepared = guarded_to_its_end(prepared)
    planned = prepared.planned
    receipt = open_receipt(planned, call.frame.request_id, started_at_s=started_at_s)
    receipt.similar = prepared.similar_models
    if shared is not None:
        shared.on_open = lambda: receipt.state("coordination", "open")
        if shared.is_open:
            shared.on_open()
    # No ``await`` from here to ``hold``: another request could run between a check and its count, and the
    # limits of requests in flight and of budgets would be exceeded.
    deadline_s, is_stream = planned.limits.deadline_s, prepared.request.stream or prepared.request.wants_bytes
    now_s, memory = call.ports.now_s(), call.memory
    begin(
        prepared.caller,
        prepared.ticket,
        memory.rates,
        now_s=now_s,
        deadline_s=deadline_s,
        stream=is_stream,
    )
    call = for_attempts(call, prepared)

    def done(outcome: str) -> None:
        close_request(call, prepared, receipt, outcome)
        claim.outcome = claim.outcome or outcome

    async def work() -> HttpResponse:
        return await _answer(call, prepared, receipt, reuse_by, done)

    if not claim.name:
        return await work()
    from gateway.repeats.serve import serve  # noqa: PLC0415  # few requests share their answers

    return await serve(call, prepared, receipt, claim, work=work, done=done)


async def _answer(
    call: Call, prepared: Prepared, receipt: Receipt, reuse_by: ReuseBy, done: Callable[[str], None]
) -> HttpResponse:
    """Return the response of the cache or of a model; close the request if it has none.

    A plain answer closes it, too. A stream closes it at its end.
    """
    try:
        refresh_signals(call, prepared)
        reuse = reuse_by(call, prepared, receipt)
        return await reuse.cached(done) or await _ask(call, reuse.asked, receipt, reuse, done)
    except GatewayError as error:
        done(error.code)
        return respond_exhausted(error, receipt, call.frame)
    except asyncio.CancelledError:
        done("client_gone")
        raise
    except Exception:
        done("internal_error")
        raise


async def _ask(
    call: Call, prepared: Prepared, receipt: Receipt, reuse: AnswerReuse, done: Callable[[str], None]
) -> HttpResponse:
    """Return a response with the answer of the first model that commits.

    Raises:
        GatewayError: no model committed.
    """
    settings, ports, memory = call.settings, call.ports, call.memory
    request, dialect, planned = prepared.request, prepared.dialect, prepared.planned
    asked, assemble = request, None
    if planned.watch:
        from gateway.streaming.watch import as_stream, assemble_by  # noqa: PLC0415  # few requests are watched

        asked = as_stream(request)
        assemble = assemble_by(asked, streaming_of(dialect), planned, receipt, call.frame, ports)
    ask = Ask(
        dialect=dialect,
        request=request,
        request_for=Composer(
            dialect,
            asked,
            prepared.caller,
            settings,
            call.request.header,
            headers=prepared.headers,
            session=prepared.session.name if prepared.session else None,
        ).request_for,
        stream=request.stream,
        assemble=assemble,
        test=planned.answer_test,
        admission=prepared.hold,
        complete=planned.on_midstream == "hold",
    )
    if request.stream:
        streaming = Streaming(
            planned=planned, ask=ask, receipt=receipt, frame=call.frame, ports=ports, memory=memory, done=done
        )
        stream = reuse.cache_stream(await streaming.begin())
        return respond_stream(stream, receipt, call.frame)
    served = await execute(planned, ask, receipt, ports, memory)
    if request.wants_bytes:
        return _respond_bytes(call, prepared, served, receipt, done)
    assert isinstance(served, ServedAnswer)  # since ``ask.stream`` is false
    note_signatures(served.answer, dialect, memory.signatures, served.attempt.model)
    served = replace(served, answer=reuse.completed(served.answer))
    answer = normalize(served, ask, receipt, planned, now_s=ports.now_s())
    done("answered")
    reuse.cache_answer(served.answer)
    return respond_answer(answer, receipt, call.frame)


def _respond_bytes(
    call: Call, prepared: Prepared, served: Served, receipt: Receipt, done: Callable[[str], None]
) -> HttpResponse:
    """Return a response with an answer of bytes, which has arrived or has begun."""
    receipt.time_until(call.ports.now_s())
    if isinstance(served, ServedBytes):
        from gateway.streaming.relay_bytes import RelayedBytes  # noqa: PLC0415  # few answers are bytes

        begun = served.answer
        body = RelayedBytes(
            served=served,
            receipt=receipt,
            idle_s=prepared.planned.limits.idle_s,
            ports=call.ports,
            on_end=done,
        )
        return respond_bytes(body, begun.media_type, receipt, call.frame, length_bytes=begun.length_bytes)
    assert isinstance(served, ServedAnswer)  # since ``ask.stream`` is false
    done("answered")
    return respond_bytes(served.answer.raw, served.answer.media_type, receipt, call.frame)
