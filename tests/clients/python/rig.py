"""What the client tests use: the gateway, and the journal of the simulated OpenRouter behind it."""

import json
import urllib.request
from dataclasses import dataclass
from typing import Any

QUESTION = "What is the capital of Australia?"
ANSWER = "Canberra is the capital of Australia."
WEATHER = "It is raining in Oslo."
MESSAGES = [{"role": "user", "content": QUESTION}]
WEATHER_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
RESPONSES_TOOL = {"type": "function", **WEATHER_TOOL["function"]}  # type: ignore[dict-item]  # a dict
CITY_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}

EXHAUSTED = "sim/status-502"
EXHAUSTED_CALLS = 2
"""The gateway retries the last model once. More calls would be the client's own retries."""
CUT_OFF = ("sim/error-mid", "sim/cut-after")
"""Both send three pieces of text. Then the first sends an error, and the second just ends."""
CUT_OFF_TEXT = "Canberra is the capital"
WITH_KEEP_ALIVE = {"gateway": {"keepalive_ms": 100, "deadline_ms": 1000}}
"""For a model that hangs: the stream begins long before its chain is exhausted."""
LISTED = ("sim/ok", "sim/ok:free", "~anthropic/claude-sonnet-latest")
"""Some of the listed models: their ids contain all characters that a URL may have to encode."""


@dataclass(frozen=True)
class Upstream:
    """The calls to the simulated OpenRouter since the beginning of a test."""

    url: str
    since: int = 0

    @classmethod
    def from_now(cls, url: str) -> "Upstream":
        """Return it without the calls so far."""
        seen = cls(url).entries()
        return cls(url, seen[-1]["seq"] if seen else 0)

    def entries(self) -> list[dict[str, Any]]:
        """Return the journal's entries since then."""
        # No proxy, even if the environment names one: this is loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.url}/sim/log") as answer:
            entries: list[dict[str, Any]] = json.load(answer)["entries"]
        return [entry for entry in entries if entry["seq"] > self.since]

    def models(self) -> list[str]:
        """Return the models that were called, in order."""
        return [entry["model"] for entry in self.entries() if entry["method"] == "POST"]


@dataclass(frozen=True)
class Gateway:
    """The gateway: ``v1`` for OpenAI clients, ``api_v1`` for OpenRouter clients."""

    url: str
    key: str

    @property
    def v1(self) -> str:
        """The base URL that replaces OpenAI's."""
        return f"{self.url}/v1"

    @property
    def api_v1(self) -> str:
        """The base URL that replaces OpenRouter's."""
        return f"{self.url}/api/v1"
