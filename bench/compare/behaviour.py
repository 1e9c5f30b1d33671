"""The first part: tests every gateway in every situation."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import aiohttp

from bench.compare.ask import Got, ask, calls_upstream
from bench.compare.gateways import Gateway
from bench.compare.situations import FALLBACK, SITUATIONS, Situation
from bench.compare.verdicts import verdict
from bench.load import KEY
from scripts.dev.ports import LOOPBACK

AT_ONCE = 4
"""Requests at the same time, per gateway: they mostly wait."""
WARM_UP = 3
SETTLES_S = 3.0
"""How long a call may take to end upstream after a reply, in seconds."""

Verdicts: TypeAlias = Mapping[tuple[str, str], str]
"""Verdicts by the names of the situation and of the gateway."""


async def behaviour(gateways: Sequence[Gateway], simulator: str) -> Verdicts:
    """Return what each gateway did in each situation."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True), headers={"authorization": f"Bearer {KEY}"}
    ) as session:
        rows = await asyncio.gather(*(_of(gateway, simulator, session) for gateway in gateways))
    return {cell: words for row in rows for cell, words in row.items()}


async def _of(gateway: Gateway, simulator: str, session: aiohttp.ClientSession) -> Verdicts:
    places = asyncio.Semaphore(AT_ONCE)
    warm = Situation(name="", first=FALLBACK, then="sim/json")
    for _ in range(WARM_UP):
        await _ask(gateway, warm, session)

    async def one(situation: Situation) -> str:
        async with places:
            return await _verdict(gateway, situation, simulator, session)

    words = await asyncio.gather(*(one(situation) for situation in SITUATIONS))
    return {(each.name, gateway.name): said for each, said in zip(SITUATIONS, words, strict=True)}


async def _verdict(
    gateway: Gateway, situation: Situation, simulator: str, session: aiohttp.ClientSession
) -> str:
    got = await _ask(gateway, situation, session)
    await asyncio.sleep(SETTLES_S)
    models = (situation.first, situation.then) if situation.is_hopeless else (situation.first,)
    return verdict(situation, got, await calls_upstream(session, simulator, gateway.upstream_key, models))


async def _ask(gateway: Gateway, situation: Situation, session: aiohttp.ClientSession) -> Got:
    headers, body = gateway.question(situation.first, situation.then, situation.stream)
    url = f"http://{LOOPBACK}:{gateway.contender.port}/v1/chat/completions"
    return await ask(session, url, headers, body, situation.leaves)
