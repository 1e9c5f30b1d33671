"""Sends one request to a gateway, reads the reply and its ending, and lists the calls upstream."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Literal, TypeAlias

import aiohttp

from bench.compare.situations import CALLER_TIMEOUT_S, LEAVES_AFTER_S, Leaves

Ending: TypeAlias = Literal["whole", "broken", "out of patience", "left"]
MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """The reply that a caller got.

    Attributes:
        status: None if no headers arrived.
        headers: by their names in lower case.
        ending: how HTTP ended: ``whole`` says that the body is complete, not that its content is right.
    """

    status: int | None
    headers: Mapping[str, str]
    body: bytes
    ending: Ending
    seconds: float


@dataclass(frozen=True, slots=True)
class Call:
    """One call that arrived upstream, and its outcome: ``open``, ``answered``, ``cancelled``, …."""

    model: str
    outcome: str


async def ask(
    session: aiohttp.ClientSession,
    url: str,
    headers: Mapping[str, str],
    body: Mapping[str, object],
    leaves: Leaves | None = None,
) -> Got:
    """Send a chat request; read the complete reply, or the part that arrives while the caller waits."""
    began_s, arrived = perf_counter(), bytearray()
    status: int | None = None
    answered: Mapping[str, str] = {}
    ending: Ending = "whole"
    try:
        async with asyncio.timeout(LEAVES_AFTER_S if leaves == "before the answer" else CALLER_TIMEOUT_S):
            async with session.post(url, json=body, headers=headers) as response:
                status = response.status
                answered = {name.lower(): value for name, value in response.headers.items()}
                async for piece in response.content.iter_any():
                    arrived += piece
                    if len(arrived) > MAX_BYTES or (leaves and b"data:" in arrived):
                        ending = "left"
                        break
    except TimeoutError:
        ending = "left" if leaves else "out of patience"
    except aiohttp.ClientError:
        ending = "broken"
    return Got(
        status=status,
        headers=answered,
        body=bytes(arrived),
        ending=ending,
        seconds=perf_counter() - began_s,
    )


async def calls_upstream(
    session: aiohttp.ClientSession, simulator: str, key: str, models: Sequence[str]
) -> list[Call]:
    """Return the calls for these models with this key, oldest first."""
    found: list[tuple[int, Call]] = []
    for model in models:
        async with session.get(f"{simulator}/sim/log", params={"model": model}) as response:
            for entry in (await response.json())["entries"]:
                sent = {name.lower(): value for name, value in entry["headers"].items()}
                if sent.get("authorization") == f"Bearer {key}":
                    found.append((entry["seq"], Call(entry["model"], entry["outcome"])))
    return [call for _, call in sorted(found, key=lambda each: each[0])]
