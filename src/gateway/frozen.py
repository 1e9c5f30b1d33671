"""``dataclass`` as in the standard library, but that ``frozen`` is the type checker's to enforce.

A frozen dataclass sets every field through ``object.__setattr__``: a request makes some thirty of them, and
that took a tenth of all its Python; making such classes takes longer, too, which is paid at import. Types
are checked strictly, with the tests, so nothing that runs assigns to a frozen field either way.
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
        return dataclasses.dataclass(**options)
