"""The table: every model name of the author `sim`, and how to find the behaviour that a name stands for."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from simulator.row import Behaviour
from simulator.rows_answering import healthy_rows, recorded_rows, status_rows
from simulator.rows_failing import connection_rows, hidden_rows
from simulator.rows_streaming import stream_rows

AUTHOR = "sim/"
_REPEATS = {"-once": 1, "-twice": 2}


@dataclass(frozen=True, slots=True)
class Found:
    """The behaviour that a model's name stands for; `first_calls` says how often before it turns healthy."""

    behaviour: Behaviour
    number: int = 0
    first_calls: int | None = None


@cache
def behaviours() -> dict[str, Behaviour]:
    """Every behaviour by its name, in the table's order."""
    groups: tuple[Callable[[], Iterator[Behaviour]], ...] = (
        healthy_rows,
        recorded_rows,
        status_rows,
        connection_rows,
        hidden_rows,
        stream_rows,
    )
    return {behaviour.name: behaviour for group in groups for behaviour in group()}


def listed(group: str) -> list[str]:
    """Model names of a group, examples filled in."""
    return [AUTHOR + row.example_name for row in behaviours().values() if row.group == group]


@lru_cache(maxsize=4096)
def find(model: str) -> Found | None:
    """What a model of the author `sim` does; None where the name says nothing."""
    name = model.removeprefix(AUTHOR).removesuffix(":free")
    for suffix, calls in _REPEATS.items():
        if name.endswith(suffix):
            found = _find_plain(name.removesuffix(suffix))
            return found and Found(found.behaviour, found.number, calls)
    return _find_plain(name)


def _find_plain(name: str) -> Found | None:
    exact = behaviours().get(name)
    if exact is not None and "<" not in name:
        return Found(exact)
    for row in behaviours().values():
        matched = re.fullmatch(row.pattern, name) if "<" in row.name else None
        if matched and row.least <= int(matched[1]) <= row.most:
            return Found(row, int(matched[1]))
    return None
