"""The steps of behaviours: send headers or bytes, wait, or end the connection early.

A behaviour is a script: a function from a request to a sequence of steps. Scripts are pure; only `stage.py`
uses sockets.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from simulator.turn import Turn


@dataclass(frozen=True, slots=True)
class Tally:
    """The tokens of an answer and its cost, in whole nano-dollars so that sums are exact."""

    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    cost_nano_usd: int
    finish_reason: str = "stop"
    cached_tokens: int = 0  # of the prompt tokens


@dataclass(frozen=True, slots=True)
class Complete:
    """A complete response as one step."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    tally: Tally | None = None


@dataclass(frozen=True, slots=True)
class Headers:
    """Sends the status and the headers; later steps send the body, chunked unless a length is declared."""

    headers: Mapping[str, str]
    status: int = 200
    length_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Write:
    """Sends a piece of the body; it completes `events` `data:` events, which the journal counts."""

    data: bytes
    events: int = 0
    tally: Tally | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Sends nothing for a while."""

    seconds: float


class Break(Enum):
    """Ways to stop before the end of the response."""

    HANG = "hang"  # keep the connection open and send nothing
    RESET = "reset"  # TCP RST
    CLOSE = "close"  # TCP FIN, although the response is not complete


Step = Complete | Headers | Write | Pause | Break
Script = Callable[[Turn], Iterable[Step]]


@dataclass(frozen=True, slots=True)
class Pair:
    """The scripts of one behaviour for plain and for stream requests."""

    plain: Script
    stream: Script = field(kw_only=True)

    @classmethod
    def same(cls, script: Script) -> "Pair":
        """Return a pair that answers both kinds of requests with the same script."""
        return cls(script, stream=script)
