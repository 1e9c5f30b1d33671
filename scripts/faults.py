"""`make faults`: print a table of every simulator fault, plain and streamed, on every runtime."""

import argparse
import asyncio
import os
import shutil
import sys
import time
from collections.abc import Iterable

from scripts.dev.servers import stage_directory, start_simulator
from tests.support.fault_rows import ROWS, Row
from tests.support.matrix import Result, run_matrix
from tests.support.runtimes import KEY, RUNTIMES, UPSTREAM_KEY, Fleet

NAME_WIDTH, CELL_WIDTH = 41, 14


def results_on(runtime: str, simulator_url: str) -> list[Result]:
    """Return the matrix's results on one runtime, with gateways started for it."""
    defaults = {
        "OPENROUTER_BASE_URL": simulator_url,
        "OPENROUTER_API_KEY": UPSTREAM_KEY,
        "GATEWAY_KEYS": f"e2e:{KEY}",
    }
    fleet = Fleet(runtime, defaults)
    try:
        pair = fleet.start(), fleet.start(RETRIES="0")
        return asyncio.run(run_matrix(*pair, simulator_url, ROWS))
    finally:
        fleet.end(keep_logs=False)


def table(by_runtime: dict[str, list[Result]]) -> str:
    """Return a line per behaviour: for each runtime, plain and streamed, a word and ms; then the codes."""
    kinds = [(runtime, stream) for runtime in by_runtime for stream in (False, True)]
    header_lines = [
        "".join([" " * NAME_WIDTH, *(f"{runtime:{2 * CELL_WIDTH}}" for runtime in by_runtime)]),
        "".join(
            [" " * NAME_WIDTH, *(f"{'stream' if stream else 'plain':{CELL_WIDTH}}" for _, stream in kinds)]
        ),
    ]
    found = {
        (runtime, str(result.cell)): result for runtime, results in by_runtime.items() for result in results
    }
    lines = []
    for row in ROWS:
        cells = []
        for runtime, stream in kinds:
            key = f"{row.name} {'stream' if stream else 'plain'}"
            both = [found[runtime, key], *filter(None, [found.get((runtime, f"{key} alone"))])]
            word = "WRONG" if any(each.problems for each in both) else str(row.of(stream=stream)).split()[0]
            cells.append(f"{word:7}{both[0].ms:5}  ")
        lines.append(f"{row.name:{NAME_WIDTH}}{''.join(cells)}{_codes(row)}".rstrip())
    return "\n".join([*header_lines, *lines])


def _codes(row: Row) -> str:
    """Return the error code for the client; both codes if plain and streamed requests differ."""
    plain, stream = (getattr(expected, "code", "-") for expected in (row.plain, row.stream))
    return "" if plain == stream == "-" else plain if plain == stream else f"{plain} | {stream}"


def summary(by_runtime: dict[str, list[Result]], seconds: float) -> str:
    """Return the summary line."""
    results = [result for each in by_runtime.values() for result in each]
    wrong = sum(bool(result.problems) for result in results)
    return (
        f"{len(ROWS)} behaviours, plain and streamed, in a chain and alone, on {', '.join(by_runtime)}: "
        f"{len(results) - wrong} of {len(results)} requests ended as expected, in {seconds:.0f} s"
    )


def wrong_in(by_runtime: dict[str, list[Result]]) -> Iterable[str]:
    """Yield a line for each request with a wrong result."""
    for runtime, results in by_runtime.items():
        yield from (f"{runtime}: {result}" for result in results if result.problems)


def main() -> None:
    """Run the matrix, print it, and exit with 1 if any result is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--runtime", action="append", choices=[*RUNTIMES], help="this runtime only (repeatable)"
    )
    runtimes = parser.parse_args().runtime or [*RUNTIMES]
    began_s = time.monotonic()
    directory = stage_directory(f"faults/simulator-{os.getpid()}")
    leash, simulator_url = start_simulator(directory / "simulator.log")
    with leash:
        by_runtime = {runtime: results_on(runtime, simulator_url) for runtime in runtimes}
    shutil.rmtree(directory)
    print(table(by_runtime))
    wrong = list(wrong_in(by_runtime))
    if wrong:
        print("", *wrong, sep="\n")
    print(f"\n{summary(by_runtime, time.monotonic() - began_s)}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
