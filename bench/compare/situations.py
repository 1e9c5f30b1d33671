"""The situations: the model that is asked, its fallback, and what the caller does."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from simulator.healthy import OK

ANSWER = OK.content or ""
"""The fallback's answer, unless a situation has another fallback."""
FALLBACK = "sim/ok"
ATTEMPT_S = 5.0
"""The time limit for one model in every gateway's configuration, in seconds."""
CALLER_TIMEOUT_S = 20.0
"""How long the caller waits, in seconds."""
LEAVES_AFTER_S = 1.0

Leaves: TypeAlias = Literal["before the answer", "within the stream"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One fault.

    Attributes:
        first: the model that is asked first; each situation has another, since gateways remember failures.
        then: its fallback.
        leaves: when the caller leaves; None if it stays.
    """

    name: str
    first: str
    then: str = FALLBACK
    stream: bool = False
    leaves: Leaves | None = None

    @property
    def is_hopeless(self) -> bool:
        """Whether the fallback fails too."""
        return self.then != FALLBACK


def _stream(name: str, first: str, leaves: Leaves | None = None) -> Situation:
    return Situation(name=name, first=first, stream=True, leaves=leaves)


SITUATIONS = (
    Situation(name="503", first="sim/status-503"),
    Situation(name="429, `Retry-After: 60`", first="sim/retry-after-60"),
    Situation(name="the connection is reset", first="sim/reset"),
    Situation(name="no headers, ever", first="sim/hang"),
    Situation(name="HTTP 200, an error as its body", first="sim/soft-01-200-error-only"),
    Situation(name="HTTP 200, an answer without text", first="sim/empty"),
    Situation(name="HTTP 200, a page of HTML", first="sim/html"),
    Situation(name="HTTP 200, JSON cut in half", first="sim/cut-json"),
    _stream("stream: an error is its first event", "sim/error-first"),
    _stream("stream: comments, and nothing else", "sim/comments-only"),
    _stream("stream: a role, then silence", "sim/stall-before"),
    _stream("stream: ends in its middle", "sim/cut-after"),
    _stream("stream: reset in its middle", "sim/reset-after"),
    _stream("stream: an error event in its middle", "sim/error-mid"),
    _stream("stream: silence in its middle", "sim/stall-after"),
    Situation(name="the account's key is refused", first="sim/err-401-user-not-found", then="sim/status-401"),
    Situation(name="both fail: 502, then 500", first="sim/status-502", then="sim/status-500"),
    Situation(name="both ask for a pause: 50 s, 40 s", first="sim/retry-after-50", then="sim/retry-after-40"),
    _stream("the caller leaves within a stream", "sim/drip-300ms", "within the stream"),
    Situation(
        name="the caller leaves before an answer", first="sim/slow-60000ms", leaves="before the answer"
    ),
)
CHAINS: Mapping[str, str] = MappingProxyType(
    {situation.first: situation.then for situation in SITUATIONS} | {FALLBACK: "sim/json"}
)
"""Each first model with its fallback; the last pair is for the warm-up."""
