"""A load of chat requests with a known bill: with faults, cut streams and clients that leave.

The simulator bills each answer that it has sent to its end. If no headers arrived, the gateway cannot find
out what a call cost, and the ledger records an upper bound. So the only model here that is given up before
its headers is ``sim/hang``, which never answers.
"""

import asyncio
import json
import random
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tests.support.chat import CHAT, QUESTION
from tests.support.journal import Journal
from tests.support.runtimes import Gateway

SILENT = "direct:near/sim/hang"  # a direct upstream: its declared price gives the upper bound
TIMED_OUT = 10_000  # ms, shared by the chain: after a silent first model, 5 s remain for the next one
TO_HAVE_HEADERS_S = 3.0  # a client that leaves sooner after its call began may leave a call without headers
CALLED_TIMEOUT_S = 60.0
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s: closing resets the connection
_JSON = {"response_format": {"type": "json_object"}}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of request.

    Attributes:
        leaves_at: the bytes after which the client leaves; ``b""``: it reads nothing; None: it stays.
    """

    chain: tuple[str, ...]
    stream: bool = False
    options: Mapping[str, object] = field(default_factory=dict)
    fields: Mapping[str, object] = field(default_factory=dict)
    leaves_at: bytes | None = None


def _plain(*chain: str, fields: Mapping[str, object] | None = None, **options: object) -> Kind:
    return Kind(chain, options=options, fields=fields or {})


def _stream(*chain: str, **options: object) -> Kind:
    return Kind(chain, stream=True, options=options)


def _left(*chain: str, at: bytes, stream: bool = True, **options: object) -> Kind:
    return Kind(chain, stream=stream, options=options, leaves_at=at)


# Every kind is equally likely. WATCHED is only for a gateway that watches streams to their end: a natively
# relayed stream of a direct upstream shows no usage, and one that stalls is not ended.
WATCHED = (
    _stream("direct:near/sim/ok"),
    _stream("sim/stall-after", idle_ms=300),
)
KINDS = (
    *[_plain("sim/ok"), _stream("sim/ok")] * 4,
    _plain("sim/tools"),
    _plain("sim/reasoning"),
    _plain("sim/length"),
    _plain("direct:near/sim/ok"),
    _plain("direct:near/sim/status-503", "sim/ok"),
    _plain("sim/status-503", "sim/ok"),
    _plain("sim/status-429", "sim/status-500", "sim/ok"),
    _plain("sim/err-404-data-policy", "sim/ok"),
    _plain("sim/status-503", retries=0),
    _plain("sim/empty", "sim/ok"),
    _plain("sim/reasoning-only", "sim/ok"),
    _plain("sim/json-invalid", "sim/json", fields=_JSON),
    _plain("sim/choice-error", "sim/ok"),
    _plain("sim/garbage", "sim/ok"),
    _plain("sim/cut-json", "sim/ok"),
    _plain("sim/truncated", "sim/ok"),
    _plain("sim/reset-body", "sim/ok"),
    _plain("sim/reset", "sim/ok"),
    _plain("sim/empty", "sim/garbage", retries=0),
    _plain(SILENT, "sim/ok", deadline_ms=TIMED_OUT),
    _plain("sim/hang-body", "sim/ok", deadline_ms=TIMED_OUT),
    _plain("sim/ok", watch=True),
    _plain("direct:near/sim/ok", watch=True),
    _plain("sim/cut-after", "sim/ok", watch=True),
    _plain("sim/reset-after", "sim/error-mid", watch=True, retries=0),
    _plain(SILENT, "sim/ok", hedge_ms=40),
    _stream("sim/tools"),
    _stream("sim/reasoning"),
    _stream("sim/long-60"),
    _stream("sim/status-503", "sim/ok"),
    _stream("sim/empty", "sim/ok"),
    _stream("sim/sse-04-error-is-first-event", "sim/ok"),
    _stream("sim/error-mid"),
    _stream("sim/reset-after"),
    _stream("sim/cut-after"),
    _stream("sim/garbage-event"),
    _stream("sim/no-done"),
    _stream("sim/reset-after", "sim/ok", on_midstream="restart"),
    _stream("sim/cut-after", "sim/ok", on_midstream="continue"),
    _stream("sim/cut-after", "sim/refuses-prefill", on_midstream="continue"),
    _stream("sim/reset-after", "sim/ok", on_midstream="hold"),
    _stream(SILENT, "sim/ok", hedge_ms=40),
    _stream("sim/slow-300ms", keepalive_ms=100),
    _left("sim/drip-50ms", at=b"data: "),
    _left("sim/drip-50ms", "sim/ok", at=b"data: ", on_midstream="restart"),
    _left("sim/drip-50ms", at=b": keep-alive", on_midstream="hold", keepalive_ms=100),
    _left("sim/long-300", at=b"data: "),
    _left("sim/ok", at=b"data: "),
    _left("sim/reset-after", at=b"data: "),
    _left("sim/stall-after", at=b" capital", idle_ms=2_000),
    _left(SILENT, at=b": keep-alive", keepalive_ms=100),
    _left(SILENT, at=b"", stream=False),
    _left("sim/drip-50ms", at=b"", stream=False, watch=True),
)


async def send_many(
    gateway: Gateway, count: int, *, simulator: str, name: str, watched: bool, at_once: int, seed: int
) -> None:
    """Send ``count`` requests, each until its answer ends or its client leaves.

    The same ``seed`` gives the same requests in the same order. Each request has a unique name that starts
    with ``name``: it is the request's id at the gateway and its user upstream.
    """
    draw = random.Random(seed)  # noqa: S311  # the same load each time
    choices = KINDS + WATCHED if watched else KINDS
    requests = iter([(f"{name}-{number}", draw.choice(choices)) for number in range(count)])
    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(gateway.base_url, headers=gateway.headers, timeout=timeout) as session:

        async def work() -> None:
            for own, kind in requests:
                await (
                    _send(own, kind, session, may_break=not watched)
                    if kind.leaves_at is None
                    else _leave(own, kind, gateway, simulator)
                )

        await asyncio.gather(*(work() for _ in range(at_once)))


async def _send(name: str, kind: Kind, session: aiohttp.ClientSession, *, may_break: bool) -> None:
    """Send a request, and read its answer. ``may_break``: the runtime pipes it, and may pass on a break."""
    broken: tuple[type[Exception], ...] = (aiohttp.ClientPayloadError,) if may_break else ()
    async with session.post(CHAT, json=_body(name, kind), headers={"x-request-id": name}) as answer:
        with suppress(*broken):
            await answer.read()


async def _leave(name: str, kind: Kind, gateway: Gateway, simulator: str) -> None:
    """Send a request over a raw socket, read until ``kind.leaves_at``, and reset the connection.

    A client that reads nothing waits until its call is upstream, which takes longer on a busy machine.
    """
    parts = urlsplit(gateway.base_url)
    content = json.dumps(_body(name, kind)).encode()
    request_headers = (
        f"POST {CHAT} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {gateway.key}\r\n"
        f"Content-Type: application/json\r\nX-Request-Id: {name}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(request_headers.encode() + content)
    await writer.drain()
    arrived = b""
    while kind.leaves_at and kind.leaves_at not in arrived and (piece := await reader.read(65_536)):
        arrived += piece
    if not kind.leaves_at:
        await asyncio.to_thread(Journal(simulator, name).wait_until, bool, CALLED_TIMEOUT_S)
        await asyncio.sleep(TO_HAVE_HEADERS_S)
    peer: socket.socket = writer.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()


def _body(name: str, kind: Kind) -> dict[str, Any]:
    return {
        "user": name,
        "models": list(kind.chain),
        "messages": QUESTION,
        "max_tokens": 500,
        "stream": kind.stream,
        "gateway": dict(kind.options),
        **kind.fields,
    }
