"""normalize: one answer shape, whatever the model."""

from contextlib import suppress

from gateway.dialects.chat.answer_shape import shape_completion
from gateway.fallback.attempt_once import ServedAnswer
from gateway.fallback.receipt import Receipt
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_values import JsonObject, object_or_empty, text_or_none


def normalize(served: ServedAnswer, receipt: Receipt, *, now_s: float) -> bytes:
    """Return the body for a plain answer: the upstream's, in OpenAI's shape, with the receipt added.

    ``receipt`` is completed from it: its last attempt gets the cost, and the whole the time it took.
    """
    payload = served.answer.payload
    served.attempt.provider = text_or_none(payload.get("provider"))
    priced = served.attempt.settle_usage(object_or_empty(payload.get("usage")))
    receipt.time_until(now_s)
    always: JsonObject = {
        "id": served.attempt.generation_id or f"gen-{receipt.request_id}",
        "object": "chat.completion",
        "created": int(now_s),
        "model": served.attempt.model,
    }
    changed = shape_completion(payload, always=always) or priced
    changed |= payload.pop("gateway", None) is not None
    body = served.answer.raw  # as it came, if it can: to serialise a long answer again is dear
    if changed:
        with suppress(ValueError):  # a number that JSON cannot carry, far from the fields that matter
            body = to_json_bytes(payload)
    return body[:-1] + b',"gateway":' + to_json_bytes(receipt.to_json()) + b"}"
