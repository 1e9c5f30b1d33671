"""normalize: one answer shape, whatever the model."""

from gateway.attempt_once import ServedAnswer
from gateway.attempts import Receipt
from gateway.json_bytes import to_json_bytes
from gateway.wire import Json, JsonObject, number_or_none, object_or_empty


def normalize(served: ServedAnswer, receipt: Receipt, *, now_s: float) -> bytes:
    """Return the body for a plain answer: the upstream's, in OpenAI's shape, with the receipt added.

    ``receipt`` is completed from it: its last attempt gets the cost, and the whole the time it took.
    """
    payload = served.answer.payload
    served.attempt.settle(number_or_none(object_or_empty(payload.get("usage")).get("cost")))
    receipt.time_until(now_s)
    changed = _complete(payload, served, receipt, now_s=now_s)
    if changed or "gateway" in payload:
        payload.pop("gateway", None)
        body = to_json_bytes(payload)
    else:
        body = served.answer.raw  # as it came: to serialise a long answer again is dear
    return body[:-1] + b',"gateway":' + to_json_bytes(receipt.to_json()) + b"}"


def _complete(payload: JsonObject, served: ServedAnswer, receipt: Receipt, *, now_s: float) -> bool:
    """Put in what OpenAI's shape always has and this answer lacks; return whether anything was."""
    always: dict[str, Json] = {
        "id": served.answer.generation_id or f"gen-{receipt.request_id}",
        "object": "chat.completion",
        "created": int(now_s),
        "model": served.attempt.model,
    }
    missing = {name: value for name, value in always.items() if not payload.get(name)}
    payload.update(missing)
    return bool(missing)
