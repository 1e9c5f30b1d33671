"""Writes the tables of docs/comparison.md, between their markers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.compare.behaviour import Verdicts
from bench.compare.costs import LOADS, Costs
from bench.compare.gateways import NAMES
from bench.compare.situations import SITUATIONS
from bench.contenders import GUARDED
from bench.figures import median_of, ratio
from bench.report import shown
from scripts.tools import ROOT

PAGE = ROOT / "docs" / "comparison.md"
END = "<!-- /{} -->\n"
BEGIN = "<!-- {}: written by `make compare` -->\n"
NUMBERS = {"per_s": ("requests/s", 0), "p50_ms": ("p50 ms", 1), "cpu_ms": ("CPU ms", 2)}
FIRST = ("first_event_ms", ("first event ms", 1))


def behaviour_table(verdicts: Verdicts) -> str:
    """Return the table with a row per situation and a column per gateway."""
    rows = [
        (situation.name, *(verdicts[situation.name, name] for name in NAMES.values()))
        for situation in SITUATIONS
    ]
    return table(("what happens", *NAMES.values()), rows)


def costs_table(costs: Costs) -> str:
    """Return the numbers of each load; the other gateways also have their ratio to this one in brackets."""
    rows: list[Sequence[str]] = []
    for load in LOADS:
        numbers = dict([FIRST, ("cpu_ms", NUMBERS["cpu_ms"])]) if load.scenario.events else NUMBERS
        for number, (title, digits) in numbers.items():
            cells = []
            for kind in NAMES:
                mine, ours = costs.cells[load.name, kind], costs.cells[load.name, GUARDED]
                text = shown(median_of(mine, number), digits)
                cells.append(text if kind == GUARDED else f"{text} ({shown(ratio(mine, ours, number), 2)})")
            rows.append((f"{load.name}: {title}", *cells))
    rows.append(("memory of the process, MB", *(shown(costs.rss_mb[kind], 0) for kind in NAMES)))
    return table(("what is asked", *NAMES.values()), rows)


def versions_line(versions: Mapping[str, str]) -> str:
    """Return the sentence with the versions that ran."""
    others = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"{others}; this gateway as it stands beside this page.\n"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [f"| {' | '.join(line)} |" for line in (columns, *rows)]
    return "\n".join([lines[0], "|---" * len(columns) + "|", *lines[1:]]) + "\n"


def between(page: str, mark: str, written: str) -> str:
    """Return the page with the text between a mark's two lines replaced.

    Raises:
        ValueError: the page has no such mark.
    """
    begin, end = BEGIN.format(mark), END.format(mark)
    before, found, after = page.partition(begin)
    _, ended, tail = after.partition(end)
    if not (found and ended):
        raise ValueError(f"the page has no mark {mark!r}")
    return before + begin + written + end + tail


def write(parts: Mapping[str, str], page: Path = PAGE) -> None:
    """Write each part at its mark in the page."""
    text = page.read_text(encoding="utf-8")
    for mark, written in parts.items():
        text = between(text, mark, written)
    page.write_text(text, encoding="utf-8")
