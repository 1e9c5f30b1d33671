"""The table of behaviours as Markdown and as JSON."""

from typing import Any

from simulator.behaviours import AUTHOR, behaviours
from simulator.scope import outputs_of


def table_markdown() -> str:
    """Return the table as Markdown."""
    rows = [f"| `{AUTHOR}{row.name}` | {row.group} | {row.does} |" for row in behaviours().values()]
    return "\n".join(["| model | group | what it does |", "|---|---|---|", *rows])


def table_json() -> dict[str, Any]:
    """Return the table as JSON: an example for each name that takes a number, and where it has a meaning."""
    rows = [
        {
            "model": AUTHOR + row.name,
            "example": AUTHOR + row.example_name,
            "group": row.group,
            "does": row.does,
            "outputs": sorted(outputs_of(row)),
        }
        for row in behaviours().values()
    ]
    return {"behaviours": rows, "suffixes": ["-once", "-twice", ":free"]}
