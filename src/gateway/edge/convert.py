"""Requests and responses across the border: JavaScript's on one side, the core's on the other."""

from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from js import Headers, Response, WritableStream
from pyodide.ffi import JsException, to_js

from gateway.edge.alarm import Alarm
from gateway.edge.fetch import text_or_none
from gateway.edge.lifeline import Lifeline
from gateway.edge.sinks import GuardedSink, NativeSink
from gateway.http.body import HttpResponse
from gateway.http.errors import internal_error
from gateway.http.json_bytes import to_json_bytes
from gateway.http.message import BodyTooLargeError, ClientGoneError, HttpRequest

MAX_LEFT_BYTES = 1024 * 1024
LEFTOVER_TIMEOUT_S = 1.0


class Incoming:
    """A JavaScript request; headers and body stay there until they are asked for."""

    def __init__(self, js_request: Any, alarm: Alarm) -> None:
        self._js_request = js_request
        self._alarm = alarm
        self._js_headers = js_request.headers
        self._headers: dict[str, str | None] = {}
        self._is_read = False

    def to_core(self) -> HttpRequest:
        """Return the request as the core sees it."""
        url = urlsplit(self._js_request.url)
        return HttpRequest(
            method=self._js_request.method,
            host=(url.hostname or ""),
            path=url.path,
            query=url.query,
            header=self._header,
            read_body=self._read_body,
        )

    async def read_what_is_left(self) -> None:
        """Let a body that nobody read run off: `wrangler dev`'s proxy makes a 503 of the request after it.

        A larger one is left alone: locally the next request may pay for it, in production nobody does.
        """
        if self._is_read or not 0 < (self._declared_bytes() or 0) <= MAX_LEFT_BYTES:
            return
        if self._js_request.body:  # a GET may declare what it has not
            with suppress(JsException, TimeoutError):
                async with self._alarm.within(LEFTOVER_TIMEOUT_S):
                    await self._js_request.body.pipeTo(WritableStream.new())

    def _header(self, name: str) -> str | None:
        """Return a header's value; each name crosses to JavaScript once, however often it is asked for."""
        if name not in self._headers:
            self._headers[name] = text_or_none(self._js_headers.get(name))
        return self._headers[name]

    async def _read_body(self, limit_bytes: int) -> bytes:
        declared_bytes = self._declared_bytes()
        if declared_bytes is not None and declared_bytes > limit_bytes:
            raise BodyTooLargeError
        self._is_read = True
        try:
            if declared_bytes is None:
                return await _read_bounded(self._js_request.body, limit_bytes)
            whole: bytes = (await self._js_request.arrayBuffer()).to_bytes()
        except JsException:
            raise ClientGoneError from None
        return whole

    def _declared_bytes(self) -> int | None:
        declared = self._header("content-length") or ""
        return int(declared) if declared.isdigit() else None


async def _read_bounded(js_body: Any, limit_bytes: int) -> bytes:
    """Return a body whose length nobody declared, as far as the limit allows."""
    if not js_body:
        return b""
    reader = js_body.getReader()
    pieces = []
    total_bytes = 0
    while not (result := await reader.read()).done:
        piece = result.value.to_bytes()
        total_bytes += len(piece)
        if total_bytes > limit_bytes:
            # Read to its end: the local proxy of `wrangler dev` makes a 503 of a body that is left unread.
            while not (await reader.read()).done:
                pass
            raise BodyTooLargeError
        pieces.append(piece)
    return b"".join(pieces)


def to_response(response: HttpResponse, lifeline: Lifeline) -> Any:
    """Return the JavaScript response; a streamed body runs on as a task of the request's ``lifeline``."""
    headers = Headers.new(to_js([list(pair) for pair in response.headers]))
    if isinstance(response.body, bytes):
        # A 204 may have no body at all, not even an empty one.
        return Response.new(
            to_js(response.body) if response.body else None, status=response.status, headers=headers
        )
    sink = NativeSink() if response.body.hands_over else GuardedSink()
    lifeline.start(sink.carry(response.body))
    return Response.new(sink.readable, status=response.status, headers=headers)


def to_failure() -> Any:
    """Return the response for a fault that nobody foresaw, in the one shape."""
    fault = internal_error()
    headers = Headers.new(to_js([["content-type", "application/json"], ["x-should-retry", "false"]]))
    return Response.new(to_js(to_json_bytes(fault.to_json())), status=fault.kind.status, headers=headers)
