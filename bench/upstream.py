"""The bench's upstream: replies in OpenRouter's format with almost no cost of its own.

The simulator uses a web framework, and would cost as much as the Workers to be measured. This upstream reads
HTTP/1.1 as workerd writes it (with content-length, without pipelining) and sends prepared bytes.
"""

import argparse
import asyncio
import json
import re
from collections.abc import Iterable, Iterator
from typing import cast

import uvloop

from bench import bodies
from bench.bodies import DOWN, MODELS, PACE_S, STREAM_FLAT, STREAM_PACED, STREAM_SHORT, WORD, unavailable
from bench.listed import model_list
from bench.messages import bodies as messages

JSON = "application/json"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
MESSAGES_PATH = b"POST /api/v1/messages "
ANSWERS, MESSAGES_ANSWERS = bodies.answers(), messages.answers()
START_OF_MESSAGES = messages.start_of_stream()
EVENTS = {STREAM_FLAT: bodies.EVENTS, STREAM_PACED: bodies.EVENTS, STREAM_SHORT: bodies.SHORT_EVENTS}
PACES_S = {STREAM_FLAT: 0.0, STREAM_PACED: PACE_S, STREAM_SHORT: 0.0}
UNAVAILABLE = unavailable()
LIST = json.dumps(model_list(*MODELS)).encode()


def chunk(event: bytes) -> bytes:
    """Return an event as a chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(event), event)


CHUNKS = {model: [*map(chunk, bodies.events(count))] for model, count in EVENTS.items()}
MESSAGES_CHUNKS = {model: [*map(chunk, messages.events(count))] for model, count in EVENTS.items()}


class Exchange(asyncio.Protocol):
    """One connection: it handles requests one after the other."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._unsent: Iterator[bytes] = iter(())
        self._pace_s = 0.0
        self._is_blocked = False
        self._is_streaming = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transport is no subclass of it

    def connection_lost(self, _error: Exception | None) -> None:
        """End the stream, since its client is gone."""
        self._transport = None

    def pause_writing(self) -> None:
        """Pause the stream: the client reads too slowly."""
        self._is_blocked = True

    def resume_writing(self) -> None:
        """Continue the stream, if there is one."""
        self._is_blocked = False
        if self._is_streaming:
            self._loop.call_soon(self._send_next)

    def data_received(self, data: bytes) -> None:
        """Answer once a complete request has arrived."""
        self._received += data
        headers_bytes = self._received.find(b"\r\n\r\n") + 4
        if headers_bytes < 4:
            return
        headers = bytes(self._received[:headers_bytes])
        if len(self._received) < headers_bytes + _content_length(headers):
            return
        body = bytes(self._received[headers_bytes:])
        self._received.clear()
        self._answer(headers, body)

    def _answer(self, headers: bytes, body: bytes) -> None:
        model, is_messages = model_in(body), headers.startswith(MESSAGES_PATH)
        if headers.startswith(b"GET /api/v1/models "):
            self._send(200, LIST)
        elif model in ANSWERS:
            made = (MESSAGES_ANSWERS if is_messages else ANSWERS)[model]
            self._send(200, made(body.count(WORD.encode())))
        elif model in PACES_S and is_messages:
            start = chunk(START_OF_MESSAGES(body.count(WORD.encode())))
            self._stream(model, [start, *MESSAGES_CHUNKS[model]])
        elif model in PACES_S:
            self._stream(model, CHUNKS[model])
        elif model == DOWN:
            self._send(503, UNAVAILABLE)
        else:
            self._send(404, b"{}")

    def _stream(self, model: str, chunks: Iterable[bytes]) -> None:
        self._pace_s, self._unsent, self._is_streaming = PACES_S[model], iter(chunks), True
        self._write(STREAM_HEAD)
        self._send_next()

    def _send(self, status: int, body: bytes) -> None:
        headers = f"HTTP/1.1 {status} Status\r\ncontent-type: {JSON}\r\ncontent-length: {len(body)}\r\n\r\n"
        self._write(headers.encode() + body)

    def _send_next(self) -> None:
        """Write one event and schedule the next one, so that each event is a separate write."""
        if self._transport is None or self._is_blocked:
            return
        chunk = next(self._unsent, None)
        if chunk is None:
            self._is_streaming = False
        self._write(LAST_CHUNK if chunk is None else chunk)
        if self._is_streaming and not self._is_blocked:  # otherwise ``resume_writing`` continues
            self._loop.call_later(self._pace_s, self._send_next)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


def _content_length(headers: bytes) -> int:
    _, _, after = headers.lower().partition(b"\r\ncontent-length:")
    return int(after.partition(b"\r\n")[0]) if after else 0


def model_in(body: bytes) -> str:
    """Return the model. It is the first field of the body from every contender."""
    found = re.search(rb'"model": ?"([^"]*)"', body[:100])
    return found[1].decode() if found else ""


async def serve(port: int, exchange: type[Exchange] = Exchange) -> None:
    """Listen on the loopback address until the process is ended."""
    server = await asyncio.get_running_loop().create_server(exchange, "127.0.0.1", port)
    print(f"upstream listening on {port}", flush=True)
    async with server:
        await server.serve_forever()


def main(exchange: type[Exchange] = Exchange) -> None:
    """Serve at the port given on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port, exchange))


if __name__ == "__main__":
    main()
