"""Modules of the border, imported in CPython, with what they use of JavaScript's side played by a test."""

import importlib
import sys
from collections.abc import Callable, Mapping
from types import ModuleType

import pytest


class Proxy:
    """Plays what ``create_proxy`` makes: a Python function that JavaScript may keep until it is destroyed."""

    def __init__(self, target: Callable[[], None]) -> None:
        self.target = target
        self.destroyed = False

    def destroy(self) -> None:
        self.destroyed = True


def import_with(
    monkeypatch: pytest.MonkeyPatch, name: str, *, js: Mapping[str, object], ffi: Mapping[str, object]
) -> ModuleType:
    """Return a module that nobody else gets, with what ``js`` and ``pyodide.ffi`` are to hold."""
    played = {"js": js, "pyodide": {}, "pyodide.ffi": ffi}
    for module_name, members in played.items():
        module = ModuleType(module_name)
        module.__dict__.update(members)
        monkeypatch.setitem(sys.modules, module_name, module)
    monkeypatch.delitem(sys.modules, name, raising=False)
    found = importlib.import_module(name)
    monkeypatch.delitem(sys.modules, name)
    return found
