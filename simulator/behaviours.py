"""The table of behaviours by model name, and the lookup of the behaviour for a model."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from simulator.row import Behaviour
from simulator.rows_answering import healthy_rows, recorded_rows, status_rows
from simulator.rows_coder import coder_rows
from simulator.rows_failing import connection_rows, hidden_rows
from simulator.rows_messages import messages_rows, request_rows
from simulator.rows_plain import plain_rows
from simulator.rows_responses import responses_rows
from simulator.rows_streaming import stream_rows

AUTHOR = "sim/"
HEALED = "coder"  # what a listed model does, and a faulty one after its first calls
_REPEATS = {"-once": 1, "-twice": 2}


@dataclass(frozen=True, slots=True)
class Found:
    """The behaviour for a model's name; after `first_calls` calls the model turns healthy."""

    behaviour: Behaviour
    number: int = 0
    first_calls: int | None = None
    word: str = ""


@cache
def behaviours() -> dict[str, Behaviour]:
    """Return every behaviour by its name, in the table's order."""
    groups: tuple[Callable[[], Iterator[Behaviour]], ...] = (
        healthy_rows,
        recorded_rows,
        status_rows,
        connection_rows,
        hidden_rows,
        stream_rows,
        request_rows,
        messages_rows,
        responses_rows,
        coder_rows,
        plain_rows,
    )
    return {behaviour.name: behaviour for group in groups for behaviour in group()}


def listed(group: str) -> list[str]:
    """Return the model names of a group, with example numbers."""
    return [AUTHOR + row.example_name for row in behaviours().values() if row.group == group]


@lru_cache(maxsize=4096)
def find(model: str) -> Found | None:
    """Return the behaviour of a model of the author `sim`; None if there is no such behaviour."""
    name = model.removeprefix(AUTHOR).removesuffix(":free")
    for suffix, calls in _REPEATS.items():
        if name.endswith(suffix):
            found = _find_plain(name.removesuffix(suffix))
            return found and replace(found, first_calls=calls)
    return _find_plain(name)


def _find_plain(name: str) -> Found | None:
    exact = behaviours().get(name)
    if exact is not None and "<" not in name:
        return Found(exact)
    for row in behaviours().values():
        matched = re.fullmatch(row.pattern, name) if "<" in row.name else None
        if matched and row.takes_word:
            return Found(row, word=matched[1])
        if matched and row.least <= int(matched[1]) <= row.most:
            return Found(row, int(matched[1]))
    return None
