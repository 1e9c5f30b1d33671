"""The request data that a behaviour may use."""

import random
import string
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a dialect answers turns
    from simulator.dialects.dialect import Dialect

PROVIDER = "Simulator"
_ALPHANUMERIC = string.ascii_letters + string.digits
_CHARACTERS_PER_TOKEN = 4
_CONVERSATIONS = ("messages", "input")
_INSTRUCTIONS = ("system", "instructions")


@dataclass(frozen=True, slots=True)
class Price:
    """The price per token and per request, in whole nano-dollars."""

    prompt_nano_usd: int
    completion_nano_usd: int
    request_nano_usd: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """One valid request, and the identity of the generation that answers it.

    `sequence` numbers the events of its stream, in dialects whose events have numbers.
    """

    id: str
    dialect: "Dialect"
    created_s: int
    model: str
    price: Price
    body: Mapping[str, Any]
    raw: bytes
    stream: bool
    number: int
    word: str
    host: str
    sequence: Iterator[int] = field(default_factory=count)

    @property
    def prompt_tokens(self) -> int:
        """The tokens of the prompt's text: four characters per token, at least one token."""
        return max(1, prompt_characters(self.body) // _CHARACTERS_PER_TOKEN)


def tokens_of(text_characters: int) -> int:
    """Return the number of tokens for this number of characters (rounded up)."""
    return -(-text_characters // _CHARACTERS_PER_TOKEN)


def new_generation_id(now_s: float | None = None) -> str:
    """Return a new id in OpenRouter's form, `gen-<unix seconds>-<20 letters and digits>`."""
    seconds = int(time.time() if now_s is None else now_s)
    return f"gen-{seconds}-{''.join(random.choices(_ALPHANUMERIC, k=20))}"


def prompt_characters(body: Mapping[str, Any]) -> int:
    """Return how many characters of text are in the conversation, or in `prompt`."""
    said = next((body[name] for name in _CONVERSATIONS if isinstance(body.get(name), list | str)), None)
    if said is None:
        return sum(map(len, _texts(body.get("prompt", ""))))
    contents = (
        [said] if isinstance(said, str) else [_content(each) for each in said if isinstance(each, dict)]
    )
    return sum(map(_content_characters, [*(body.get(name) for name in _INSTRUCTIONS), *contents]))


def _texts(prompt: object) -> list[str]:
    return [str(each) for each in prompt] if isinstance(prompt, list) else [str(prompt)]


def _content(said: Mapping[str, Any]) -> object:
    """Return what a message says, or what a tool returned."""
    return said.get("content") or said.get("output")


def _content_characters(content: object) -> int:
    if isinstance(content, str):
        return len(content)
    if isinstance(content, list):
        return sum(len(str(part.get("text", ""))) for part in content if isinstance(part, dict))
    return 0
