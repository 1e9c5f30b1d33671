"""Reads the body of a request within its limits, and parses it in its dialect."""

from gateway.dialects.dialect import Dialect
from gateway.dialects.model_request import ModelRequest
from gateway.http.errors import GatewayError
from gateway.http.message import BodyTooLargeError, ClientGoneError
from gateway.pipeline.call import Call

BODY_TIMEOUT_S = 30.0
# What is said of a body that is in a content coding.
ENCODED = frozenset({"invalid_json", "invalid_body", "body_too_large"})


async def read_body(call: Call) -> bytes:
    """Return the body of a request.

    Raises:
        GatewayError: it is too large, was cut off, or did not arrive in time.
    """
    limit_bytes = call.max_body_bytes
    try:
        async with call.ports.within(BODY_TIMEOUT_S):
            return await call.request.read_body(limit_bytes)
    except ClientGoneError:
        raise GatewayError(
            "invalid_body", "The request body was cut off. Send it again.", param="body"
        ) from None
    except BodyTooLargeError:
        raise _too_large(call) from None
    except TimeoutError:
        message = f"The body did not arrive within {BODY_TIMEOUT_S:.0f} s. Send it again, or a smaller one."
        raise GatewayError("body_timeout", message, param="body") from None


def parse(call: Call, dialect: Dialect, raw: bytes) -> ModelRequest:
    """Return the request in a body. The header of a body's coding is read only if it cannot be read.

    Raises:
        GatewayError: the body is not a valid request.
    """
    limit_bytes, max_values = call.max_body_bytes, call.settings.max_body_values
    try:
        return dialect.parse(raw, max_values=max_values)
    except GatewayError as error:
        if error.code not in ENCODED or not raw:
            raise
        from gateway.pipeline.decode_body import CONTENT_ENCODING, decoded  # noqa: PLC0415  # few bodies are encoded

        try:
            body = decoded(raw, call.request.header(CONTENT_ENCODING), limit_bytes=limit_bytes, error=error)
        except BodyTooLargeError:
            raise _too_large(call) from None
    return dialect.parse(body, max_values=max_values)


def _too_large(call: Call) -> GatewayError:
    message = f"The body is larger than {call.max_body_bytes} bytes ({call.body_setting})."
    return GatewayError("body_too_large", message, param="body")
