"""Reads the simulator's journal: the calls that reached the simulated OpenRouter."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import httpx

from tests.support.tls import tls

Entry: TypeAlias = dict[str, Any]
POLL_S = 0.03


@dataclass(frozen=True)
class Journal:
    """The journal's entries of one test: those whose request body has this ``user``."""

    simulator_url: str
    user: str

    def entries(self, model: str | None = None) -> list[Entry]:
        """Return the entries so far, oldest first; only those of ``model`` if it is given."""
        parts = urlsplit(self.simulator_url)
        query = {"user": self.user} | ({"model": model} if model else {})
        answer = httpx.get(
            f"{parts.scheme}://{parts.netloc}/sim/log", params=query, trust_env=False, verify=tls()
        )
        answer.raise_for_status()
        entries: list[Entry] = answer.json()["entries"]
        return entries

    def models(self) -> list[str]:
        """Return the models that were called, in order."""
        return [entry["model"] for entry in self.entries()]

    def wait_until(self, predicate: Callable[[list[Entry]], bool], timeout_s: float = 10.0) -> list[Entry]:
        """Return the entries as soon as ``predicate`` is true for them.

        Raises:
            AssertionError: it was not true within ``timeout_s`` seconds.
        """
        deadline = time.monotonic() + timeout_s
        while not predicate(entries := self.entries()):
            assert time.monotonic() < deadline, f"not within {timeout_s} s; the journal holds {entries}"
            time.sleep(POLL_S)
        return entries
