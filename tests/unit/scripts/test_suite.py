"""`make test`: what counts as failed, how progress is shown, and that no part is left out."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.suite import parts, run
from scripts.suite.parts import FIRST_UNIT_HALF, FULL, QUICK, Part
from scripts.suite.reporter import FILE_OPTION, Progress, read_progress
from scripts.suite.results import Counts, Result, read_counts, summary
from scripts.tools import ROOT

EVERY_RESULT = """
import os, pytest

def test_passes(): pass

def test_fails(): assert False

@pytest.mark.skip
def test_is_skipped(): pass

@pytest.fixture
def broken(): raise OSError

def test_has_a_broken_fixture(broken): pass

@pytest.fixture
def untidy():
    yield
    raise OSError

def test_has_a_fixture_that_cannot_be_ended(untidy): pass
"""
CRASH = "def test_crashes(): os._exit(3)\ndef test_never_runs(): pass\n"
LINT, UNIT, SUITE = Part("lint", ()), Part("unit", ()), Part("e2e", ())


@pytest.fixture(autouse=True)
def _results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "RESULTS", tmp_path)


def report_of(directory: Path, **files: str) -> Path:
    """Run pytest with the plugin on files of tests; return what the plugin has written."""
    for folder in ("one", "two"):
        (directory / folder).mkdir()
        (directory / folder / "conftest.py").touch()
    for name, text in files.items():
        (directory / f"{name}.py").write_text(text)
    report = directory / "report"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "scripts.suite.reporter"]
    command += ["--rootdir", str(directory), FILE_OPTION, str(report), str(directory)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=False)  # noqa: S603  # ours
    return report


def test_a_failure_of_any_phase_of_a_test_is_its_failure(tmp_path: Path) -> None:
    report = report_of(tmp_path, test_a=EVERY_RESULT)

    assert read_counts(report) == Counts(passed=1, failed=3, skipped=1)
    assert ("failed", "test_a.py::test_fails") in read_progress(report).done


def test_tests_that_a_crash_prevents_count_as_failed(tmp_path: Path) -> None:
    counts = read_counts(report_of(tmp_path, test_a=EVERY_RESULT + CRASH))

    assert counts == Counts(passed=1, failed=3, skipped=1, not_run=2)
    assert str(counts) == "1 passed, 5 failed (2 of them did not run), 1 skipped"


def test_a_file_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    counts = read_counts(report_of(tmp_path, test_a="import nothing_of_this_name", test_b=EVERY_RESULT))

    assert counts == Counts(failed=1, not_run=5)


def test_a_part_without_tests_has_no_numbers(tmp_path: Path) -> None:
    assert read_counts(tmp_path / "none") is None


def test_a_line_that_is_still_being_written_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("3\npassed a::b\nfai")
    assert read_progress(tmp_path / "report") == Progress(3, (("passed", "a::b"),))


def test_the_last_line_has_the_sum_of_all_tests_and_of_parts_that_failed_without_one() -> None:
    lint = Result(LINT, ok=False, output="", seconds=0.1, counts=None)
    unit = Result(UNIT, ok=True, output="", seconds=2, counts=Counts(5, 0, 1))
    suite = Result(SUITE, ok=False, output="", seconds=30, counts=Counts(3, 2, 0))
    ended = Result(SUITE, ok=False, output="", seconds=30, counts=Counts(4, 0, 0, 7))
    crashed_at_its_end = Result(SUITE, ok=False, output="", seconds=30, counts=Counts(9, 0, 0))

    lines = summary([lint, unit, suite, ended, crashed_at_its_end]).splitlines()

    assert lines[-1] == "21 passed, 11 failed (7 of them did not run), 1 skipped"
    assert [line.split()[0] for line in lines[1:6]] == ["FAIL", "pass", "FAIL", "FAIL", "FAIL"]


def test_a_part_that_prints_nothing_any_more_is_ended_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "STALL_S", 1.0)
    hangs = Part("hangs", ("sh", "-c", "echo begun; sleep 60"))

    result = run.run(hangs)

    assert not result.ok
    assert result.output == "begun\nended because it printed nothing for 1 s; hangs"
    assert result.seconds < 30


def test_a_part_may_take_any_time_as_long_as_it_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "STALL_S", 1.5)
    assert run.run(Part("slow", ("sh", "-c", "for i in 1 2 3 4; do sleep 0.5; echo $i; done"))).ok


def test_news_name_the_last_test_file_of_each_part() -> None:
    UNIT.progress.write_text(
        "9\npassed tests/unit/test_a.py::test_b[c::d]\nfailed tests/unit/test_c.py::test_d\n"
    )
    assert run.how_far(UNIT) == "unit 2/9, last in tests/unit/test_c.py"
    assert run.how_far(LINT) == "lint"


def test_only_parts_that_measure_time_have_full_priority(tmp_path: Path) -> None:
    shows = Part("shows", (sys.executable, "-c", "import os; print(os.nice(0))"))
    outputs = [run.run(replace(shows, measures_time=each)).output for each in (True, False)]
    assert [int(output) - os.nice(0) for output in outputs] == [0, 5]


def test_the_two_halves_of_the_unit_tests_are_all_of_them() -> None:
    first, rest = [part for part in QUICK if part.name.startswith("unit")]
    given = [word for word in first.command if str(word).startswith("tests/")]
    ignored = [word for word in rest.command if str(word).startswith("--ignore=")]
    assert given == [*FIRST_UNIT_HALF]
    assert ignored == [f"--ignore={path}" for path in FIRST_UNIT_HALF]
    assert "tests/unit" in rest.command
    assert all((ROOT / path).exists() for path in FIRST_UNIT_HALF)


def test_every_folder_of_tests_is_in_the_suite() -> None:
    words = {str(word) for part in FULL for word in part.command}
    folders = {path.parent.relative_to(ROOT).parts[1] for path in (ROOT / "tests").rglob("test_*.py")}
    assert {f"tests/{folder}" for folder in folders - {"clients"}} <= words
