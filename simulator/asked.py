"""What a conversation says, in the same form for every dialect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool returned."""

    text: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature of reasoning that the request gives back, and its place, as Anthropic names places."""

    place: str
    signature: str


@dataclass(frozen=True, slots=True)
class Said:
    """One message: its text, the names of the tools that it calls, and the results of tools."""

    role: str
    text: str = ""
    calls: tuple[str, ...] = ()
    results: tuple[Result, ...] = ()
    signed: tuple[Signed, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A conversation, and the names of the tools that the model may call."""

    messages: tuple[Said, ...] = ()
    tools: tuple[str, ...] = field(default=())

    @property
    def last(self) -> Said:
        """The last message."""
        return self.messages[-1] if self.messages else Said("")


def text_in(content: object) -> str:
    """Return the text of a content: a string, or parts of which some have text."""
    if isinstance(content, str):
        return content
    return "\n".join(str(part["text"]) for part in mappings(content) if "text" in part)


def mappings(value: object) -> list[Mapping[str, Any]]:
    """Return the JSON objects of a list; an empty list if it is none."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
