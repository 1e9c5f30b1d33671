"""`make clients`: run real clients against the gateway, and write their results into the README's tables."""

import argparse
import sys
import time
from collections.abc import Iterable, Mapping, Sequence

from scripts import recipes
from scripts.agents.run import run_coding_agents
from scripts.client_bench import Bench, Line, bench
from scripts.setup_clients import NODE_TESTS, PYTHON, set_up_coding_agents, set_up_node, set_up_python
from scripts.tables import between
from scripts.tools import ROOT, node

README = ROOT / "README.md"
PYTHON_TESTS = ROOT / "tests" / "clients" / "python"
TABLES: Mapping[str, Sequence[str]] = {
    "texts": ("plain", "stream", "tools", "structured", "errors", "broken stream", "fallback", "models"),
    "vectors": ("one text", "batch", "floats", "errors", "failed answers", "no other model"),
    "images": ("plain", "stream", "errors", "broken stream", "fallback"),
    "audio": ("transcription", "speech", "streamed speech", "errors", "fallback"),
}


def run_python(on: Bench) -> bool:
    """Run the Python clients; return whether all passed."""
    return on.passes(PYTHON, "-m", "pytest", "-q", "-c", "pytest.toml", "--rootdir", ".", cwd=PYTHON_TESTS)


def run_node(on: Bench, pattern: str = "*.test.mjs") -> bool:
    """Run the Node clients one by one, since they share the journal; return whether all passed."""
    files = sorted(path.name for path in NODE_TESTS.glob(pattern))
    return on.passes(node(), "--test", "--test-concurrency=1", "--test-reporter=dot", *files, cwd=NODE_TESTS)


def run_recipes(on: Bench) -> bool:
    """Run the recipes of docs/recipes.md; return whether all printed the answer."""
    return recipes.run(on.environ, url=on.environ["CLIENTS_GATEWAY"], key=on.environ["CLIENTS_KEY"])


def markers(name: str) -> tuple[str, str]:
    """Return the lines of the README between which a table stands."""
    return f"<!-- clients of {name}: written by `make clients` -->\n", f"<!-- /clients of {name} -->\n"


def table(name: str, lines: Iterable[Line]) -> str:
    """Return a Markdown table of the results for it.

    Raises:
        ValueError: a client has no test for one of the columns.
    """
    columns = TABLES[name]
    rows: dict[tuple[str, str], dict[str, list[Line]]] = {}
    for line in lines:
        if line["table"] == name:
            row = rows.setdefault((line["client"], line["version"]), {column: [] for column in columns})
            row[line["column"]].append(line)
    text = [f"| client | version | {' | '.join(columns)} |", "|---" * (len(columns) + 2) + "|"]
    for (client, version), cells in rows.items():
        if untested := [column for column, found in cells.items() if not found]:
            raise ValueError(f"{client} has no test for {', '.join(untested)}")
        text.append(f"| {client} | {version} | {' | '.join(map(cell, cells.values()))} |")
    return "\n".join(text) + "\n"


def cell(lines: Sequence[Line]) -> str:
    """Return a column's cell: the worst result of its tests, and why."""
    for outcome, word in {"failed": "FAILED", "no": "no: ", "skipped": "n/a: "}.items():
        if found := [line for line in lines if line["outcome"] == outcome]:
            return word + _remarks(found)
    remarks = _remarks(lines)
    return f"yes, {remarks}" if remarks else "yes"


def _remarks(lines: Iterable[Line]) -> str:
    return "; ".join(dict.fromkeys(line["remark"] for line in lines if line["remark"]))


def with_tables(readme: str, written: Mapping[str, str]) -> str:
    """Return the README with each table between its markers."""
    for name, text in written.items():
        readme = between(readme, *markers(name), text)
    return readme


def main() -> None:
    """Run the clients; write the table unless a test failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the Node openai client only, without a table")
    quick = parser.parse_args().quick
    began_s = time.monotonic()
    set_up_node()
    if not quick:
        set_up_python()
        set_up_coding_agents()
    ready_s = time.monotonic()
    with bench() as on:
        passed = (
            [run_node(on, "openai.test.mjs")] if quick else [run_python(on), run_node(on), run_recipes(on)]
        )
        written = {} if quick else {name: table(name, on.lines()) for name in TABLES}
    if not quick:
        passed.append(run_coding_agents())
    print("", *written.values(), sep="\n")
    print(f"set-up {ready_s - began_s:.0f} s, run {time.monotonic() - ready_s:.0f} s")
    if not all(passed):
        sys.exit(1)
    if written:
        README.write_text(with_tables(README.read_text(encoding="utf-8"), written), encoding="utf-8")


if __name__ == "__main__":
    main()
