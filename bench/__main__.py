"""`make bench`: run both parts, print a table, and write .dev/bench.json. It fails on wrong answers only."""

import argparse
import json
import os
import platform
import sys
import time

from bench.aims import targets, targets_json
from bench.core import core_costs
from bench.http_costs import TARGETS_GO_BY, Found, measure
from bench.report import cells_json, costs_table, table
from bench.scenarios import selected
from scripts.dev.servers import ServerError
from scripts.tools import DEV

RESULT = DEV / "bench.json"
PARTS = ("http", "core")
MAX_REQUESTS, MAX_ROUNDS = 20_000, 50
MAX_PROBLEMS_SHOWN = 10


def show_http(found: Found, *, is_all: bool) -> dict[str, object]:
    """Print the first part's numbers; return them in the form to store.

    If not all was measured, targets without a value are left out.
    """
    aims = [aim for aim in targets(found.cells, **TARGETS_GO_BY) if is_all or aim.value is not None]
    print(table(found.cells))
    print("\nMemory of the Worker's process (MB)")
    for kind, (before_mb, after_mb) in found.rss_mb.items():
        print(f"  {kind:16}{before_mb:7.0f} warm{after_mb:7.0f} after {found.requests[kind]} requests")
    if aims:
        print("\nTargets", *(aim.line() for aim in aims), sep="\n  ")
    return {
        "cells": cells_json(found.cells),
        "targets": targets_json(aims),
        "memory_mb": {
            kind: {"warm": before_mb, "end": after_mb, "requests": found.requests[kind]}
            for kind, (before_mb, after_mb) in found.rss_mb.items()
        },
    }


def arguments() -> argparse.Namespace:
    """Return what to measure, from the command line or, when called by `make`, from the environment."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--requests", type=int, default=os.environ.get("REQUESTS") or "400")
    parser.add_argument("--rounds", type=int, default=os.environ.get("ROUNDS") or "7")
    parser.add_argument(
        "--part", choices=PARTS, default=os.environ.get("PART") or None, help="this part only"
    )
    parser.add_argument(
        "--only", default=os.environ.get("ONLY") or "", help="what has this word in its name only"
    )
    asked = parser.parse_args()
    if not (1 <= asked.requests <= MAX_REQUESTS and 1 <= asked.rounds <= MAX_ROUNDS):
        parser.error(f"REQUESTS is 1 to {MAX_REQUESTS}, ROUNDS 1 to {MAX_ROUNDS}")
    if asked.part != "core" and not selected(asked.only):
        parser.error("ONLY is in no scenario's name. For calls of the core alone, add PART=core")
    return asked


def run(asked: argparse.Namespace) -> list[str]:
    """Measure, print and store; return the problems with answers."""
    problems: list[str] = []
    stored: dict[str, object] = {"requests": asked.requests, "rounds": asked.rounds, "cores": os.cpu_count()}
    stored |= {"machine": platform.machine(), "python": platform.python_version()}
    if asked.part != "core":
        found = measure(requests=asked.requests, rounds=asked.rounds, scenarios=selected(asked.only))
        stored["http"], problems = show_http(found, is_all=not asked.only), found.problems
    if asked.part != "http":
        costs = core_costs(asked.only)
        stored["core_micros"] = costs
        print(f"\n{costs_table(costs)}")
    RESULT.write_text(json.dumps(stored, indent=1), encoding="utf-8")
    return problems


def main() -> None:
    """Measure; exit with 1 if an answer was wrong or a part did not start, but never because of a number."""
    asked, began_s = arguments(), time.monotonic()
    try:
        problems = run(asked)
    except ServerError as error:
        sys.exit(f"make bench: {error}")
    print(f"\nin {time.monotonic() - began_s:.0f} s; all numbers: {RESULT.relative_to(DEV.parent)}")
    if problems:
        print(f"{len(problems)} wrong answers:", *problems[:MAX_PROBLEMS_SHOWN], sep="\n  ")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
