"""An error as data: each dialect has its own envelope for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.turn import PROVIDER

PROVIDER_ERROR = "Provider returned error"


@dataclass(frozen=True, slots=True)
class Fault:
    """An error of OpenRouter, or of a provider behind it.

    `words` are the provider's own words. Chat has them in `metadata.raw`; Messages has them as the message,
    since Claude Code goes by them.
    """

    status: int
    message: str
    metadata: Mapping[str, Any] | None = None
    words: str | None = None


def provider_metadata(raw: str, **more: object) -> dict[str, Any]:
    """Return the metadata with which OpenRouter reports a provider's error."""
    return {"raw": raw, "provider_name": PROVIDER, "is_byok": False, **more}


def rejected(words: str) -> Fault:
    """Return the 400 of a provider that refuses the request with these words."""
    return Fault(400, PROVIDER_ERROR, provider_metadata(f'{{"error":{{"message":"{words}"}}}}'), words)
