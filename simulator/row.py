"""One row of the table of behaviours."""

import re
from dataclasses import dataclass

from simulator.steps import Pair


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One row of the table; a `<…>` in the name is an integer between `least` and `most`."""

    name: str
    group: str
    does: str
    pair: Pair
    example: int = 0
    least: int = 0
    most: int = 0

    @property
    def example_name(self) -> str:
        """The name with the example number."""
        return re.sub(r"<.*?>", str(self.example), self.name)

    @property
    def pattern(self) -> str:
        """The name as a regular expression whose group is the number."""
        return re.sub(r"<.*?>", r"(\\d{1,9})", self.name)
