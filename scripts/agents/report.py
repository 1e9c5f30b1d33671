"""Reports runs of a coding agent: the calls in the simulator's journal, and the table."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx

from scripts.agents.agent import Agent, Outcome
from scripts.agents.situations import Situation

HEAD = (
    "| upstream | gateway | task | calls | seconds | exit | the user reads |\n|---|---|---|---|---|---|---|\n"
)
MAX_SAID = 160
END_LIMIT_S = 10.0
_ADDRESS = re.compile(r"127\.0\.0\.1:\d+")


@dataclass(frozen=True)
class Row:
    """A run in a situation.

    Attributes:
        situation: the situation.
        with_gateway: whether the gateway was in between.
        outcome: what the run came to.
        calls: how many calls arrived upstream.
        ended_s: if the user left, how long the last call upstream went on; None if it did not end.
    """

    situation: Situation
    with_gateway: bool
    outcome: Outcome
    calls: int
    ended_s: float | None = None

    @property
    def is_as_expected(self) -> bool:
        """Whether the task was done, if it must be; and whether the call ended, if the user left."""
        if self.situation.leaves:
            return self.ended_s is not None
        return self.outcome.did_task or not self.situation.finishes


def markers(agent: Agent) -> tuple[str, str]:
    """Return the lines of the page between which an agent's table stands."""
    return f"<!-- {agent.slug}: written by `make agents` -->\n", f"<!-- /{agent.slug} -->\n"


def upstream_calls(simulator: str, session: str) -> list[dict[str, Any]]:
    """Return the journal's entries of a session's calls."""
    entries = httpx.get(f"{simulator}/sim/log", trust_env=False).json()["entries"]
    return [entry for entry in entries if session in (entry["user"] or "")]


def wait_for_end(simulator: str, session: str) -> float | None:
    """Return after how many seconds no call of the session is open; None if one still is at the limit."""
    began_s = time.monotonic()
    while (passed_s := time.monotonic() - began_s) < END_LIMIT_S:
        if all(entry["outcome"] != "open" for entry in upstream_calls(simulator, session)):
            return passed_s
        time.sleep(0.05)
    return None


def table(rows: Iterable[Row]) -> str:
    """Return the Markdown table."""
    return HEAD + "".join(map(_line, rows))


def _line(row: Row) -> str:
    outcome, situation = row.outcome, row.situation
    was_ended = outcome.status is None and not situation.leaves
    cells = [
        "" if row.with_gateway else situation.name,
        "yes" if row.with_gateway else "no",
        "done" if outcome.did_task else "not done",
        f"more than {row.calls - 1}" if was_ended and row.calls > 1 else str(row.calls),
        f"more than {situation.limit_s:.0f}" if was_ended else f"{outcome.seconds:.0f}",
        "" if outcome.status is None else str(outcome.status),
        _said(row),
    ]
    return f"| {' | '.join(cells)} |\n"


def _said(row: Row) -> str:
    """Return what the user reads, in one cell."""
    if row.situation.leaves:
        return "(the call went on)" if row.ended_s is None else f"(the call ended {row.ended_s:.1f} s later)"
    if row.outcome.status is None:
        return "(nothing until the run was ended)"
    text = _ADDRESS.sub("localhost:8787", " ".join(row.outcome.said.split())).replace("|", "\\|")
    return text if len(text) <= MAX_SAID else f"{text[:MAX_SAID].rstrip()}…"
