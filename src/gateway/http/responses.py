"""Builds JSON responses and error responses, with the headers that all responses have."""

import json
from math import ceil
from typing import Protocol

from gateway.http.body import HttpResponse
from gateway.http.errors import GatewayError
from gateway.http.frozen import dataclass
from gateway.http.json_values import Json, JsonObject, object_or_empty
from gateway.http.message import HeaderPairs

JSON_TYPE = ("content-type", "application/json")
# A proxy must not buffer chunks. Source: nginx "X-Accel-Buffering".
STREAM_HEADERS: HeaderPairs = (
    ("content-type", "text/event-stream; charset=utf-8"),
    ("cache-control", "no-store"),
    ("x-accel-buffering", "no"),
)
EXPOSED = (
    "age, etag, retry-after, server-timing, x-gateway-attempts, x-gateway-cache, "
    "x-gateway-embedding-space, x-gateway-model, "
    "x-gateway-receipt, "
    "x-gateway-trace, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, x-ratelimit-scope, "
    "x-request-id, x-should-retry"
)
# OpenAI's SDKs ignore a longer ``Retry-After`` and retry at once instead.
MAX_SDK_WAIT_S = 60.0


class ErrorForm(Protocol):
    """The form that errors have for a caller's client."""

    def body(self, error: GatewayError, request_id: str) -> JsonObject:
        """Return the body of an error response."""

    def may_retry(self, error: GatewayError) -> bool:
        """Return whether the client may send the same request again after the wait that the error names."""

    def status_of(self, error: GatewayError) -> int:
        """Return the HTTP status of an error response."""

    def as_stream(self, error: GatewayError, request_id: str) -> bytes | None:
        """Return the stream that tells of the error in place of a body; None for a body."""


class BodyErrors:
    """The base of a form that tells of errors by a status and a body; see ``ErrorForm``."""

    def status_of(self, error: GatewayError) -> int:
        """Return the status of the error's kind."""
        return error.kind.status

    def as_stream(self, error: GatewayError, request_id: str) -> bytes | None:
        """Return None."""
        del error, request_id
        return None


class OpenAIErrors(BodyErrors):
    """OpenAI's form of errors.

    Attributes:
        codes_are_numbers: whether ``error.code`` is the HTTP status. OpenRouter's SDKs expect that, and fail
            on a word. OpenAI's SDKs expect a word. ``error.metadata.code`` is the word for both.
    """

    def __init__(self, *, codes_are_numbers: bool = False) -> None:
        self.codes_are_numbers = codes_are_numbers

    def body(self, error: GatewayError, request_id: str) -> JsonObject:
        """Return the body of an error response."""
        del request_id  # a header has it
        payload = error.to_json()
        if self.codes_are_numbers:
            object_or_empty(payload["error"])["code"] = error.kind.status
        return payload

    def may_retry(self, error: GatewayError) -> bool:
        """Return whether the client may send the same request again after the wait that the error names."""
        return error.retry_after_s is not None


OPENAI_ERRORS = OpenAIErrors()
OPENROUTER_ERRORS = OpenAIErrors(codes_are_numbers=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The parts that every response to one request has in common.

    Attributes:
        request_id: the value of ``x-request-id``.
        allowed_origin: the value of ``access-control-allow-origin``; None: no web page may read the response.
        rate_headers: the headers that tell the client about its rate limit.
        errors: the form of errors that the caller's client expects.
    """

    request_id: str
    allowed_origin: str | None = None
    rate_headers: HeaderPairs = ()
    errors: ErrorForm = OPENAI_ERRORS

    def error_json(self, error: GatewayError) -> JsonObject:
        """Return an error in the form that the caller's client expects."""
        return self.errors.body(error, self.request_id)

    @property
    def headers(self) -> HeaderPairs:
        """The headers that every response to this request has."""
        pairs = [("x-request-id", self.request_id), *self.rate_headers]
        if self.allowed_origin:
            pairs += [
                ("access-control-allow-origin", self.allowed_origin),
                ("access-control-expose-headers", EXPOSED),
            ]
        if self.allowed_origin != "*":
            pairs.append(("vary", "origin"))
        return tuple(pairs)


def respond_json(status: int, payload: Json, frame: Frame, headers: HeaderPairs = ()) -> HttpResponse:
    """Return a response with ``payload`` as its JSON body."""
    body = json.dumps(payload, separators=(",", ":")).encode()
    return HttpResponse(status=status, headers=(JSON_TYPE, *headers, *frame.headers), body=body)


def respond_error(error: GatewayError, frame: Frame, headers: HeaderPairs = ()) -> HttpResponse:
    """Return an error response, with headers that tell SDKs whether and when to retry."""
    pairs = [*error.headers]
    wait_s = error.retry_after_s
    if wait_s is not None:
        pairs.append(("retry-after", str(ceil(wait_s))))
    if wait_s is None or wait_s > MAX_SDK_WAIT_S or not frame.errors.may_retry(error):
        # Every model has been tried, or a retry cannot help. Retries by the SDK would only multiply attempts.
        pairs.append(("x-should-retry", "false"))
    events = frame.errors.as_stream(error, frame.request_id)
    if events is not None:
        return HttpResponse(
            status=200, headers=(*STREAM_HEADERS, *pairs, *headers, *frame.headers), body=events
        )
    payload = frame.error_json(error)
    return respond_json(frame.errors.status_of(error), payload, frame, (*pairs, *headers))
