"""`make soak`: print a table and a verdict, and write .dev/soak.json; exit with 1 if a bound is exceeded."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict

from bench.soak.run import PARTS, Found, soak
from bench.soak.samples import Sample
from bench.soak.verdict import FULL, SHORT, Bound, Limits, bounds
from scripts.dev.servers import ServerError
from scripts.tools import DEV

RESULT = DEV / "soak.json"
FEWEST, MOST = 1_000, 1_000_000
LONG = 20_000
"""From this number of requests on, the bounds of a long run apply."""
COLUMNS = {
    "requests": 0,
    "per_s": 0,
    "rss_mb": 1,
    "heap_mb": 2,
    "objects": 0,
    "timers": 0,
    "proxies": 0,
    "references": 0,
    "tasks": 0,
    "open_calls": 0,
}


def limits_of(count: int) -> Limits:
    """Return the bounds for a run of ``count`` requests."""
    return FULL if count >= LONG else SHORT


def row(sample: Sample) -> str:
    """Return a sample as a line of the table."""
    return "".join(f"{getattr(sample, name):>11.{digits}f}" for name, digits in COLUMNS.items())


def verdict_of(found: Found, count: int) -> list[Bound]:
    """Return every bound of a run, with its measured value."""
    return list(bounds(found.samples, limits_of(count), wrong=found.wrong, faults=found.faults))


def told(found: Found, verdict: Sequence[Bound]) -> str:
    """Return the verdict as text, with the first problems."""
    lines = [bound.line() for bound in verdict]
    if found.problems:
        lines += ["", "What was wrong:", *found.problems]
    return "\n".join(lines)


def main() -> None:
    """Run, print and store; exit with 1 if a bound was exceeded or the Worker did not start."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=os.environ.get("REQUESTS") or "100000")
    count = parser.parse_args().requests
    if not FEWEST <= count <= MOST:
        parser.error(f"REQUESTS is {FEWEST} to {MOST}")
    print("".join(f"{name.replace('_', ' '):>11}" for name in COLUMNS), flush=True)
    try:
        found = soak(count, tell=lambda sample: print(row(sample), flush=True))
    except ServerError as error:
        sys.exit(f"make soak: {error}")
    verdict = verdict_of(found, count)
    print(f"\n{told(found, verdict)}\n")
    print(f"in {found.took_s:.0f} s; all numbers: {RESULT.relative_to(DEV.parent)}")
    stored = {
        "requests": count,
        "parts": PARTS,
        "took_s": found.took_s,
        "calls": found.calls,
        "samples": [asdict(sample) for sample in found.samples],
        "verdict": [asdict(bound) | {"kept": bound.is_met} for bound in verdict],
        "problems": found.problems,
    }
    RESULT.write_text(json.dumps(stored, indent=1), encoding="utf-8")
    sys.exit(0 if all(bound.is_met for bound in verdict) else 1)


if __name__ == "__main__":
    main()
