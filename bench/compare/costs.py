"""The second part: measures the cost of each gateway in turns, with an upstream that answers at once."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import uvloop

from bench.bodies import STREAM_PACED, WORD
from bench.compare.gateways import Gateway
from bench.contenders import Kind
from bench.figures import Series
from bench.load import Measured, request_of, run
from bench.scenarios import PACED, PROMPT, SMALL, Scenario, plain_problem

ROUNDS = 5
WORDS = 5
"""The number of words in the prompt. The upstream counts them; 0 could look as if it had counted nothing."""
SETTLES_S = 0.3
"""The pause before each series, in seconds: work left over from the series before must not count."""
PLAIN, STREAM = "bench/1k", STREAM_PACED
CHAINS: Mapping[str, str] = {PLAIN: "bench/100k", STREAM: "bench/stream-flat"}
"""Each model with its fallback. The fallbacks are configured, but never used."""


@dataclass(frozen=True, slots=True)
class Load:
    """One series: its number of requests, and how many run at the same time."""

    name: str
    model: str
    connections: int
    requests: int
    scenario: Scenario


LOADS = (
    Load("plain, 1 KB, one at a time", PLAIN, 1, 60, replace(SMALL, problem=plain_problem(PLAIN, WORDS))),
    Load("plain, 1 KB, 32 at once", PLAIN, 32, 320, replace(SMALL, problem=plain_problem(PLAIN, WORDS))),
    Load("stream, 200 events, 1 a ms", STREAM, 1, 6, PACED),
)
Cells: TypeAlias = dict[tuple[str, Kind], list[Series]]
"""By the load's name and the gateway's kind: a series per round."""


@dataclass(slots=True)
class Costs:
    """The results; ``rss_mb`` is the memory at the end."""

    cells: Cells = field(default_factory=dict)
    rss_mb: dict[Kind, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def costs(gateways: Sequence[Gateway], rounds: int = ROUNDS) -> Costs:
    """Measure the gateways in turns, and return the results."""
    return uvloop.run(_rounds(gateways, rounds))


async def _rounds(gateways: Sequence[Gateway], rounds: int) -> Costs:
    found = Costs()
    for number in range(-1, rounds):  # the first round is a warm-up and is dropped
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        turn = number % len(gateways)  # each gateway is the first in turn
        for load in LOADS:
            for gateway in (*gateways[turn:], *gateways[:turn]):
                measured = await _series(gateway, load)
                found.problems += measured.problems
                if number >= 0:
                    kind = gateway.contender.kind
                    found.cells.setdefault((load.name, kind), []).append(measured.series)
    found.rss_mb = {each.contender.kind: each.contender.rss_mb() for each in gateways}
    return found


async def _series(gateway: Gateway, load: Load) -> Measured:
    headers, fields = gateway.question(load.model, CHAINS[load.model], load.model == STREAM)
    prompt = [{"role": "user", "content": WORD * WORDS + PROMPT}]
    body = json.dumps({**fields, "messages": prompt}, separators=(",", ":")).encode()
    await asyncio.sleep(SETTLES_S)
    return await run(
        gateway.contender,
        load.scenario,
        requests=load.requests,
        connections=load.connections,
        request=request_of(gateway.contender.port, body, headers),
    )
