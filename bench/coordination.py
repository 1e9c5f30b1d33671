"""Measures what the coordinator adds to a request, on Pyodide in Node: `python -m bench.coordination`.

Three gateways get the same chat request in turn: one counts for itself; one asks the coordinator once in many
requests; one asks each time, because its key limits requests in flight. Each round has a series of each, and
numbers are compared within a round. The coordinator is another process, which is asked over loopback HTTP: a
call takes another time than on Cloudflare, but the Python code on both sides is the same.
"""

import argparse
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

from scripts.dev.leash import Leash
from scripts.dev.ports import free_port
from scripts.dev.processes import cpu_used_s
from scripts.dev.servers import stage_directory, start_simulator
from tests.support.coordinator import CoordinatorProcess
from tests.support.runtimes import KEY, NODE_PACKAGES, UPSTREAM_KEY, Fleet, Gateway

RUNTIME = "pyodide-0.28"
BODY = {"model": "sim/ok", "messages": [{"role": "user", "content": "Hi"}]}
NO_LIMIT = {"name": "bench", "token": KEY, "per_minute": 1_000_000}
MODES = {"local": NO_LIMIT, "shared": NO_LIMIT, "each time": {**NO_LIMIT, "concurrent": 1000}}
WARM = 20


@dataclass(frozen=True)
class Series:
    """The numbers of a series of requests: milliseconds per request."""

    took_ms: float
    cpu_ms: float
    coordinator_cpu_ms: float


def series(gateway: Gateway, coordinator: Leash, requests: int) -> Series:
    """Send requests one after another; return their numbers."""
    assert gateway.leash
    took_ms = []
    with gateway.client() as client:
        began = (cpu_used_s(gateway.leash.processes()), cpu_used_s(coordinator.processes()))
        for _ in range(requests):
            began_s = perf_counter()
            client.post("/v1/chat/completions", json=BODY).raise_for_status()
            took_ms.append((perf_counter() - began_s) * 1000)
        ended = (cpu_used_s(gateway.leash.processes()), cpu_used_s(coordinator.processes()))
    own_ms, other_ms = (
        (after - before) * 1000 / requests for before, after in zip(began, ended, strict=True)
    )
    return Series(median(took_ms), own_ms, other_ms)


def measure(fleet: Fleet, coordinator: CoordinatorProcess, *, requests: int, rounds: int) -> None:
    """Measure, and print a table."""
    gateways = {
        name: fleet.start(
            bindings=("MODEL_CACHE",),
            name=name,
            coordinator=coordinator.base_url,
            COORDINATION="local" if name == "local" else "shared",
            GATEWAY_KEYS=json.dumps([key]),
        )
        for name, key in MODES.items()
    }
    assert coordinator.leash
    for gateway in gateways.values():
        series(gateway, coordinator.leash, WARM)
    found: dict[str, list[Series]] = {name: [] for name in gateways}
    for _ in range(rounds):
        for name, gateway in gateways.items():
            found[name].append(series(gateway, coordinator.leash, requests))
    show(found)


def show(found: Mapping[str, Sequence[Series]]) -> None:
    """Print the medians over the rounds, and those of the ratios to the same round's local series."""
    columns = ("time ms", "CPU ms", "its CPU ms", "time ratio", "CPU ratio")
    print(f"{'':12}" + "".join(f"{column:>12}" for column in columns))
    for name, own in found.items():
        pairs = list(zip(own, found["local"], strict=True))
        numbers = (
            median(each.took_ms for each in own),
            median(each.cpu_ms for each in own),
            median(each.coordinator_cpu_ms for each in own),
            median(each.took_ms / local.took_ms for each, local in pairs),
            median(each.cpu_ms / local.cpu_ms for each, local in pairs),
        )
        print(f"{name:12}" + "".join(f"{number:12.2f}" for number in numbers))


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench.coordination", description=__doc__)
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    directory = stage_directory(f"coordination-{os.getpid()}")
    simulator, simulator_url = start_simulator(directory / "simulator.log")
    coordinator = CoordinatorProcess(NODE_PACKAGES[RUNTIME], free_port(), directory / "coordinator", {})
    fleet = Fleet(
        RUNTIME,
        {"OPENROUTER_BASE_URL": simulator_url, "OPENROUTER_API_KEY": UPSTREAM_KEY, "DEFAULT_MODEL": "sim/ok"},
    )
    with simulator:
        try:
            coordinator.start()
            measure(fleet, coordinator, requests=asked.requests, rounds=asked.rounds)
        finally:
            fleet.end(keep_logs=False)
            coordinator.end()
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
