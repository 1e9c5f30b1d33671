"""normalize: one answer shape, whatever the model."""

import json

from gateway.attempts import Receipt
from gateway.openrouter import Completion
from gateway.wire import Json, JsonObject, number_or_none, object_or_empty


def normalize(completion: Completion, receipt: Receipt, *, now_s: float) -> bytes:
    """Return the body for a plain answer: the upstream's, in OpenAI's shape, with the receipt added.

    ``receipt`` is completed from it: its last attempt gets the cost, and the whole the time it took.
    """
    payload = completion.payload
    attempt = receipt.attempts[-1]
    attempt.settle(number_or_none(object_or_empty(payload.get("usage")).get("cost")))
    receipt.time_until(now_s)
    changed = _complete(payload, completion, receipt, now_s=now_s)
    receipt_json = json.dumps(receipt.to_json(), separators=(",", ":")).encode()
    if changed or "gateway" in payload:
        payload.pop("gateway", None)
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    else:
        body = completion.raw.strip()  # as it came: serialising a long answer again costs more than all else
    return body[:-1] + b',"gateway":' + receipt_json + b"}"


def _complete(payload: JsonObject, completion: Completion, receipt: Receipt, *, now_s: float) -> bool:
    """Put in what OpenAI's shape always has and this answer lacks; return whether anything was."""
    always: dict[str, Json] = {
        "id": completion.generation_id or f"gen-{receipt.request_id}",
        "object": "chat.completion",
        "created": int(now_s),
        "model": receipt.attempts[-1].model,
    }
    missing = {name: value for name, value in always.items() if not payload.get(name)}
    payload.update(missing)
    return bool(missing)
