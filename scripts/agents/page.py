"""Reads docs/coding-agents.md, and runs its commands as a person who pastes them would."""

import json
import subprocess
import tomllib
from pathlib import Path

from scripts.agents.agent import Agent, Target
from scripts.agents.codex import config_file
from scripts.client_bench import Bench
from scripts.recipes import ANSWER, KEY, URL, Recipe, blocks
from scripts.tools import ROOT
from tests.support.runtimes import KEY as KEY_OF_BENCH

PAGE = ROOT / "docs" / "coding-agents.md"
COMMANDS_LIMIT_S = 60.0


def routes_in(page: str) -> dict[str, object]:
    """Return the task routes that the page shows."""
    found: dict[str, object] = {}
    for block in blocks(page):
        if block.language == "toml" and (shown := tomllib.loads(block.code)).get("vars"):
            found |= json.loads(shown["vars"]["TASK_ROUTES"])
    return found


def section_of(agent: Agent, page: str) -> str:
    """Return the section of the page that has the agent's name as its heading."""
    return page.partition(f"\n## {agent.name}\n")[2].partition("\n## ")[0]


def commands_work(agent: Agent, on: Bench, folder: Path) -> bool:
    """Run an agent's commands in one shell; return whether all worked, and each question had its answer."""
    home = folder / "page"
    home.mkdir()
    agent.put_into(home / "bin")
    environ = agent.environment(home, Target("", "", ""))
    environ["PATH"] = f"{home / 'bin'}:{environ['PATH']}"
    shown = blocks(section_of(agent, PAGE.read_text(encoding="utf-8")))
    code = "\n".join(_in_shell(block, home) for block in shown)
    done = subprocess.run(
        ["bash", "-e", "-c", code.replace(URL, on.gateway).replace(KEY, KEY_OF_BENCH)],
        env=environ,
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,  # apart: Codex repeats its answer on stderr
        text=True,
        timeout=COMMANDS_LIMIT_S,
        check=False,
    )
    questions = code.count(agent.question)
    if done.returncode == 0 and questions and done.stdout.count(ANSWER) == questions:
        return True
    print(f"FAILED  the commands of {PAGE.name} (status {done.returncode}):\n{done.stdout}{done.stderr}")
    return False


def _in_shell(block: Recipe, home: Path) -> str:
    """Return the commands of a block; for the settings of Codex one that writes them into their file."""
    if block.language == "sh":
        return block.code
    if block.language == "toml" and not tomllib.loads(block.code).get("vars"):
        return f"cat > '{config_file(home)}' <<'END'\n{block.code}END\n"
    return ""
