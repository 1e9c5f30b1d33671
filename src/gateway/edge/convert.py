"""Converts requests from JavaScript to the core, and responses from the core to JavaScript."""

from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from js import Headers, Response, WritableStream
from pyodide.ffi import JsException, to_js

from gateway.edge.alarm import Alarm
from gateway.edge.bounded import MAX_AT_ONCE_BYTES, read_bounded
from gateway.edge.fetch import text_or_none
from gateway.edge.lifeline import Lifeline
from gateway.edge.sinks import GuardedSink, NativeSink
from gateway.http.body import HttpResponse
from gateway.http.content_length import declared_length
from gateway.http.errors import internal_error
from gateway.http.json_bytes import to_json_bytes
from gateway.http.message import BodyTooLargeError, ClientGoneError, HeaderPairs, HttpRequest

MAX_LEFT_BYTES = 1024 * 1024
LEFTOVER_TIMEOUT_S = 1.0


class Incoming:
    """A JavaScript request. Its headers and body are copied to Python only when they are read."""

    def __init__(self, js_request: Any, alarm: Alarm) -> None:
        self._js_request = js_request
        self._alarm = alarm
        self._js_headers = js_request.headers
        self._headers: dict[str, str | None] = {}
        self._is_read = False

    def to_core(self) -> HttpRequest:
        """Return the request in the core's form."""
        url = urlsplit(self._js_request.url)
        return HttpRequest(
            method=self._js_request.method,
            host=(url.hostname or ""),
            path=url.path,
            query=url.query,
            header=self._header,
            named=self._named,
            read_body=self._read_body,
        )

    async def read_what_is_left(self) -> None:
        """Drain a body that was not read: else `wrangler dev`'s proxy answers the next request with a 503.

        A body above ``MAX_LEFT_BYTES`` is not drained. Locally the next request may then fail; in production
        it has no effect.
        """
        if self._is_read or not 0 < (declared_length(self._header("content-length")) or 0) <= MAX_LEFT_BYTES:
            return
        if self._js_request.body:  # a GET may declare a length and have no body
            with suppress(JsException, TimeoutError):
                async with self._alarm.within(LEFTOVER_TIMEOUT_S):
                    await self._js_request.body.pipeTo(WritableStream.new())

    def _header(self, name: str) -> str | None:
        """Return a header's value. Each name is read from JavaScript only once."""
        if name not in self._headers:
            self._headers[name] = text_or_none(self._js_headers.get(name))
        return self._headers[name]

    def _named(self, beginning: str) -> HeaderPairs:
        """Return the headers whose names begin with a text. One crossing to JavaScript for each header."""
        pairs = [(str(name), str(value)) for name, value in self._js_headers.entries()]
        return tuple((name, value) for name, value in pairs if name.startswith(beginning))

    async def _read_body(self, limit_bytes: int) -> bytes:
        declared_bytes = declared_length(self._header("content-length"))
        if declared_bytes is not None and declared_bytes > limit_bytes:
            raise BodyTooLargeError
        self._is_read = True
        try:
            if declared_bytes is None or declared_bytes > MAX_AT_ONCE_BYTES:
                # Drain it if it is too large: the local proxy of `wrangler dev` answers with a 503 if a
                # body is left unread.
                return await read_bounded(
                    self._js_request.body, limit_bytes, declared_bytes=declared_bytes, drain=True
                )
            body: bytes = (await self._js_request.arrayBuffer()).to_bytes()
        except JsException:
            raise ClientGoneError from None
        return body


def to_response(response: HttpResponse, lifeline: Lifeline) -> Any:
    """Return the JavaScript response. A streamed body is sent by a task of the request's ``lifeline``."""
    headers = Headers.new(to_js([list(pair) for pair in response.headers]))
    if isinstance(response.body, bytes):
        # A 204 must have no body, not even an empty one.
        return Response.new(
            to_js(response.body) if response.body else None, status=response.status, headers=headers
        )
    sink = NativeSink() if response.body.hands_over else GuardedSink(response.length_bytes)
    lifeline.start(sink.carry(response.body))
    return Response.new(sink.readable, status=response.status, headers=headers)


def to_failure() -> Any:
    """Return the response to an unexpected exception, in the common error format."""
    fault = internal_error()
    headers = Headers.new(to_js([["content-type", "application/json"], ["x-should-retry", "false"]]))
    return Response.new(to_js(to_json_bytes(fault.to_json())), status=fault.kind.status, headers=headers)
