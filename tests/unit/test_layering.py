"""The order of the packages: a package imports from those below it, and JavaScript stays at the border."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from scripts.tools import ROOT

SRC = ROOT / "src"

# From the door down: each package may import from those below it.
PACKAGES = (
    "edge",
    "routes",
    "openapi",
    "ledger",
    "repeats",
    "answer_cache",
    "pipeline",
    "streaming",
    "fallback",
    "upstream",
    "access",
    "routing",
    "dialects",
    "catalog",
    "memory",
    "coordination",
    "settings",
    "faults",
    "http",
)

# What production loads for every isolate: a new name here costs start-up time.
STANDARD_LIBRARY = {
    "asyncio",
    "binascii",
    "collections",
    "contextlib",
    "dataclasses",
    "datetime",
    "enum",
    "hashlib",
    "hmac",
    "importlib",
    "io",
    "itertools",
    "json",
    "math",
    "operator",
    "re",
    "sys",
    "types",
    "typing",
    "urllib",
    "zlib",
}
JAVASCRIPT = {"js", "pyodide", "workers"}


def modules() -> dict[str, Path]:
    """Return every module of the Worker by its dotted name."""
    paths = [path for path in SRC.rglob("*.py") if path.name != "__init__.py"]
    return {".".join(path.relative_to(SRC).with_suffix("").parts): path for path in paths}


def imports_of(path: Path) -> set[str]:
    """Return the modules that a module imports, at its top or in a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.add(node.module or "")
    return found


def package_of(module: str) -> str:
    """Return the package of a module: the name behind ``gateway``, or the module itself."""
    parts = module.split(".")
    return parts[1] if parts[0] == "gateway" else parts[0]


def may_import(module: str) -> set[str]:
    """Return the packages that a module may import from."""
    package = package_of(module)
    if package == "entry":
        return {"app", *PACKAGES}
    return {*PACKAGES} if package == "app" else {*PACKAGES[PACKAGES.index(package) :]}


CORE = {name: path for name, path in modules().items() if package_of(name) not in ("edge", "entry")}


def test_the_gateway_holds_packages_in_order_and_its_application_module() -> None:
    found = {
        path.stem for path in (SRC / "gateway").iterdir() if path.name not in ("__init__.py", "__pycache__")
    }

    assert found == {"app", *PACKAGES}


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_module_imports_from_its_own_package_and_those_below(name: str) -> None:
    ours = {each for each in imports_of(modules()[name]) if each.startswith("gateway.")}

    assert {package_of(each) for each in ours} <= may_import(name)


def dialect_of(module: str) -> str | None:
    """Return the dialect that a module belongs to; None if it belongs to none."""
    parts = module.split(".")
    return parts[2] if parts[1:2] == ["dialects"] and len(parts) > 3 else None


# They say which dialect is spoken at which path.
NAMING_DIALECTS = {"app", "routes", "openapi"}


@pytest.mark.parametrize("name", sorted(CORE))
def test_only_routes_name_a_dialect_and_no_dialect_imports_another(name: str) -> None:
    own = dialect_of(name)
    named = {dialect_of(each) for each in imports_of(CORE[name])} - {None, own}

    assert not named or package_of(name) in NAMING_DIALECTS


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_of_a_package_import_each_other_without_a_circle(package: str) -> None:
    inside = {name: path for name, path in modules().items() if package_of(name) == package}
    graph = {name: imports_of(path) & inside.keys() for name, path in inside.items()}

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("name", sorted(CORE))
def test_the_core_touches_no_javascript(name: str) -> None:
    assert not {each.partition(".")[0] for each in imports_of(CORE[name])} & JAVASCRIPT


@pytest.mark.parametrize("name", sorted(CORE))
def test_the_core_needs_nothing_but_a_little_of_the_standard_library(name: str) -> None:
    packages = {each.partition(".")[0] for each in imports_of(CORE[name])}

    assert packages <= STANDARD_LIBRARY | {"gateway"}


def test_package_files_hold_nothing_but_their_docstring() -> None:
    bodies = [ast.parse(path.read_text()).body for path in SRC.rglob("__init__.py")]

    assert all(len(body) == 1 and isinstance(body[0], ast.Expr) for body in bodies)
