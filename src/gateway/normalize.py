"""normalize: one answer shape, whatever the model."""

from gateway.attempt_once import ServedAnswer
from gateway.attempts import Receipt
from gateway.json_bytes import to_json_bytes
from gateway.shape import shape_completion
from gateway.wire import JsonObject, number_or_none, object_or_empty


def normalize(served: ServedAnswer, receipt: Receipt, *, now_s: float) -> bytes:
    """Return the body for a plain answer: the upstream's, in OpenAI's shape, with the receipt added.

    ``receipt`` is completed from it: its last attempt gets the cost, and the whole the time it took.
    """
    payload = served.answer.payload
    served.attempt.settle(number_or_none(object_or_empty(payload.get("usage")).get("cost")))
    receipt.time_until(now_s)
    always: JsonObject = {
        "id": served.answer.generation_id or f"gen-{receipt.request_id}",
        "object": "chat.completion",
        "created": int(now_s),
        "model": served.attempt.model,
    }
    changed = shape_completion(payload, always=always)
    if changed or "gateway" in payload:
        payload.pop("gateway", None)
        body = to_json_bytes(payload)
    else:
        body = served.answer.raw  # as it came: to serialise a long answer again is dear
    return body[:-1] + b',"gateway":' + to_json_bytes(receipt.to_json()) + b"}"
