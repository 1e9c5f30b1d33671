"""Shows keys as a table for people."""

import json
from collections.abc import Sequence

from gateway.http.json_values import Json, JsonObject

COLUMNS = ("name", "state", "models", "budget", "per_minute", "expires", "admin", "changed_at")


def shown_keys(keys: Sequence[JsonObject]) -> str:
    """Return keys as lines of aligned columns; a column that no key has is left out."""
    if not keys:
        return "There is no key. Make one with: make key NAME=app1\n"
    columns = [name for name in COLUMNS if any(each.get(name) is not None for each in keys)]
    rows = [columns, *([_cell(each.get(name)) for name in columns] for each in keys)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(columns))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _cell(value: Json) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, dict):
        return " ".join(f"{name}={each}" for name, each in value.items())
    return value if isinstance(value, str) else json.dumps(value)
