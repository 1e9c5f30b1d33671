"""`make test` and `make check`: run every part, even after a failure; then print a summary."""

import argparse
import os
import signal
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from scripts.dev.leash import Leash
from scripts.dev.ports import wait_until
from scripts.tools import DEV, ROOT, tool_environment

RESULTS = DEV / "results"
PART_TIMEOUT_S = 900.0
LANES = 2
"""How many parts run at the same time: two cores carry them without disturbing tests that measure time."""


@dataclass(frozen=True)
class Counts:
    """The numbers of tests by result."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass(frozen=True)
class Part:
    """One command of the suite."""

    name: str
    command: tuple[str | Path, ...]
    complaint: Callable[[str], str] = lambda _output: ""
    """Returns what is wrong with the output of a command that succeeded; empty if nothing is."""

    @property
    def report(self) -> Path:
        """The file for pytest's JUnit report."""
        return RESULTS / f"{self.name.replace(' ', '-')}.xml"


@dataclass(frozen=True)
class Result:
    """The result of a part."""

    part: Part
    ok: bool
    output: str
    seconds: float
    counts: Counts | None

    def line(self) -> str:
        """Return the result on one line."""
        numbers = f"  {self.counts}" if self.counts else ""
        return f"{'pass' if self.ok else 'FAIL'}  {self.part.name:<20}{self.seconds:6.1f} s{numbers}"


def tests(name: str, *arguments: str) -> Part:
    """Return a part that runs pytest with ``arguments``."""
    report = f"--junitxml={Part(name, ()).report}"
    return Part(name, (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", report, *arguments))


def lists_the_worker(output: str) -> str:
    """Return a complaint if the deploy dry run does not list the entry and the core's modules."""
    source = ROOT / "src"
    modules = [path.relative_to(source).as_posix() for path in source.glob("gateway/**/*.py")]
    missing = [name for name in modules if name not in output]
    return f"the upload lacks {', '.join(missing)}" if missing else ""


def module(*words: str) -> tuple[str, ...]:
    """Return the command that runs a module with the Python of ``.venv``."""
    return (sys.executable, "-m", *words)


QUICK = (
    Part("types", module("mypy")),
    tests("unit", "tests/unit"),
    Part("lint", module("ruff", "check", ".")),
    Part("format", module("ruff", "format", "--check", ".")),
)
FULL = (
    tests("e2e workerd", "tests/e2e", "--runtime", "workerd"),
    tests("make dev", "tests/dev"),
    *QUICK,
    tests("simulator", "tests/simulator"),
    Part(
        "deploy dry run",
        ("env", "PYTHONPATH=src", *module("scripts.deploy.run", "--dry-run")),
        lists_the_worker,
    ),
    Part("client in Node", ("env", "PYTHONPATH=src", *module("scripts.clients", "--quick"))),
    tests("e2e pyodide-0.28", "tests/e2e", "--runtime", "pyodide-0.28"),
    tests("e2e pyodide-314", "tests/e2e", "--runtime", "pyodide-314"),
)


def run(part: Part) -> Result:
    """Run one part until it ends or reaches its time limit."""
    part.report.unlink(missing_ok=True)
    began_s = time.monotonic()
    log = part.report.with_suffix(".log")
    with Leash(part.command, log=log, cwd=ROOT, environ=tool_environment(os.environ)) as leash:
        in_time = wait_until(lambda: leash.status is not None, timeout_s=PART_TIMEOUT_S)
        status = leash.status
    output = leash.log_text()
    complaint = part.complaint(output) if status == 0 else ""
    if not in_time:
        complaint = f"not done after {PART_TIMEOUT_S:.0f} s"
    ok = status == 0 and not complaint
    return Result(part, ok, f"{output}{complaint}", time.monotonic() - began_s, read_counts(part.report))


def read_counts(report: Path) -> Counts | None:
    """Return the numbers of a JUnit report; None if there is no report."""
    if not report.is_file():
        return None
    suites = ET.parse(report).getroot().iter("testsuite")  # noqa: S314  # pytest has just written it
    total = Counts()
    for suite in suites:
        tests_, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        total += Counts(tests_ - failed - skipped, failed, skipped)
    return total


def summary(results: Iterable[Result]) -> str:
    """Return a line for each part, and the sum of all tests as the last line."""
    results = list(results)
    total = sum((result.counts for result in results if result.counts), Counts())
    return "\n".join(["", *(result.line() for result in results), "", str(total)])


def main() -> None:
    """Run the parts, show the output of those that failed, and print the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="lint, types and unit tests only")
    parts = QUICK if parser.parse_args().quick else FULL
    RESULTS.mkdir(parents=True, exist_ok=True)
    results: dict[Part, Result] = {}
    # An interrupt must not wait for the lanes: when this process exits, the leashes end all commands.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    with ThreadPoolExecutor(LANES) as lanes:
        for done in as_completed([lanes.submit(run, part) for part in parts]):
            result = done.result()
            results[result.part] = result
            if not result.ok:
                print(f"--- {result.part.name}\n{result.output.strip()}\n", flush=True)
            print(result.line(), flush=True)
    print(summary(results[part] for part in parts))
    sys.exit(0 if all(result.ok for result in results.values()) else 1)


if __name__ == "__main__":
    main()
