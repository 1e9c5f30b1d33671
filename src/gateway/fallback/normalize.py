"""Brings a plain answer into OpenAI's shape, whatever the model, and adds the receipt."""

from contextlib import suppress

from gateway.dialects.chat.answer_checks import AnswerTest
from gateway.dialects.chat.answer_shape import shape_completion
from gateway.dialects.chat.json_answer import take_fences_off
from gateway.fallback.attempt_once import ServedAnswer
from gateway.fallback.receipt import Receipt
from gateway.faults.details import short_line
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_values import JsonObject, object_or_empty


def normalize(served: ServedAnswer, receipt: Receipt, test: AnswerTest, *, now_s: float) -> bytes:
    """Return the response body for a plain answer: the upstream's body in OpenAI's shape, with the receipt.

    If ``test`` asks for JSON, a Markdown fence around it is taken off.
    This also completes the receipt: it records the attempt's cost and the request's duration.
    """
    payload = served.answer.payload
    served.attempt.provider = short_line(payload.get("provider"), served.upstream)
    cost_added = served.attempt.settle_usage(object_or_empty(payload.get("usage")))
    receipt.time_until(now_s)
    always: JsonObject = {
        "id": served.attempt.generation_id or f"gen-{receipt.request_id}",
        "object": "chat.completion",
        "created": int(now_s),
        "model": served.attempt.model,
    }
    changed = shape_completion(payload, always=always) or cost_added
    changed |= payload.pop("gateway", None) is not None
    if test.json:
        changed |= take_fences_off(payload, test.json_root)
    # Unchanged if possible: to serialise a long answer again is expensive.
    pieces: list[bytes | memoryview] = [memoryview(served.answer.raw)[:-1]]
    if changed:
        with suppress(ValueError):  # it holds a number that JSON cannot represent: keep it unchanged
            pieces = served.answer.long.pieces(to_json_bytes(payload)[:-1])
    return b"".join((*pieces, b',"gateway":', to_json_bytes(receipt.to_json()), b"}"))
