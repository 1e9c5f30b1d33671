"""Builds the HTTP response for an answer, a stream or an error, with the headers that they share."""

from gateway.fallback.receipt import Receipt
from gateway.http.body import HttpResponse, Stream
from gateway.http.errors import GatewayError
from gateway.http.message import HeaderPairs
from gateway.http.responses import JSON_TYPE, STREAM_HEADERS, Frame, respond_error


def respond_answer(body: bytes, receipt: Receipt, frame: Frame) -> HttpResponse:
    """Return the response for a plain answer."""
    headers = (JSON_TYPE, ("cache-control", "no-store"), *_short_receipt(receipt), *frame.headers)
    return HttpResponse(status=200, headers=headers, body=body)


def respond_stream(stream: Stream, receipt: Receipt, frame: Frame) -> HttpResponse:
    """Return the response for a stream; its headers go out first and carry the receipt as known so far."""
    full = ("x-gateway-receipt", receipt.to_header())
    return HttpResponse(
        status=200, headers=(*STREAM_HEADERS, full, *_short_receipt(receipt), *frame.headers), body=stream
    )


def respond_bytes(
    body: bytes | Stream, media_type: str, receipt: Receipt, frame: Frame, *, length_bytes: int | None = None
) -> HttpResponse:
    """Return the response for an answer of bytes, such as audio. Its receipt is in the headers only.

    ``length_bytes`` is the length of a stream, if it is known.
    """
    length = () if length_bytes is None else (("content-length", str(length_bytes)),)
    headers = (
        ("content-type", media_type),
        *length,
        ("cache-control", "no-store"),
        ("x-gateway-receipt", receipt.to_header()),
        *_short_receipt(receipt),
        *frame.headers,
    )
    return HttpResponse(status=200, headers=headers, body=body, length_bytes=length_bytes)


def respond_exhausted(error: GatewayError, receipt: Receipt, frame: Frame) -> HttpResponse:
    """Return the response for an error, with the headers that show what was tried."""
    return respond_error(error, frame, _short_receipt(receipt))


def _short_receipt(receipt: Receipt) -> HeaderPairs:
    upstream_ms = sum(attempt.ms for attempt in receipt.attempts)
    own_ms = max(0, receipt.ms - upstream_ms)
    served = (("x-gateway-model", receipt.served),) if receipt.served else ()
    cache = (("x-gateway-cache", receipt.cache),) if receipt.cache else ()
    stated = ((f"x-gateway-{name.replace('_', '-')}", value) for name, value in receipt.stated.items())
    age = (("age", str(round(receipt.reused[1]))),) if receipt.reused else ()
    return (
        *served,
        *cache,
        *age,
        *stated,
        ("x-gateway-attempts", str(len(receipt.attempts))),
        ("x-gateway-trace", receipt.to_trace()),
        ("server-timing", f"upstream;dur={upstream_ms}, gateway;dur={own_ms}"),
    )
