"""`make compare`: run both parts, and write the tables to docs/comparison.md. No result makes it fail."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.compare import costs, situations
from bench.compare.behaviour import behaviour
from bench.compare.document import behaviour_table, costs_table, versions_line, write
from bench.compare.gateways import Gateway, edge, litellm, portkey, versions
from bench.http_costs import upstream
from scripts.dev.servers import ServerError, stage_directory, start_simulator
from scripts.setup_gateways import set_up_gateways

PARTS = ("behaviour", "costs")


@contextmanager
def gateways(directory: Path, base_url: str, chains: Mapping[str, str]) -> Iterator[list[Gateway]]:
    """Start all gateways in front of an upstream."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(edge(directory, base_url)),
            stack.enter_context(litellm(directory, base_url, chains)),
            stack.enter_context(portkey(directory, base_url)),
        ]


def compare_behaviour(directory: Path) -> str:
    """Return the first part's table."""
    simulator, base_url = start_simulator(directory / "simulator.log")
    with simulator, gateways(directory, base_url, situations.CHAINS) as started:
        return behaviour_table(asyncio.run(behaviour(started, base_url.removesuffix("/api/v1"))))


def compare_costs(directory: Path) -> tuple[str, list[str]]:
    """Return the second part's table, and the problems with answers."""
    with (
        upstream(directory / "upstream.log") as base_url,
        gateways(directory, base_url, costs.CHAINS) as started,
    ):
        found = costs.costs(started)
    return costs_table(found), found.problems


def main() -> None:
    """Compare; exit with 1 if a gateway did not start, or if an answer of the second part was wrong."""
    parser = argparse.ArgumentParser(prog="make compare", description=__doc__)
    parser.add_argument(
        "--part", choices=PARTS, default=os.environ.get("PART") or None, help="this part only"
    )
    part, began_s = parser.parse_args().part, time.monotonic()
    set_up_gateways()
    directory = stage_directory("compare")
    written, problems = {"versions": versions_line(versions())}, list[str]()
    try:
        if part != "costs":
            written["behaviour"] = compare_behaviour(directory)
        if part != "behaviour":
            written["costs"], problems = compare_costs(directory)
    except (ServerError, OSError, TimeoutError) as error:
        sys.exit(f"make compare: {error}")
    print(*written.values(), f"in {time.monotonic() - began_s:.0f} s", sep="\n")
    if problems:
        sys.exit(f"{len(problems)} wrong answers: {problems[:5]}")
    write(written)


if __name__ == "__main__":
    main()
