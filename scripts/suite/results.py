"""The results of the suite's parts, and the summary. What did not run counts as failed."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from scripts.suite.parts import Part
from scripts.suite.reporter import FAILED, PASSED, SKIPPED, read_progress


@dataclass(frozen=True)
class Counts:
    """The numbers of tests by result."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    not_run: int = 0
    """Tests of a run that ended before it reached them."""

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.passed + other.passed,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.not_run + other.not_run,
        )

    def __str__(self) -> str:
        not_run = f" ({self.not_run} of them did not run)" if self.not_run else ""
        return f"{self.passed} passed, {self.failed + self.not_run} failed{not_run}, {self.skipped} skipped"


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

    def total(self) -> Counts:
        """Return the numbers for the sum: a part that failed without a failed test is one failure."""
        counts = self.counts or Counts()
        blameless = not (counts.failed or counts.not_run)
        return counts + Counts(failed=1) if blameless and not self.ok else counts


def read_counts(path: Path) -> Counts | None:
    """Return the numbers of a pytest run by its progress file; None if there are none."""
    progress = read_progress(path)
    if progress.total is None:
        return None
    return Counts(
        progress.count(PASSED),
        progress.count(FAILED),
        progress.count(SKIPPED),
        progress.total - len(progress.done),
    )


def summary(results: Iterable[Result]) -> str:
    """Return a line for each part, and the sum of all tests as the last line."""
    results = list(results)
    total = sum((result.total() for result in results), Counts())
    return "\n".join(["", *(result.line() for result in results), "", str(total)])
