"""Asking: one request, everything that comes back, and how it ended; and what the upstream saw of it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Literal, TypeAlias

import aiohttp

from bench.compare.situations import LEAVES_AFTER_S, PATIENCE_S, Leaves

Ending: TypeAlias = Literal["whole", "broken", "out of patience", "left"]
MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """What a caller got.

    Attributes:
        status: None where no head came.
        headers: by their names in lower case.
        ending: as HTTP has it: a body that is ``whole`` may hold anything.
    """

    status: int | None
    headers: Mapping[str, str]
    body: bytes
    ending: Ending
    seconds: float


@dataclass(frozen=True, slots=True)
class Call:
    """One call that arrived upstream, and what became of it: ``open``, ``answered``, ``cancelled``, …."""

    model: str
    outcome: str


async def ask(
    session: aiohttp.ClientSession,
    url: str,
    headers: Mapping[str, str],
    body: Mapping[str, object],
    leaves: Leaves | None = None,
) -> Got:
    """Send a chat request and read all of the reply, or as much as the caller waits for."""
    began_s, arrived = perf_counter(), bytearray()
    status: int | None = None
    answered: Mapping[str, str] = {}
    ending: Ending = "whole"
    try:
        async with asyncio.timeout(LEAVES_AFTER_S if leaves == "before the answer" else PATIENCE_S):
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
    """Return the calls for these models that came with a key, oldest first."""
    found: list[tuple[int, Call]] = []
    for model in models:
        async with session.get(f"{simulator}/sim/log", params={"model": model}) as response:
            for entry in (await response.json())["entries"]:
                sent = {name.lower(): value for name, value in entry["headers"].items()}
                if sent.get("authorization") == f"Bearer {key}":
                    found.append((entry["seq"], Call(entry["model"], entry["outcome"])))
    return [call for _, call in sorted(found, key=lambda each: each[0])]
