"""The summary of `make test`."""

from pathlib import Path

from scripts.suite import Counts, Part, Result, read_counts, summary

REPORT = """<testsuites>
<testsuite name="pytest" tests="9" failures="1" errors="2" skipped="3"/>
</testsuites>"""


def test_errors_count_as_failures(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    assert read_counts(report) == Counts(passed=3, failed=3, skipped=3)


def test_a_part_without_a_report_has_no_numbers(tmp_path: Path) -> None:
    assert read_counts(tmp_path / "none.xml") is None


def test_the_last_line_has_the_sum_of_all_tests() -> None:
    lint = Result(Part("lint", ()), ok=False, output="", seconds=0.1, counts=None)
    unit = Result(Part("unit", ()), ok=True, output="", seconds=2, counts=Counts(5, 0, 1))
    suite = Result(Part("e2e", ()), ok=False, output="", seconds=30, counts=Counts(3, 2, 0))
    lines = summary([lint, unit, suite]).splitlines()
    assert lines[-1] == "8 passed, 2 failed, 1 skipped"
    assert [line.split()[0] for line in lines[1:4]] == ["FAIL", "pass", "FAIL"]
