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
    """A signature of reasoning that the request gives back, and its place, as Anthropic names places.

    Responses gives it back as `encrypted_content`.
    """

    place: str
    signature: str
    encrypted_content: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the model may call: the JSON schema of its arguments; a custom tool takes any text."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    custom: bool = False


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
    """A conversation, and the tools that the model may call, by name."""

    messages: tuple[Said, ...] = ()
    tools: Mapping[str, Tool] = field(default_factory=dict)

    @property
    def last(self) -> Said:
        """The last message."""
        return self.messages[-1] if self.messages else Said("")


def text_in(content: object) -> str:
    """Return the text of a content: a string, or parts of which some have text."""
    if isinstance(content, str):
        return content
    return "\n".join(str(part["text"]) for part in mappings(content) if "text" in part)


def tools_in(functions: object, schema: str) -> Mapping[str, Tool]:
    """Return the tools of a list of functions; `schema` names the field with the schema of the arguments."""
    return {
        str(function.get("name")): Tool(
            str(function.get("name")), _mapping(function.get(schema)), function.get("type") == "custom"
        )
        for function in mappings(functions)
    }


def mappings(value: object) -> list[Mapping[str, Any]]:
    """Return the JSON objects of a list; an empty list if it is none."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
