"""The second part: times calls of the core in Python, on CPython and on each Pyodide."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from scripts.dev.leash import Leash
from scripts.dev.ports import wait_until
from scripts.dev.servers import ServerError, stage_directory
from scripts.tools import ROOT, node, tool_environment

TIMEOUT_S = 120.0
PYODIDE = ROOT / "bench" / "pyodide.mjs"
RUNTIMES: Mapping[str, list[str | Path]] = {
    "CPython": [sys.executable, "-m", "bench.core_costs"],
    "pyodide-0.28": [node(), PYODIDE, "pyodide-028", ROOT],
    "pyodide-314": [node(), PYODIDE, "pyodide-314", ROOT],
}


def core_costs(only: str = "") -> dict[str, dict[str, float]]:
    """Return the microseconds of each call whose name has ``only`` in it, by runtime and name.

    Raises:
        ServerError: a runtime failed.
    """
    return {runtime: _run(runtime, [*command, only]) for runtime, command in RUNTIMES.items()}


def _run(runtime: str, command: list[str | Path]) -> dict[str, float]:
    print(f"core calls on {runtime}", file=sys.stderr, flush=True)
    environ = tool_environment(os.environ) | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    log = stage_directory("bench") / f"{runtime}.log"
    with Leash(command, log=log, cwd=ROOT, environ=environ) as leash:
        wait_until(lambda: leash.status is not None, timeout_s=TIMEOUT_S)
        if leash.status != 0:
            raise ServerError(f"{runtime} did not measure the core's calls", leash)
    costs: dict[str, float] = json.loads(leash.log_text().strip().splitlines()[-1])
    return costs
