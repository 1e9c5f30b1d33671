"""Install the other gateways that `make compare` runs. `make setup` does not install them."""

import os
import sys
from pathlib import Path

from scripts.setup import Part, run
from scripts.tools import ROOT, node, tool_environment

VENV = ROOT / ".venv-gateways"
REQUIREMENTS = Path("requirements") / "gateways.txt"
PROJECT = ROOT / "bench" / "compare" / "node"


def set_up_gateways() -> None:
    """Bring both installations up to date."""
    Part(VENV, (str(REQUIREMENTS),), f"LiteLLM into {VENV.name}", _make_venv).bring_up_to_date()
    modules, lock = PROJECT / "node_modules", str((PROJECT / "package-lock.json").relative_to(ROOT))
    Part(modules, (lock,), f"Portkey into {modules.relative_to(ROOT)}", _install).bring_up_to_date()


def _make_venv() -> None:
    uv = (sys.executable, "-m", "uv", "--quiet")
    run(*uv, "venv", "--clear", "--python", sys.executable, VENV)
    python = VENV / "bin" / "python"
    run(*uv, "pip", "install", "--python", python, "--require-hashes", "--requirement", REQUIREMENTS)


def _install() -> None:
    npm = node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = (node(), npm, "ci", "--prefix", PROJECT, "--ignore-scripts", "--no-progress")
    run(*command, environment=tool_environment(os.environ))
