"""A pytest plugin that lists in a file which tests are done, as they end.

The first line has the number of tests. Each further line has a result and a test's name. So the suite shows
progress, and knows how many tests of a run that ended early did not run.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

FILE_OPTION = "--progress-file"
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for the file."""
    parser.addoption(FILE_OPTION, type=Path)


def pytest_configure(config: pytest.Config) -> None:
    """Begin to write."""
    config.pluginmanager.register(Reporter(config.getoption(FILE_OPTION)))


@dataclass(eq=False)  # pytest puts plugins into sets
class Reporter:
    """Writes the file."""

    path: Path
    _worst: str = PASSED
    _unreadable: list[str] = field(default_factory=list)

    def _write(self, line: str) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a file that could not be read."""
        if report.failed:
            self._unreadable.append(f"{FAILED} {report.nodeid}")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Write how many tests there are."""
        self._write(str(len(session.items) + len(self._unreadable)))
        for line in self._unreadable:
            self._write(line)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the result of a test's phase: a failure of any phase is the test's."""
        if report.failed:
            self._worst = FAILED
        elif report.skipped and self._worst != FAILED:
            self._worst = SKIPPED

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Write the result of a test that is done."""
        self._write(f"{self._worst} {nodeid}")
        self._worst = PASSED


@dataclass(frozen=True)
class Progress:
    """What a run has done so far.

    Attributes:
        total: the number of its tests; None before it has found them.
        done: the results and names of those that are done.
    """

    total: int | None
    done: tuple[tuple[str, str], ...]

    def count(self, result: str) -> int:
        """Return how many tests had this result."""
        return sum(each == result for each, _ in self.done)


def read_progress(path: Path) -> Progress:
    """Return what the file says; nothing at all if there is no file."""
    lines = _complete_lines(path)
    total = next(lines, None)
    done = (line.partition(" ") for line in lines)
    return Progress(None if total is None else int(total), tuple((result, name) for result, _, name in done))


def _complete_lines(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    yield from text.split("\n")[:-1]
