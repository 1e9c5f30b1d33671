"""How Claude Code is started without a terminal, and how its output is read."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.agents.agent import Agent, Target
from scripts.agents.json_lines import objects_in
from scripts.setup_clients import CLAUDE_CODE as DIRECTORY
from scripts.tools import node

# npm runs no install scripts, so `bin/claude` is a placeholder. This file of the package starts the binary.
PROGRAM = DIRECTORY / "node_modules" / "@anthropic-ai" / "claude-code" / "cli-wrapper.cjs"


def _prepare(_home: Path, target: Target) -> Mapping[str, str]:
    return {
        "ANTHROPIC_BASE_URL": target.url,  # without /v1
        "ANTHROPIC_AUTH_TOKEN": target.key,
        "ANTHROPIC_API_KEY": "",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }


def _arguments(prompt: str, model: str, session: str) -> Sequence[str]:
    named = ("-p", prompt, "--model", model, "--session-id", session)
    return (*named, "--output-format", "json", "--permission-mode", "acceptEdits")


def said_in(output: str) -> str:
    """Return the text that the user reads at the end of a run; empty if there is none."""
    results = (str(each.get("result", "")) for each in objects_in(output) if each.get("type") == "result")
    return next(results, "")


def _given_session(_output: str, given: str) -> str:
    return given


CLAUDE_CODE = Agent(
    name="Claude Code",
    slug="claude-code",
    command="claude",
    question="claude -p",
    program=(node(), PROGRAM),
    prepare=_prepare,
    arguments=_arguments,
    flagging_arguments=("--permission-mode", "auto"),  # the last mode counts
    said_in=said_in,
    session_in=_given_session,
)
