"""The words for failed attempts and skipped models: complete tables, and phrases that can be filled."""

import re
from pathlib import Path
from string import Formatter

import pytest

from gateway.fallback.phrases import FAILED, SKIPPED, Phrases
from gateway.faults.policy import RULES
from scripts.tools import ROOT

ROWS: list[tuple[str, Phrases]] = [*FAILED.items(), *SKIPPED.items()]
# The values that an attempt has, and the details of skip reasons.
VALUES = {
    "time_s",
    "wait_s",
    "kind",
    "usd_per_million_tokens",
    "worst_cost_usd",
    "held_cost_usd",
    "missing",
    "context_length",
    "tokens_estimated",
}


def documented_reasons() -> set[str]:
    """Return the skip reasons of the table in docs/routing.md."""
    text = (ROOT / "docs" / "routing.md").read_text(encoding="utf-8")
    table = text.split("## Skipped models")[1].split("*Certain*")[0]
    return set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def reasons_in_the_code() -> set[str]:
    """Return the skip reasons that the code writes as a literal."""
    forms = (r'reason="(\w+)"', r'skip\(\s*[\w.]+, "(\w+)"', r'Refused\("(\w+)"\)', r'^    \("(\w+)", _\w+, ')
    found: set[str] = set()
    for package in ("routing", "fallback", "pipeline"):
        for path in Path(ROOT / "src" / "gateway" / package).glob("*.py"):
            text = path.read_text(encoding="utf-8")
            for form in forms:
                found |= set(re.findall(form, text, re.MULTILINE))
    return found


def test_every_fault_code_has_a_phrase() -> None:
    assert set(FAILED) == set(RULES)


def test_every_skip_reason_has_a_phrase() -> None:
    assert set(SKIPPED) == documented_reasons()
    assert reasons_in_the_code() <= set(SKIPPED)
    assert {"no_tools", "resting", "not_listed"} <= reasons_in_the_code()


@pytest.mark.parametrize(
    ("name", "phrases"), ROWS, ids=[f"{index}-{name}" for index, (name, _) in enumerate(ROWS)]
)
def test_a_phrase_is_short_and_the_last_needs_no_value(name: str, phrases: Phrases) -> None:
    fields = [{each for _, each, _, _ in Formatter().parse(phrase) if each} for phrase in phrases]

    assert fields[-1] == set()
    assert set().union(*fields) <= VALUES
    assert all(len(phrase) <= 90 and not phrase.endswith(".") and ";" not in phrase for phrase in phrases)
