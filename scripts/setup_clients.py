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


def set_up_python() -> None:
    """Bring ``.venv-clients`` up to date."""
    Part(VENV, (str(REQUIREMENTS),), "Python clients into .venv-clients", _make_venv).bring_up_to_date()


def set_up_node() -> None:
    """Bring the Node clients up to date."""
    modules = NODE_TESTS / "node_modules"
    lock = str((NODE_TESTS / "package-lock.json").relative_to(ROOT))
    Part(modules, (lock,), f"Node clients into {modules.relative_to(ROOT)}", _install).bring_up_to_date()


def _make_venv() -> None:
    uv = (sys.executable, "-m", "uv", "--quiet")
    run(*uv, "venv", "--clear", "--python", sys.executable, VENV)
    run(*uv, "pip", "install", "--python", PYTHON, "--require-hashes", "--requirement", REQUIREMENTS)


def _install() -> None:
    npm = node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = (node(), npm, "ci", "--prefix", NODE_TESTS, "--ignore-scripts", "--no-progress")
    run(*command, environment=tool_environment(os.environ))
