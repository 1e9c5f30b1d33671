"""The situations in which coding agents are run: which model fails, how, and which chain answers for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.http.json_values import JsonObject
from scripts.agents.agent import Agent

HEALTHY = "sim/coder"
LIMIT_S = 60.0  # agents retry for minutes: a run is ended then
LEAVES_AFTER_S = 4.0
SOON_MS = 10_000
POOR_KEY = "agents-token-of-a-small-budget"
POOR_BUDGET_USD = 0.001  # less than a request of any agent holds until it has ended


@dataclass(frozen=True)
class Situation:
    """One situation.

    Attributes:
        name: what the table says of it.
        alone: the model that an agent asks for without the gateway.
        chain: the models of the task route that it asks for with the gateway.
        options: the route's options.
        is_poor: whether its key has a small budget.
        limit_s: after how many seconds the run is ended, or the user leaves.
        leaves: whether the user leaves then.
        is_flagging: whether the agent asks if its actions are safe; one that cannot is not run.
        finishes: whether the task must be done with the gateway.
    """

    name: str
    alone: str
    chain: Sequence[str]
    options: JsonObject = field(default_factory=dict)
    is_poor: bool = False
    limit_s: float = LIMIT_S
    leaves: bool = False
    is_flagging: bool = False
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
    _first("its stream is cut before a part is complete", "sim/coder-cut"),
    _first("its connection is reset before a part is complete", "sim/coder-reset"),
    _first("its stream is cut after a complete part", "sim/coder-cut-block"),
    _first("its stream has an error after a complete part", "sim/coder-error-block"),
    _first("its stream is cut within a tool call", "sim/coder-cut-tool"),
    _first("its stream falls silent", "sim/coder-stall", idle_ms=SOON_MS),
    _first("the prompt is too long for the first model", "sim/prompt-limit-1000"),
    Situation("the prompt is too long for every model", "sim/prompt-limit-1001", ("sim/prompt-limit-1001",)),
    Situation("no model answers", "sim/status-502", ("sim/status-502", "sim/status-503")),
    Situation("the budget is spent", "sim/status-402", (HEALTHY,), is_poor=True),
    Situation("auto mode flags the edit", "sim/coder-flagged", ("sim/coder-flagged",), is_flagging=True),
    Situation(
        "the user leaves in mid-answer",
        "sim/drip-1000ms",
        ("sim/drip-1000ms", HEALTHY),
        limit_s=LEAVES_AFTER_S,
        leaves=True,
    ),
)


def situations_of(agent: Agent) -> Sequence[Situation]:
    """Return the situations that an agent can be in."""
    return [each for each in SITUATIONS if agent.flagging_arguments or not each.is_flagging]


def task_of(situation: Situation) -> str:
    """Return the name of a situation's task route."""
    return f"task/situation-{SITUATIONS.index(situation)}"


def routes() -> JsonObject:
    """Return the task routes of all situations."""
    return {task_of(each): {"models": [*each.chain], "options": each.options} for each in SITUATIONS}
