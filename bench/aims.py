"""The bench's targets and their measured values. A missed target is reported, but is no failure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.contenders import GUARDED, NATIVE, Kind
from bench.figures import Series, difference, median_of, ratio
from bench.report import Cell, Results, shown


@dataclass(frozen=True, slots=True)
class Target:
    """A target and its measured value; ``value`` is None if it was not measured."""

    name: str
    value: float | None
    bound: float
    at_least: bool

    @property
    def is_met(self) -> bool | None:
        """Whether the target was reached; None if it was not measured."""
        if self.value is None:
            return None
        return self.value >= self.bound if self.at_least else self.value < self.bound

    def line(self) -> str:
        """Return the target as one line of text."""
        word = {True: "met", False: "NOT MET", None: "not measured"}[self.is_met]
        sign = ">=" if self.at_least else "<"
        return f"{word:13}{self.name:76}{shown(self.value, 2):>7}   target {sign} {self.bound:g}"


def targets(results: Results, *, small: str, fallback: str, paced: str, flat: str) -> list[Target]:
    """Return the targets with their measured values; the arguments name the scenarios to use."""

    def of(scenario: str, connections: int, kind: Kind) -> Sequence[Series]:
        return results.get(Cell(scenario, connections, kind), ())

    plain = ratio(of(small, 32, GUARDED), of(small, 32, "python"), "per_s")
    native = ratio(of(flat, 32, NATIVE), of(flat, 32, "python"), "per_s")
    streams = [("one event a ms", of(paced, 1, GUARDED)), ("flat out, 32 at once", of(flat, 32, GUARDED))]
    firsts: list[tuple[str, Kind, Kind]] = [
        ("guarded, of JavaScript's", GUARDED, "javascript"),
        ("native, of JavaScript's", NATIVE, "javascript"),
        ("native, of trivial Python's", NATIVE, "python"),
    ]
    falls_back_ms = difference(of(fallback, 1, GUARDED), of(small, 1, GUARDED), "p50_ms")
    return [
        Target("plain 1 KB, 32 at once: requests/s, of trivial Python's", plain, 0.6, at_least=True),
        Target("native stream, 32 at once: streams/s, of trivial Python's", native, 0.7, at_least=True),
        *(
            Target(f"guarded stream, {how}: CPU ms", median_of(rounds, "cpu_ms"), 19, at_least=False)
            for how, rounds in streams
        ),
        *(
            Target(
                f"first event, from an upstream that needs no time: {name}",
                ratio(of(paced, 1, kind), of(paced, 1, other), "first_event_ms"),
                1.2,
                at_least=False,
            )
            for name, kind, other in firsts
        ),
        Target("a fallback after an immediate 503 adds: ms", falls_back_ms, 5, at_least=False),
    ]


def targets_json(found: Iterable[Target]) -> list[dict[str, object]]:
    """Return the targets and their values as JSON objects."""
    return [
        {
            "name": each.name,
            "value": each.value,
            "bound": each.bound,
            "at_least": each.at_least,
            "met": each.is_met,
        }
        for each in found
    ]
