"""How Codex is started without a terminal, and how its output is read."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.agents.agent import Agent, Target
from scripts.agents.json_lines import objects_in
from scripts.setup_clients import CODEX as DIRECTORY
from scripts.tools import node

PROGRAM = DIRECTORY / "node_modules" / "@openai" / "codex" / "bin" / "codex.js"
KEY_VARIABLE = "GATEWAY_KEY"
CONFIG = f"""\
model = "{{model}}"
model_provider = "gateway"
check_for_update_on_startup = false

[analytics]
enabled = false

[model_providers.gateway]
name = "gateway"
base_url = "{{url}}/v1"
wire_api = "responses"
env_key = "{KEY_VARIABLE}"
"""


def config_file(home: Path) -> Path:
    """Return the path of the settings, in a directory that exists."""
    directory = home / ".codex"
    directory.mkdir(exist_ok=True)
    return directory / "config.toml"


def _prepare(home: Path, target: Target) -> Mapping[str, str]:
    config_file(home).write_text(CONFIG.format(model=target.model, url=target.url), encoding="utf-8")
    return {KEY_VARIABLE: target.key}


def _arguments(prompt: str, _model: str, _session: str) -> Sequence[str]:
    # The task runs in a directory of its own; Codex's own sandbox does not start in every container.
    return ("exec", "--json", "--skip-git-repo-check", "--sandbox", "danger-full-access", prompt)


def said_in(output: str) -> str:
    """Return the text that the user reads at the end of a run; empty if there is none.

    That is the error of a turn that failed, or else the last message.
    """
    for event in objects_in(output):
        if event.get("type") == "turn.failed":
            return str(event.get("error", {}).get("message", ""))
        item = event.get("item", {})
        if event.get("type") == "item.completed" and item.get("type") == "agent_message":
            return str(item.get("text", ""))
    return ""


def session_in(output: str, given: str) -> str:
    """Return the id of the thread; the given one, which no request has, if there is none."""
    begun = (str(each["thread_id"]) for each in objects_in(output) if each.get("type") == "thread.started")
    return next(begun, given)


CODEX = Agent(
    name="Codex",
    slug="codex",
    command="codex",
    question="codex exec",
    program=(node(), PROGRAM),
    prepare=_prepare,
    arguments=_arguments,
    flagging_arguments=None,
    said_in=said_in,
    session_in=session_in,
)
