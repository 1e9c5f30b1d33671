"""The report: a table of numbers and ratios, the times of core calls, and all numbers as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bench.contenders import Kind
from bench.figures import NUMBERS, Series, difference, median_of, ratio


@dataclass(frozen=True, slots=True)
class Cell:
    """The subject of a measurement: a scenario's name, a number of connections, a contender."""

    scenario: str
    connections: int
    kind: Kind


Results: TypeAlias = Mapping[Cell, Sequence[Series]]
COLUMNS = (
    *("", "requests/s", "p50 ms", "p99 ms", "added p50", "added p99"),
    *("first ms", "events/s", "CPU ms", "of js", "of py", "of read"),
)
SMALL_IMPORT_MICROS = 3_000.0
WIDTHS = (16, 10, 8, 8, 9, 9, 8, 9, 7, 6, 6, 7)


def table(results: Results) -> str:
    """Return the table: a block per scenario and number of connections, with a line per contender."""
    lines, blocks = [], dict.fromkeys((cell.scenario, cell.connections) for cell in results)
    for scenario, connections in blocks:
        lines += ["", f"{scenario}; {connections} at once", _line(COLUMNS)]
        lines += [_line(row(results, cell)) for cell in results if _block(cell) == (scenario, connections)]
    return "\n".join(lines)


def row(results: Results, cell: Cell) -> tuple[str, ...]:
    """Return a contender's line: medians, and its requests/s divided by those of each non-gateway Worker."""
    rounds = results[cell]
    per_s, p50, p99, first, events, cpu = (median_of(rounds, number) for number in NUMBERS)
    others: tuple[Kind, ...] = ("javascript", "python", "python reading")
    baselines = [results.get(Cell(cell.scenario, cell.connections, kind)) for kind in others]
    javascript = baselines[0]
    added = [difference(rounds, javascript, name) if javascript else None for name in ("p50_ms", "p99_ms")]
    return (
        cell.kind,
        shown(per_s, 0),
        shown(p50, 2),
        shown(p99, 2),
        *(shown(each, 2) for each in added),
        shown(first, 2),
        shown(events, 0),
        shown(cpu, 2),
        *(shown(ratio(rounds, other, "per_s") if other else None, 2) for other in baselines),
    )


def cells_json(results: Results) -> list[dict[str, object]]:
    """Return every cell with its medians and its rounds, as JSON objects."""
    return [
        {
            "scenario": cell.scenario,
            "connections": cell.connections,
            "contender": cell.kind,
            "median": {number: median_of(rounds, number) for number in NUMBERS},
            "rounds": [{number: getattr(each, number) for number in NUMBERS} for each in rounds],
        }
        for cell, rounds in results.items()
    ]


def costs_table(by_runtime: Mapping[str, Mapping[str, float]]) -> str:
    """Return a line per core call, with its microseconds on each runtime; small imports are left out."""
    names = [*dict.fromkeys(name for costs in by_runtime.values() for name in costs)]
    names = [name for name in names if not _is_small(by_runtime, name)]
    width = max((len(name) for name in names), default=0) + 2
    lines = [f"{'microseconds':{width}}" + "".join(f"{runtime:>15}" for runtime in by_runtime)]
    for name in names:
        cells = (shown(costs.get(name), 1) for costs in by_runtime.values())
        lines.append(f"{name:{width}}" + "".join(f"{cell:>15}" for cell in cells))
    return "\n".join(lines)


def shown(value: float | None, digits: int) -> str:
    """Return a number as tables show it; a dash for None."""
    return "-" if value is None else f"{value:.{digits}f}"


def _is_small(by_runtime: Mapping[str, Mapping[str, float]], name: str) -> bool:
    """Return whether a module's import is too short for the table; the stored numbers include it."""
    is_module = name.startswith("import ") and ":" not in name
    return is_module and all(costs.get(name, 0.0) < SMALL_IMPORT_MICROS for costs in by_runtime.values())


def _block(cell: Cell) -> tuple[str, int]:
    return cell.scenario, cell.connections


def _line(words: Iterable[str]) -> str:
    first, *others = zip(words, WIDTHS, strict=True)
    return f"  {first[0]:{first[1]}}" + "".join(f"{word:>{width + 2}}" for word, width in others)
