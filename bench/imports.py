"""Measures the import of the gateway, module by module; each is compiled from its source, as in a Worker.

Reading the files is not counted, since a Worker has them in memory. A module's imports are not counted as
its own: each module counts separately, and the standard library's modules count together.
"""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from statistics import median
from time import perf_counter
from types import CodeType, ModuleType

PACKAGE = "gateway"
REPEATS = 5
STANDARD_LIBRARY = "the standard library's modules that it imports, the first time"


class _Clock(MetaPathFinder):
    """An import finder that measures for each module the time without its own imports."""

    def __init__(self) -> None:
        self.compile_s: dict[str, float] = {}
        self.execute_s: dict[str, float] = {}
        self._inner_s = [0.0]  # for each import in progress: the time of the imports inside it

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the module's spec, with a loader that measures the time."""
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        if fullname.partition(".")[0] == PACKAGE and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Compiling(self, spec.loader)
        spec.loader = _Timed(self, spec.loader)
        return spec

    def execute(self, loader: Loader, module: ModuleType) -> None:
        """Execute a module's code, and record its time without the imports inside it."""
        self._inner_s.append(0.0)
        began_s = perf_counter()
        try:
            loader.exec_module(module)
        finally:
            took_s = perf_counter() - began_s
            inner_s = self._inner_s.pop()
            self.execute_s[module.__name__] = took_s - inner_s
            self._inner_s[-1] += took_s

    def leave_out(self, seconds: float) -> None:
        """Do not count these seconds as the current module's own time."""
        self._inner_s[-1] += seconds


class _Timed(Loader):
    def __init__(self, clock: _Clock, loader: Loader) -> None:
        self._clock, self._loader = clock, loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # Some modules look at their own loader, so they must find the original one.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._clock.execute(self._loader, module)


class _Compiling(SourceFileLoader):
    """Compiles the source even if bytecode is cached, and counts that time separately."""

    def __init__(self, clock: _Clock, loader: SourceFileLoader) -> None:
        super().__init__(loader.name, loader.path)
        self._clock = clock

    def get_code(self, fullname: str) -> CodeType:
        began_s = perf_counter()
        source = self.get_data(self.path)
        read_s = perf_counter()
        code: CodeType = self.source_to_code(source, self.path)
        done_s = perf_counter()
        self._clock.compile_s[fullname] = done_s - read_s
        self._clock.leave_out(done_s - began_s)
        return code


def import_micros(name: str) -> dict[str, float]:
    """Return the microseconds of importing a module, by part; call it before the module is imported."""
    first = _import_anew(name)
    clocks = [_import_anew(name) for _ in range(REPEATS)]
    own = [module for module in first.execute_s if module.partition(".")[0] == PACKAGE]
    library_s = sum(seconds for module, seconds in first.execute_s.items() if module not in own)
    compiled = {module: median(clock.compile_s[module] for clock in clocks) * 1e6 for module in own}
    executed = {module: median(clock.execute_s[module] for clock in clocks) * 1e6 for module in own}
    by_cost = sorted(own, key=lambda module: -compiled[module] - executed[module])
    return {
        f"import {name}: compiling": sum(compiled.values()),
        f"import {name}: executing": sum(executed.values()),
        f"import {name}: {STANDARD_LIBRARY}": library_s * 1e6,
        **{f"import {module}": compiled[module] + executed[module] for module in by_cost},
    }


def _import_anew(name: str) -> _Clock:
    for module in [*sys.modules]:
        if module.partition(".")[0] == PACKAGE:
            del sys.modules[module]
    clock = _Clock()
    sys.meta_path.insert(0, clock)
    try:
        __import__(name)
    finally:
        sys.meta_path.remove(clock)
    return clock
