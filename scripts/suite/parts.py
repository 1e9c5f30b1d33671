"""The parts of `make test` and `make check`: their commands, and what else must hold for their output."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.deploy.target import Target
from scripts.dev.stage import read_config
from scripts.suite.reporter import FILE_OPTION
from scripts.tools import DEV, ROOT

RESULTS = DEV / "results"
FIRST_UNIT_HALF = (
    "tests/unit/dialects",
    "tests/unit/fuzz",
    "tests/unit/streaming",
    "tests/unit/test_memory.py",
    "tests/unit/test_work.py",
)
"""About half of the unit tests by time. The other part runs all others, also in folders that are new."""


@dataclass(frozen=True)
class Part:
    """One command of the suite."""

    name: str
    command: tuple[str | Path, ...]
    complaint: Callable[[str], str] = lambda _output: ""
    """Returns what is wrong with the output of a command that succeeded; empty if nothing is."""
    measures_time: bool = False
    """Whether it starts servers, and its tests measure time: others give way to it."""

    @property
    def log(self) -> Path:
        """The file for its output."""
        return RESULTS / f"{self.name.replace(' ', '-')}.log"

    @property
    def progress(self) -> Path:
        """The file in which pytest lists the tests that are done."""
        return self.log.with_suffix(".progress")


def tests(name: str, *arguments: str, measures_time: bool) -> Part:
    """Return a part that runs pytest with ``arguments``."""
    options = ("-q", "--durations=20", "-p", "no:cacheprovider", "-p", "scripts.suite.reporter")
    file = (FILE_OPTION, Part(name, ()).progress)
    return Part(name, (*module("pytest", *options), *file, *arguments), measures_time=measures_time)


def lists_the_worker(output: str) -> str:
    """Return a complaint if the deploy dry run lacks a module of the core, or a binding of wrangler.toml."""
    source, target = ROOT / "src", Target(read_config(ROOT / "wrangler.toml"))
    modules = [path.relative_to(source).as_posix() for path in source.glob("gateway/**/*.py")]
    bound = [f"env.{store.binding}" for store in target.stores()]
    bound += [f"env.{name} ({class_name})" for name, class_name in target.objects().items()]
    missing = [name for name in (*modules, *bound) if name not in output]
    return f"the upload lacks {', '.join(missing)}" if missing else ""


def module(*words: str) -> tuple[str, ...]:
    """Return the command that runs a module with the Python of ``.venv``."""
    return (sys.executable, "-m", *words)


def _without(paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"--ignore={path}" for path in paths)


QUICK = (
    Part("types", module("mypy")),
    tests("unit 1 of 2", *FIRST_UNIT_HALF, measures_time=False),
    tests("unit 2 of 2", "tests/unit", *_without(FIRST_UNIT_HALF), measures_time=False),
    Part("lint", module("ruff", "check", ".")),
    Part("format", module("ruff", "format", "--check", ".")),
)
FULL = (  # the longest first: a long one that begins last runs alone
    tests("e2e workerd", "tests/e2e", "--runtime", "workerd", measures_time=True),
    tests("e2e pyodide-0.28", "tests/e2e", "--runtime", "pyodide-0.28", measures_time=True),
    tests("e2e pyodide-314", "tests/e2e", "--runtime", "pyodide-314", measures_time=True),
    tests("make dev", "tests/dev", measures_time=True),
    *QUICK,
    tests("simulator", "tests/simulator", measures_time=False),
    Part(
        "client in Node",
        ("env", "PYTHONPATH=src", *module("scripts.clients", "--quick")),
        measures_time=True,
    ),
    Part(
        "deploy dry run",
        ("env", "PYTHONPATH=src", *module("scripts.deploy.run", "--dry-run")),
        lists_the_worker,
    ),
)
