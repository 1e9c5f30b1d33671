"""Brings a plain answer into its dialect's form, whatever the model, and adds the receipt."""

from contextlib import suppress

from gateway.dialects.answer_stream import AnswerContext
from gateway.fallback.attempt_once import Ask, ServedAnswer
from gateway.fallback.receipt import Receipt
from gateway.faults.details import short_line
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_values import object_or_empty
from gateway.routing.chain import Plan


def normalize(served: ServedAnswer, ask: Ask, receipt: Receipt, plan: Plan, *, now_s: float) -> bytes:
    """Return the response body for a plain answer: the upstream's body in its form, with the receipt.

    This also completes the receipt: it records the attempt's cost and the request's duration.
    """
    payload, dialect = served.answer.payload, ask.dialect
    usage = object_or_empty(payload.get("usage"))
    served.attempt.provider = short_line(payload.get("provider"), served.upstream)
    cost_added = served.attempt.settle_usage(usage, dialect.tokens_of(usage))
    receipt.time_until(now_s)
    names = receipt.names_for(served.attempt, now_s=now_s)
    told = AnswerContext(
        request=ask.request,
        model=served.attempt.model,
        shown_model=plan.shown_model,
        note=receipt.note,
        state=receipt.state,
        answer=served.answer,
    )
    changed = dialect.shape_answer(payload, names, plan.answer_test) | cost_added
    changed |= dialect.tell(payload, told)
    changed |= payload.pop("gateway", None) is not None
    # Unchanged if possible: to serialise a long answer again is expensive.
    pieces: list[bytes | memoryview] = [memoryview(served.answer.raw)[:-1]]
    if changed:
        with suppress(ValueError):  # it holds a number that JSON cannot represent: keep it unchanged
            pieces = served.answer.long.pieces(to_json_bytes(payload)[:-1])
    return b"".join((*pieces, b',"gateway":', to_json_bytes(receipt.to_json()), b"}"))
