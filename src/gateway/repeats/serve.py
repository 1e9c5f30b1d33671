"""Serves a request whose answer is shared: as the first one, or as a repeat."""

from collections.abc import Awaitable, Callable

from gateway.fallback.receipt import Receipt
from gateway.fallback.respond import respond_exhausted
from gateway.http.body import HttpResponse
from gateway.http.errors import GatewayError
from gateway.pipeline.call import Call
from gateway.pipeline.prepared import Prepared
from gateway.repeats.claim import Claim
from gateway.repeats.follow import follow
from gateway.repeats.lead import lead


async def serve(
    call: Call,
    prepared: Prepared,
    receipt: Receipt,
    claim: Claim,
    *,
    work: Callable[[], Awaitable[HttpResponse]],
    done: Callable[[str], None],
) -> HttpResponse:
    """Return the response of ``work``, or the answer of an earlier request if there is one.

    Args:
        call: the request and its ports.
        prepared: the request, parsed and planned.
        receipt: its receipt.
        claim: what its answer is shared by.
        work: asks the models. It closes the request.
        done: closes the request if it is a repeat.
    """
    try:
        answer = claim.find()
    except GatewayError as error:
        done(error.code)
        return respond_exhausted(error, receipt, call.frame)
    if answer is None:
        return await lead(call, prepared.dialect, receipt, claim, work=work)
    return await follow(call, prepared, receipt, answer, done)
