"""A faster ``dataclass``, which generates less code than the one of the standard library.

* Only the type checker enforces ``frozen``. A frozen dataclass of the standard library sets every field
  through ``object.__setattr__``. A request makes about thirty such objects, and that took a tenth of all its
  Python time. The source and the tests are type-checked strictly, so no code assigns to a frozen field.
* All classes share one ``__eq__`` and one ``__repr__``. The standard library writes and compiles both for
  each class at import.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414  # exported under this name
else:

    def dataclass(*, frozen: bool = False, **options: bool) -> Callable[[type], type]:
        """Return a class decorator that makes a dataclass; ``frozen`` has no effect at run time."""
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
