"""Load: a series of equal requests over several connections, limited in number and time; loopback only."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from types import MappingProxyType

from bench.connection import Connection, Reply
from bench.contenders import Contender
from bench.figures import Series, percentile
from bench.scenarios import CHAT_PATH, Scenario
from scripts.dev.ports import LOOPBACK

SERIES_TIMEOUT_S = 60.0
KEY = "bench-token-0123456789"


@dataclass(frozen=True, slots=True)
class Measured:
    """The numbers of one series, and what was wrong with its replies."""

    series: Series
    problems: tuple[str, ...]


def request_of(
    port: int, body: bytes, more: Mapping[str, str] = MappingProxyType({}), *, path: str = CHAT_PATH
) -> bytes:
    """Return the bytes of a request, with the headers in ``more``."""
    request_headers = (
        f"POST {path} HTTP/1.1",
        f"host: {LOOPBACK}:{port}",
        f"authorization: Bearer {KEY}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *(f"{name}: {value}" for name, value in more.items()),
    )
    return "\r\n".join(request_headers).encode() + b"\r\n\r\n" + body


async def run(
    contender: Contender, scenario: Scenario, *, requests: int, connections: int, request: bytes | None = None
) -> Measured:
    """Run a series of requests; return its numbers. Bodies are checked after the clock has stopped.

    Args:
        contender: the Worker to call.
        scenario: the request, and the check of its replies.
        requests: the number of requests.
        connections: the number of connections at the same time.
        request: the request's bytes, if the contender needs another form.

    Raises:
        OSError: the Worker has ended.
        TimeoutError: the series took longer than ``SERIES_TIMEOUT_S``.
    """
    request = request or request_of(contender.port, scenario.body, scenario.headers, path=scenario.path)
    left = requests
    loop = asyncio.get_running_loop()
    opened = [
        (await loop.create_connection(Connection, LOOPBACK, contender.port))[1] for _ in range(connections)
    ]
    replies: list[Reply] = []

    async def lane(connection: Connection) -> None:
        nonlocal left
        while left:
            left -= 1
            replies.append(await connection.ask(request))

    try:
        cpu_began_s, began_s = contender.cpu_s(), perf_counter()
        async with asyncio.timeout(SERIES_TIMEOUT_S):
            await asyncio.gather(*(lane(connection) for connection in opened))
        wall_s, cpu_s = perf_counter() - began_s, contender.cpu_s() - cpu_began_s
    finally:
        for connection in opened:
            connection.close()
    problems = [problem for reply in replies if (problem := scenario.check(reply, contender.kind))]
    return Measured(_series(scenario, replies, wall_s=wall_s, cpu_s=cpu_s), tuple(problems))


def _series(scenario: Scenario, replies: list[Reply], *, wall_s: float, cpu_s: float) -> Series:
    totals_ms = sorted(reply.total_s * 1000 for reply in replies)
    firsts_ms = sorted(reply.first_event_s * 1000 for reply in replies if reply.first_event_s is not None)
    return Series(
        per_s=len(replies) / wall_s,
        p50_ms=percentile(totals_ms, 50),
        p99_ms=percentile(totals_ms, 99),
        first_event_ms=percentile(firsts_ms, 50) if firsts_ms else None,
        events_per_s=len(replies) * scenario.events / wall_s if scenario.events else None,
        cpu_ms=cpu_s * 1000 / len(replies),
    )
