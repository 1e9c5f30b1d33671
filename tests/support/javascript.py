"""Imports modules of ``gateway.edge`` in CPython, with fakes for the JavaScript names that they use."""

import importlib
import sys
from collections.abc import Callable, Mapping
from types import ModuleType

import pytest


class Proxy:
    """A fake of ``create_proxy``'s result: a Python function that JavaScript holds until it is destroyed."""

    def __init__(self, target: Callable[[], None]) -> None:
        self.target = target
        self.destroyed = False

    def destroy(self) -> None:
        self.destroyed = True


def import_with(
    monkeypatch: pytest.MonkeyPatch, name: str, *, js: Mapping[str, object], ffi: Mapping[str, object]
) -> ModuleType:
    """Import a fresh copy of a module, with these members in ``js`` and ``pyodide.ffi``."""
    played = {"js": js, "pyodide": {}, "pyodide.ffi": ffi}
    for module_name, members in played.items():
        module = ModuleType(module_name)
        module.__dict__.update(members)
        monkeypatch.setitem(sys.modules, module_name, module)
    monkeypatch.delitem(sys.modules, name, raising=False)
    found = importlib.import_module(name)
    monkeypatch.delitem(sys.modules, name)
    return found
