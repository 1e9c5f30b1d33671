"""One row of the table of behaviours."""

import re
from dataclasses import dataclass

from simulator.steps import Pair

_WORD, _NUMBER = r"([a-z0-9_-]{1,40})", r"(\\d{1,9})"
_WORDS = ("<name>", "<field>")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One row of the table.

    A `<name>` or `<field>` in the name is a word; another `<…>` is an integer between `least` and `most`.
    `only`: what the models put out for which it means something; None: `scope` says it.
    """

    name: str
    group: str
    does: str
    pair: Pair
    example: int | str = 0
    least: int = 0
    most: int = 0
    only: frozenset[str] | None = None

    @property
    def example_name(self) -> str:
        """The name with the example."""
        return re.sub(r"<.*?>", str(self.example), self.name)

    @property
    def takes_word(self) -> bool:
        """Whether the variable part is a word."""
        return any(word in self.name for word in _WORDS)

    @property
    def pattern(self) -> str:
        """The name as a regular expression whose group is the number or the word."""
        return re.sub(r"<.*?>", _WORD if self.takes_word else _NUMBER, self.name)
