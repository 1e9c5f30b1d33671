"""The levels of patience: how long a model is waited for, in one word."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args

from gateway.http.frozen import dataclass

PatienceName: TypeAlias = Literal["short", "normal", "long"]
PATIENCE_NAMES: tuple[str, ...] = get_args(PatienceName)

# No level waits less for a stream's first progress while another model is ready.
LEAST_FIRST_TOKEN_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """One level of patience. All but ``deadline_s`` and ``idle_s`` apply while another model is ready.

    Attributes:
        name: the level.
        factor: a stream's first progress is waited for this many times as long as is usual for its model.
        unmeasured_s: the same for a model whose usual time is unknown, in seconds.
        slow_s: the least for a model or a request that is slow by nature: reasoning, images, a long prompt.
        plain_s: the most time for one attempt at a plain answer, which can show no progress.
        deadline_s: the time for the complete chain, until a model commits.
        idle_s: the longest time without progress after the commit.
    """

    name: PatienceName
    factor: int
    unmeasured_s: float
    slow_s: float
    plain_s: float
    deadline_s: float
    idle_s: float


# docs/routing.md has the same table; a test compares the two.
PATIENCE: Mapping[str, Patience] = MappingProxyType(
    {
        each.name: each
        for each in (
            Patience(
                name="short",
                factor=2,
                unmeasured_s=8.0,
                slow_s=30.0,
                plain_s=45.0,
                deadline_s=120.0,
                idle_s=60.0,
            ),
            Patience(
                name="normal",
                factor=4,
                unmeasured_s=15.0,
                slow_s=60.0,
                plain_s=90.0,
                deadline_s=240.0,
                idle_s=60.0,
            ),
            # Half of the deadline is what a plain attempt may take.
            Patience(
                name="long",
                factor=8,
                unmeasured_s=60.0,
                slow_s=180.0,
                plain_s=270.0,
                deadline_s=540.0,
                idle_s=180.0,
            ),
        )
    }
)
NORMAL = PATIENCE["normal"]


def as_patience(raw: str) -> str:
    """Return the name of a level of patience."""
    name = raw.strip().lower()
    if name not in PATIENCE:
        raise ValueError(f"must be one of {', '.join(PATIENCE)}")
    return name
