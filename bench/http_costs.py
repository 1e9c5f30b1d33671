"""The first part: compares Workers over HTTP, in turns."""

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from bench.contenders import GATEWAYS, KINDS, NATIVE, Contender, Kind, started
from bench.figures import Series
from bench.load import KEY, run
from bench.report import Cell
from bench.scenarios import FALLBACK, FLAT, PACED, SCENARIOS, SMALL, Scenario
from scripts.dev.leash import Leash
from scripts.dev.ports import free_port
from scripts.dev.servers import stage_directory, wait_ready
from scripts.tools import ROOT

UPSTREAM_KEY = "sk-or-simulated"
ONE_BY_ONE = 4
"""With one connection, the number of requests is divided by this."""
FOR_MEMORY = 50
"""Memory is read after a Worker has answered REQUESTS times this number: 20,000 by default."""
MAX_AT_ONCE, MAX_IN_A_SERIES, WARM_UP_AT_ONCE = 32, 5_000, 8


@dataclass(slots=True)
class Found:
    """The results of the first part.

    Attributes:
        rss_mb: each Worker's memory after its first answers, and at the end.
        requests: how many requests each Worker had answered at the end.
        problems: what was wrong with replies.
    """

    cells: dict[Cell, list[Series]] = field(default_factory=dict)
    rss_mb: dict[Kind, tuple[float, float]] = field(default_factory=dict)
    requests: dict[Kind, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def measure(*, requests: int, rounds: int, scenarios: Sequence[Scenario] = SCENARIOS) -> Found:
    """Start the contenders of these scenarios, measure them in turns, and return the results."""
    kinds = [kind for kind in KINDS if any(kind in scenario.kinds for scenario in scenarios)]
    directory = stage_directory("bench")
    with ExitStack() as stack:
        base_url = stack.enter_context(upstream(directory / "upstream.log"))
        contenders = [stack.enter_context(_contender(kind, directory, base_url)) for kind in kinds]
        return uvloop.run(_rounds(contenders, scenarios, requests=requests, rounds=rounds))


@contextmanager
def upstream(log: Path, module: str = "bench.upstream") -> Iterator[str]:
    """Start an upstream, yield its base URL once it listens, and end it."""
    port = free_port()
    command = [sys.executable, "-u", "-m", module, "--port", str(port)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with Leash(command, log=log, cwd=ROOT, environ=environ) as leash:
        wait_ready(leash, "the upstream", line="upstream listening", url=f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}/api/v1"


@contextmanager
def _contender(kind: Kind, directory: Path, base_url: str) -> Iterator[Contender]:
    settings = {"OPENROUTER_BASE_URL": base_url, "OPENROUTER_API_KEY": UPSTREAM_KEY}
    if kind in GATEWAYS:
        settings |= {"GATEWAY_KEYS": f"bench:{KEY}"}
    if kind == NATIVE:
        settings |= {"STREAM_GUARD_EVENTS": "0"}
    with started(kind, directory / kind.replace(" ", "-"), settings) as contender:
        yield contender


async def _rounds(
    contenders: list[Contender], scenarios: Sequence[Scenario], *, requests: int, rounds: int
) -> Found:
    found = Found()
    try:
        for contender in contenders:
            await _warm_up(contender, scenarios, found, requests)
            found.rss_mb[contender.kind] = (contender.rss_mb(), 0.0)
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
            turn = number % len(contenders)  # each contender is the first in turn
            await _round([*contenders[turn:], *contenders[:turn]], scenarios, found, requests)
        for contender in contenders if SMALL in scenarios else ():
            await _go_on(contender, found, requests * FOR_MEMORY)
    except (OSError, TimeoutError) as error:
        found.problems.append(f"a Worker has ended: {type(error).__name__}: {error}")
    for contender in contenders:
        before_mb, _ = found.rss_mb.get(contender.kind, (0.0, 0.0))
        found.rss_mb[contender.kind] = (before_mb, contender.rss_mb())
    found.cells = {cell: found.cells[cell] for cell in sorted(found.cells, key=_place)}
    return found


async def _warm_up(contender: Contender, scenarios: Sequence[Scenario], found: Found, requests: int) -> None:
    """Send requests without measuring, so that the runtime has compiled its hot code."""
    for scenario in scenarios:
        if contender.kind in scenario.kinds:
            at_once = min(WARM_UP_AT_ONCE, max(scenario.connections))
            await _series(contender, scenario, at_once, max(16, requests // 2), found)
    await asyncio.sleep(0.2)  # the gateway fetches its list of models in the background


async def _round(
    contenders: list[Contender], scenarios: Sequence[Scenario], found: Found, requests: int
) -> None:
    for scenario in scenarios:
        for connections in scenario.connections:
            for contender in contenders:
                if contender.kind in scenario.kinds:
                    count = requests // (ONE_BY_ONE if connections == 1 else 1)
                    series = await _series(contender, scenario, connections, count, found)
                    cell = Cell(scenario.name, connections, contender.kind)
                    found.cells.setdefault(cell, []).append(series)


async def _go_on(contender: Contender, found: Found, requests: int) -> None:
    """Send small requests until the Worker has answered the total number, for the memory at the end."""
    while contender.kind in SMALL.kinds and (left := requests - found.requests[contender.kind]) > 0:
        await _series(contender, SMALL, MAX_AT_ONCE, min(left, MAX_IN_A_SERIES), found)


async def _series(
    contender: Contender, scenario: Scenario, connections: int, requests: int, found: Found
) -> Series:
    count = max(connections, requests // scenario.weight)
    measured = await run(contender, scenario, requests=count, connections=connections)
    found.problems += measured.problems
    found.requests[contender.kind] = found.requests.get(contender.kind, 0) + count
    return measured.series


def _place(cell: Cell) -> tuple[int, int, int]:
    names = [scenario.name for scenario in SCENARIOS]
    return names.index(cell.scenario), cell.connections, KINDS.index(cell.kind)


TARGETS_GO_BY = {
    "small": SMALL.name,
    "fallback": FALLBACK.name,
    "paced": PACED.name,
    "flat": FLAT.name,
}
