"""Install the clients that `make clients` runs. They are large, so `make setup` does not install them."""

import os
import sys
from pathlib import Path

from scripts.setup import Part, run
from scripts.tools import ROOT, node, tool_environment

VENV = ROOT / ".venv-clients"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = Path("requirements") / "clients.txt"
NODE_TESTS = ROOT / "tests" / "clients" / "node"
CLAUDE_CODE = ROOT / "tests" / "clients" / "claude_code"
CODEX = ROOT / "tests" / "clients" / "codex"


def set_up_python() -> None:
    """Bring ``.venv-clients`` up to date."""
    Part(VENV, (str(REQUIREMENTS),), "Python clients into .venv-clients", _make_venv).bring_up_to_date()


def set_up_node() -> None:
    """Bring the Node clients up to date."""
    _set_up(NODE_TESTS, "Node clients")


def set_up_coding_agents() -> None:
    """Bring the coding agents up to date. Each is as large as all other clients together."""
    _set_up(CLAUDE_CODE, "Claude Code")
    _set_up(CODEX, "Codex")


def _set_up(project: Path, what: str) -> None:
    modules = project / "node_modules"
    lock = str((project / "package-lock.json").relative_to(ROOT))
    text = f"{what} into {modules.relative_to(ROOT)}"
    Part(modules, (lock,), text, lambda: _install(project)).bring_up_to_date()


def _make_venv() -> None:
    uv = (sys.executable, "-m", "uv", "--quiet")
    run(*uv, "venv", "--clear", "--python", sys.executable, VENV)
    run(*uv, "pip", "install", "--python", PYTHON, "--require-hashes", "--requirement", REQUIREMENTS)


def _install(project: Path) -> None:
    npm = node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = (node(), npm, "ci", "--prefix", project, "--ignore-scripts", "--no-progress")
    run(*command, environment=tool_environment(os.environ))
