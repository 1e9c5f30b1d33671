"""The words a behaviour is written in: what to put on the wire, when to wait, and how to break off.

A behaviour is a script: a function from a request to a row of steps. Scripts are pure; `stage.py` alone
touches sockets.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from simulator.turn import Turn


@dataclass(frozen=True, slots=True)
class Tally:
    """What an answer used and what it costs, in whole nano-dollars so that sums are exact."""

    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    cost_nano_usd: int
    finish_reason: str = "stop"


@dataclass(frozen=True, slots=True)
class Whole:
    """A complete response in one step."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    tally: Tally | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers now, the body in later steps; chunked unless a length is declared."""

    headers: Mapping[str, str]
    status: int = 200
    length_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """A piece of the body; `events` says how many `data:` events it completes, for the journal."""

    data: bytes
    events: int = 0
    tally: Tally | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence."""

    seconds: float


class Break(Enum):
    """Ways to stop before the end of the response."""

    HANG = "hang"  # keep the connection open and say nothing
    RESET = "reset"  # TCP RST
    CLOSE = "close"  # TCP FIN, although the response is not complete


Step = Whole | Head | Write | Pause | Break
Script = Callable[[Turn], Iterable[Step]]


@dataclass(frozen=True, slots=True)
class Pair:
    """How one behaviour answers a plain request and a stream request."""

    plain: Script
    stream: Script = field(kw_only=True)

    @classmethod
    def same(cls, script: Script) -> "Pair":
        """Answers both kinds of request alike."""
        return cls(script, stream=script)
