"""What a behaviour may know about the request it answers."""

import random
import string
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PROVIDER = "Simulator"
_ALPHANUMERIC = string.ascii_letters + string.digits
_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Price:
    """USD per token as whole nano-dollars."""

    prompt_nano_usd: int
    completion_nano_usd: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One chat request, already checked, and the identity of the generation that answers it."""

    id: str
    created_s: int
    model: str
    price: Price
    body: Mapping[str, Any]
    raw: bytes
    stream: bool
    number: int
    host: str

    @property
    def prompt_tokens(self) -> int:
        """Text of the prompt at four characters a token, at least one."""
        return max(1, prompt_characters(self.body) // _CHARACTERS_PER_TOKEN)


def tokens_of(text_characters: int) -> int:
    """Number of tokens that so many characters are counted as (rounded up)."""
    return -(-text_characters // _CHARACTERS_PER_TOKEN)


def new_generation_id(now_s: float | None = None) -> str:
    """A fresh id in OpenRouter's form, `gen-<unix seconds>-<20 letters and digits>`."""
    seconds = int(time.time() if now_s is None else now_s)
    return f"gen-{seconds}-{''.join(random.choices(_ALPHANUMERIC, k=20))}"


def prompt_characters(body: Mapping[str, Any]) -> int:
    """Characters of text in `messages` (strings and text parts) or in `prompt`."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return len(str(body.get("prompt", "")))
    return sum(
        _content_characters(message.get("content")) for message in messages if isinstance(message, dict)
    )


def _content_characters(content: object) -> int:
    if isinstance(content, str):
        return len(content)
    if isinstance(content, list):
        return sum(len(str(part.get("text", ""))) for part in content if isinstance(part, dict))
    return 0
