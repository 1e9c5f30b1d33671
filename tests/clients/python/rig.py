"""What a client's tests have before them: a gateway, and the journal of the OpenRouter behind it."""

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
CITY_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}

SPENT = "sim/status-502"
SPENT_CALLS = 2
"""The gateway tries the last model once more. More calls would be the client's own."""
BROKEN = ("sim/error-mid", "sim/cut-after")
"""Both say three pieces of text; then one errs and the other just ends."""
BROKEN_TEXT = "Canberra is the capital"
KEPT_ALIVE = {"gateway": {"keepalive_ms": 100, "deadline_ms": 1000}}
"""With a model that hangs: the stream has begun long before its chain is spent."""
LISTED = ("sim/ok", "sim/ok:free", "~anthropic/claude-sonnet-latest")
"""Some of the models that there are: their ids have all that an address may have to encode."""


@dataclass(frozen=True)
class Upstream:
    """The simulated OpenRouter, from the beginning of a test on."""

    url: str
    since: int = 0

    @classmethod
    def from_now(cls, url: str) -> "Upstream":
        """Return it without what came before."""
        seen = cls(url).entries()
        return cls(url, seen[-1]["seq"] if seen else 0)

    def entries(self) -> list[dict[str, Any]]:
        """Return what has arrived."""
        # Not through a proxy that the environment may name: this is loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self.url}/sim/log") as answer:
            entries: list[dict[str, Any]] = json.load(answer)["entries"]
        return [entry for entry in entries if entry["seq"] > self.since]

    def models(self) -> list[str]:
        """Return which models were called, in order."""
        return [entry["model"] for entry in self.entries() if entry["method"] == "POST"]


@dataclass(frozen=True)
class Gateway:
    """The gateway: ``v1`` for clients made for OpenAI, ``api_v1`` for those made for OpenRouter."""

    url: str
    key: str

    @property
    def v1(self) -> str:
        """The base URL that takes the place of OpenAI's."""
        return f"{self.url}/v1"

    @property
    def api_v1(self) -> str:
        """The base URL that takes the place of OpenRouter's."""
        return f"{self.url}/api/v1"
