"""The error for those who cannot get the rest of a shared answer."""

from gateway.dialects.dialect import StreamingDialect
from gateway.fallback.receipt import Receipt
from gateway.http.errors import GatewayError
from gateway.http.json_values import JsonObject
from gateway.memory.shared_answers import SharedAnswer
from gateway.pipeline.call import Call


def lost_error(*, partial: bool = False) -> GatewayError:
    """Return the error; ``partial``: in a stream that has begun."""
    return GatewayError(
        "repeat_lost",
        "The answer of the earlier request with this Idempotency-Key or body is lost. Send it again.",
        retry_after_s=1.0,
        retryable=True,
        metadata={"partial": True} if partial else None,
    )


def lost_event(call: Call, dialect: StreamingDialect, receipt: Receipt, answer: SharedAnswer) -> bytes:
    """Return the event that ends a stream with this error."""
    names: JsonObject = {
        "id": f"gen-{receipt.request_id}",
        "created": int(call.ports.now_s()),
        "model": answer.model or receipt.requested[-1],
    }
    return dialect.error_event(call.frame.error_json(lost_error(partial=True)), names)
