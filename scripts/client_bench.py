"""Starts the gateway and the simulator for real clients, and runs commands that test them."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from scripts.dev.ports import LOOPBACK
from scripts.dev.servers import stage_directory, start_simulator
from scripts.tools import tool_environment
from tests.support.runtimes import KEY, UPSTREAM_KEY, Fleet

Line: TypeAlias = dict[str, Any]  # a test's result: table, client, version, column, outcome, remark


@dataclass(frozen=True)
class Bench:
    """A gateway to run clients against: the clients' environment, and a folder for their files.

    Attributes:
        environ: the environment, with the addresses of the gateway and of the simulator, and the key.
        directory: a folder that exists as long as the gateway.
    """

    environ: Mapping[str, str]
    directory: Path

    @property
    def gateway(self) -> str:
        """The gateway's address."""
        return self.environ["CLIENTS_GATEWAY"]

    @property
    def simulator(self) -> str:
        """The simulator's address."""
        return self.environ["CLIENTS_SIMULATOR"]

    def passes(self, *command: str | Path, cwd: Path) -> bool:
        """Run a command that runs tests; return whether all passed."""
        return subprocess.run(command, cwd=cwd, env=self.environ, check=False).returncode == 0

    def lines(self) -> list[Line]:
        """Return the results of the tests."""
        results = Path(self.environ["CLIENTS_RESULTS"])
        return [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]


@contextmanager
def bench(**settings: str) -> Iterator[Bench]:
    """Start the gateway on `make dev`'s runtime, with these settings and the simulator as its upstream."""
    directory = stage_directory(f"clients-{os.getpid()}")
    simulator, simulator_url = start_simulator(directory / "simulator.log")
    defaults = {
        "OPENROUTER_BASE_URL": simulator_url,
        "OPENROUTER_API_KEY": UPSTREAM_KEY,
        "DEFAULT_MODEL": "sim/ok",
        "GATEWAY_KEYS": f"clients:{KEY}",
    }
    fleet = Fleet("workerd", defaults | settings)
    with simulator:
        try:
            environ = tool_environment(os.environ, without=frozenset({"PYTHONPATH"})) | {
                "CLIENTS_GATEWAY": fleet.start().base_url,
                "CLIENTS_KEY": KEY,
                "CLIENTS_SIMULATOR": simulator_url.removesuffix("/api/v1"),
                "CLIENTS_RESULTS": str(directory / "results.jsonl"),
                "NO_PROXY": LOOPBACK,
                "PYTHONDONTWRITEBYTECODE": "1",
                "AI_SDK_LOG_WARNINGS": "false",
            }
            yield Bench(environ, directory)
        finally:
            fleet.end(keep_logs=False)
    shutil.rmtree(directory)
