"""``dataclass`` as in the standard library, made quickly: what need not be generated is not.

* ``frozen`` is the type checker's to enforce. A frozen dataclass sets every field through
  ``object.__setattr__``: a request makes some thirty of them, and that took a tenth of all its Python. Types
  are checked strictly, with the tests, so nothing that runs assigns to a frozen field either way.
* Two methods serve all classes, which the standard library writes and compiles for each one, at import.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414  # handed on by this name
else:

    def dataclass(*, frozen: bool = False, **options: bool) -> Callable[[type], type]:
        """Return what makes a class a dataclass; ``frozen`` is for its reader, and the type checker."""
        del frozen

        def make(cls: type) -> type:
            made = dataclasses.dataclass(**options, eq=False, repr=False)(cls)
            made.__eq__ = cls.__dict__.get("__eq__", _equals)
            made.__hash__ = None
            made.__repr__ = cls.__dict__.get("__repr__", _shown)
            return made

        return make


def _equals(self: object, other: object) -> object:
    if type(self) is not type(other):
        return NotImplemented
    names = [field.name for field in dataclasses.fields(self) if field.compare]  # type: ignore[arg-type]
    return all(getattr(self, name) == getattr(other, name) for name in names)


def _shown(self: object) -> str:
    names = [field.name for field in dataclasses.fields(self) if field.repr]  # type: ignore[arg-type]
    return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"
