"""What can be called from outside on the classes of the entry module."""

import ast

import pytest

from scripts.tools import ROOT

TREE = ast.parse((ROOT / "src" / "entry.py").read_text())


def public_methods(name: str) -> set[str]:
    (found,) = [node for node in ast.walk(TREE) if isinstance(node, ast.ClassDef) and node.name == name]
    functions = [node for node in found.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {function.name for function in functions if not function.name.startswith("_")}


@pytest.mark.parametrize(
    ("name", "methods"),
    # A public method of the Worker's own class could be called by other Workers, past all checks.
    [("Default", {"fetch", "scheduled"}), ("Coordinator", {"admit", "settle", "release", "alarm"})],
)
def test_a_class_offers_only_these_methods(name: str, methods: set[str]) -> None:
    assert public_methods(name) == methods


def test_the_classes_exist_only_where_the_sdk_does() -> None:
    (attempt,) = [node for node in TREE.body if isinstance(node, ast.Try)]

    assert {node.name for node in attempt.orelse if isinstance(node, ast.ClassDef)} == {
        "Default",
        "Coordinator",
    }
    assert not [node for node in TREE.body if isinstance(node, ast.ClassDef)]
