"""One run of the soak: the gateway on workerd, its upstream, and equal parts with a sample after each."""

import asyncio
import json
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from time import perf_counter
from typing import Any, TypeAlias

import uvloop

from bench.connection import Connection
from bench.contenders import GUARDED, LOG, WORKERS, Contender, modules_of, started
from bench.http_costs import UPSTREAM_KEY, upstream
from bench.load import KEY
from bench.soak.client import Client
from bench.soak.kinds import Kind
from bench.soak.log import faults_in
from bench.soak.mix import requests
from bench.soak.samples import Sample
from scripts.dev.ports import LOOPBACK
from scripts.dev.servers import stage_directory

PARTS = 10
AT_ONCE = 16
SETTLE_S, POLL_S = 10.0, 0.1
"""How long requests in flight may take to end after a part, in seconds; at most."""
LIMIT_S, LIMIT_PER_REQUEST_S = 60.0, 0.05
MAX_PROBLEMS, MAX_CHARACTERS = 20, 500
ENTRY = "soak_entry.py"


@dataclass(slots=True)
class Found:
    """The results of a run.

    Attributes:
        samples: one after each part.
        wrong: how many replies were wrong.
        problems: the first problems with replies and the first faults in the log, each once.
        calls: the upstream's counts.
        faults: how many lines of the Worker's log report a fault.
    """

    samples: list[Sample] = field(default_factory=list)
    wrong: int = 0
    problems: list[str] = field(default_factory=list)
    calls: dict[str, Any] = field(default_factory=dict)
    faults: int = 0
    took_s: float = 0.0

    def note(self, problem: str) -> None:
        """Count a wrong reply, and store its problem."""
        self.wrong += 1
        self._store(problem)

    def read_log(self, lines: Iterable[str]) -> None:
        """Count the faults in the Worker's log, and store the first ones."""
        for line in faults_in(lines):
            self.faults += 1
            self._store(f"in the log: {line[:MAX_CHARACTERS]}")

    def _store(self, problem: str) -> None:
        if len(self.problems) < MAX_PROBLEMS and problem not in self.problems:
            self.problems.append(problem)


Tell: TypeAlias = Callable[[Sample], None]


def soak(count: int, *, name: str = "soak", tell: Tell = lambda _sample: None) -> Found:
    """Start the Worker and its upstream, send ``count`` requests, and return the results.

    Args:
        count: the number of requests; it is rounded down to ``PARTS`` equal parts.
        name: the name of the folder under .dev.
        tell: is called with each sample.
    """
    directory = stage_directory(name)
    modules = {ENTRY: WORKERS / ENTRY, **modules_of(GUARDED)}
    began_s = perf_counter()
    with ExitStack() as stack:
        base_url = stack.enter_context(upstream(directory / "upstream.log", module="bench.soak.upstream"))
        settings = {"OPENROUTER_BASE_URL": base_url, "OPENROUTER_API_KEY": UPSTREAM_KEY}
        settings |= {"GATEWAY_KEYS": f"bench:{KEY}"}
        worker = stack.enter_context(started(GUARDED, directory / "worker", settings, modules))
        upstream_port = int(base_url.split(":")[2].partition("/")[0])
        found = uvloop.run(Run(worker, upstream_port, tell).run(count))
        found.took_s = perf_counter() - began_s
    # After the process has ended, its log is complete.
    with (directory / "worker" / LOG).open(encoding="utf-8", errors="replace") as lines:
        found.read_log(lines)
    return found


class Run:
    """A run in progress."""

    def __init__(self, worker: Contender, upstream_port: int, tell: Tell) -> None:
        self._worker, self._upstream_port, self._tell = worker, upstream_port, tell
        self._found = Found()

    async def run(self, count: int) -> Found:
        """Run; return the results. A Worker that died, or a run that takes too long, ends it early."""
        part = count // PARTS
        order = requests(part * PARTS)
        clients = [Client(self._worker.port) for _ in range(AT_ONCE)]
        try:
            async with asyncio.timeout(LIMIT_S + LIMIT_PER_REQUEST_S * count):
                for number in range(1, PARTS + 1):
                    began_s = perf_counter()
                    await self._part(clients, list(islice(order, part)))
                    per_s = part / (perf_counter() - began_s)
                    await self._settle()
                    await self._sample(part * number, per_s)
        except* TimeoutError:  # it is an OSError too, so it comes first
            self._found.note("the run took too long and was ended")
        except* OSError as errors:
            self._found.note(f"the Worker has ended; its log says why: {errors.exceptions[0]!r}")
        finally:
            for client in clients:
                client.close()
        self._found.calls = await read(self._upstream_port, "/counts")
        return self._found

    async def _part(self, clients: list[Client], order: list[tuple[int, Kind]]) -> None:
        left = iter(order)

        async def lane(client: Client) -> None:
            for number, kind in left:
                if problem := await client.send(kind, number):
                    self._found.note(f"{kind.name}: {problem}")

        async with asyncio.TaskGroup() as lanes:
            for client in clients:
                lanes.create_task(lane(client))

    async def _settle(self) -> None:
        """Return once no request is in flight, or after ``SETTLE_S``."""
        ends_at_s = perf_counter() + SETTLE_S
        while perf_counter() < ends_at_s:
            counts = await read(self._worker.port, "/soak/counts")
            if not counts["tasks"] and not open_calls(await read(self._upstream_port, "/counts")):
                return
            await asyncio.sleep(POLL_S)

    async def _sample(self, sent: int, per_s: float) -> None:
        counts = await read(self._worker.port, "/soak/counts")
        calls = await read(self._upstream_port, "/counts")
        sample = Sample(
            requests=sent,
            per_s=per_s,
            rss_mb=self._worker.rss_mb(),
            open_calls=open_calls(calls),
            **counts,
        )
        self._found.samples.append(sample)
        self._tell(sample)


def open_calls(calls: dict[str, Any]) -> int:
    """Return how many of the upstream's calls have not ended."""
    count: int = calls["begun"] - calls["ended"] - calls["cut"] - calls["left"]
    return count


async def read(port: int, path: str) -> dict[str, Any]:
    """Return the JSON of a GET request to a loopback port."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, LOOPBACK, port)
    try:
        reply = await connection.ask(f"GET {path} HTTP/1.1\r\nhost: {LOOPBACK}:{port}\r\n\r\n".encode())
    finally:
        connection.close()
    answer: dict[str, Any] = json.loads(reply.body)
    return answer
