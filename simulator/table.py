"""The table of behaviours as Markdown and as JSON."""

from typing import Any

from simulator.behaviours import AUTHOR, behaviours


def table_markdown() -> str:
    """Return the table as Markdown."""
    rows = [f"| `{AUTHOR}{row.name}` | {row.group} | {row.does} |" for row in behaviours().values()]
    return "\n".join(["| model | group | what it does |", "|---|---|---|", *rows])


def table_json() -> dict[str, Any]:
    """Return the table as JSON, with an example for each name that takes a number."""
    rows = [
        {
            "model": AUTHOR + row.name,
            "example": AUTHOR + row.example_name,
            "group": row.group,
            "does": row.does,
        }
        for row in behaviours().values()
    ]
    return {"behaviours": rows, "suffixes": ["-once", "-twice", ":free"]}
