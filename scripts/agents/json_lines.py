"""Reads what a coding agent prints for programs: lines, some of which are objects in JSON."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any


def objects_in(output: str) -> Iterator[dict[str, Any]]:
    """Yield the lines that are objects, the last one first."""
    for line in reversed(output.splitlines()):
        with suppress(ValueError):
            read = json.loads(line)
            if isinstance(read, dict):
                yield read
