"""The situations in which coding agents are run: which model fails, how, and which chain answers for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.http.json_values import JsonObject
from tests.support.runtimes import KEY

HEALTHY = "sim/coder"
LIMIT_S = 60.0  # Claude Code retries for minutes: a run is ended then
LEAVES_AFTER_S = 4.0
SOON_MS = 10_000
POOR_KEY = "agents-token-of-a-small-budget"
# A request to the healthy model costs 0.004 USD, and holds 0.027 until it has ended: the budget admits one.
POOR_BUDGET_USD = 0.03


@dataclass(frozen=True)
class Situation:
    """One situation.

    Attributes:
        name: what the table says of it.
        alone: the model that Claude Code asks for without the gateway.
        chain: the models of the task route that it asks for with the gateway.
        options: the route's options.
        key: the key that it sends to the gateway.
        limit_s: after how many seconds the run is ended, or the user leaves.
        leaves: whether the user leaves then.
        mode: the permission mode.
        finishes: whether the task must be done with the gateway.
    """

    name: str
    alone: str
    chain: Sequence[str]
    options: JsonObject = field(default_factory=dict)
    key: str = KEY
    limit_s: float = LIMIT_S
    leaves: bool = False
    mode: str = "acceptEdits"
    finishes: bool = False


def _first(name: str, model: str, **options: int) -> Situation:
    """Return the situation in which the first model of two fails, and the second one does not."""
    return Situation(name, model, (model, HEALTHY), {**options}, finishes=True)


SITUATIONS: Sequence[Situation] = (
    Situation("all is well", HEALTHY, (HEALTHY,), finishes=True),
    _first("the first model is rate-limited (429)", "sim/status-429"),
    _first("the first model answers 500", "sim/status-500"),
    _first("the first model is overloaded (529)", "sim/status-529"),
    _first("the first model is silent", "sim/hang", first_token_ms=SOON_MS),
    _first("its stream is cut before a block is complete", "sim/coder-cut"),
    _first("its connection is reset before a block is complete", "sim/coder-reset"),
    _first("its stream is cut after a complete block", "sim/coder-cut-block"),
    _first("its stream has an error after a complete block", "sim/coder-error-block"),
    _first("its stream is cut within a tool call", "sim/coder-cut-tool"),
    _first("its stream falls silent", "sim/coder-stall", idle_ms=SOON_MS),
    _first("the prompt is too long for the first model", "sim/prompt-limit-1000"),
    Situation("the prompt is too long for every model", "sim/prompt-limit-1001", ("sim/prompt-limit-1001",)),
    Situation("no model answers", "sim/status-502", ("sim/status-502", "sim/status-503")),
    Situation("the budget is spent", "sim/status-402", (HEALTHY,), key=POOR_KEY),
    Situation("auto mode flags the edit", "sim/coder-flagged", ("sim/coder-flagged",), mode="auto"),
    Situation(
        "the user leaves in mid-answer",
        "sim/drip-1000ms",
        ("sim/drip-1000ms", HEALTHY),
        limit_s=LEAVES_AFTER_S,
        leaves=True,
    ),
)


def task_of(place: int) -> str:
    """Return the name of the task route of the situation at this place of ``SITUATIONS``."""
    return f"task/situation-{place}"


def routes() -> JsonObject:
    """Return the task routes of all situations."""
    return {
        task_of(place): {"models": [*each.chain], "options": each.options}
        for place, each in enumerate(SITUATIONS)
    }
