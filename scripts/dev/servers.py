"""Starts the servers for development and tests: the simulated OpenRouter, and the Worker on workerd."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from scripts.dev.leash import Leash
from scripts.dev.ports import answers, free_port, wait_while_alive
from scripts.dev.processes import cpu_used_s
from scripts.dev.stage import BINDINGS, read_config, stage
from scripts.tools import DEV, OLD_WRANGLER, ROOT, node, tool_environment

STALL_S = 120.0
"""A server that neither prints nor computes for so long while it starts hangs."""
ANSWER_TIMEOUT_S = 10.0
"""wrangler may lose a request that arrives while it replaces its Worker; then another one is sent."""
LOG_TAIL_CHARACTERS = 3000
LOCAL_WRANGLER = ROOT / "scripts" / "dev" / "local_wrangler.cjs"
"""What is loaded into the 2024 wrangler before its own code."""
NO_REGISTRY = "http://127.0.0.1:9/"
"""Nothing answers there: wrangler does not wait for a registry's answer about newer releases."""


class ServerError(RuntimeError):
    """A server did not start, or died; the message contains the end of its log."""

    def __init__(self, what: str, leash: Leash) -> None:
        super().__init__(f"{what}. The end of its log ({leash.log.relative_to(ROOT)}):\n{log_tail(leash)}")


def log_tail(leash: Leash) -> str:
    """Return the end of the server's output."""
    return plain_text(leash.log_text())[-LOG_TAIL_CHARACTERS:].strip()


def plain_text(text: str) -> str:
    """Return ``text`` without the terminal's control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def wait_ready(leash: Leash, name: str, *, line: str, url: str) -> None:
    """Return once the server has printed ``line`` and answers ``url``, however long it takes.

    Raises:
        ServerError: it ended, or made no progress for ``STALL_S``. In both cases it is not running any more.
    """

    def settled() -> bool:
        return leash.status is not None or (
            line in leash.log_text() and answers(url, timeout_s=ANSWER_TIMEOUT_S)
        )

    def progress() -> tuple[int, int]:
        return leash.log.stat().st_size, int(cpu_used_s(leash.processes()))

    ready = False
    try:
        ready = wait_while_alive(settled, progress, stall_s=STALL_S) and leash.status is None
        problem = f"ended with status {leash.status}"
        if leash.status is None:
            problem = f"made no progress for {STALL_S:.0f} s"
    finally:
        if not ready:  # also after an interrupt: no other code can end it yet
            leash.end()
    if not ready:
        raise ServerError(f"{name} {problem}", leash)


def start_simulator(log: Path) -> tuple[Leash, str]:
    """Start the simulated OpenRouter on a free port; return its leash and its base URL."""
    port = free_port()
    command = [sys.executable, "-u", "-m", "simulator", "--port", str(port)]
    leash = Leash(command, log=log, cwd=ROOT, environ=os.environ)
    base_url = f"http://127.0.0.1:{port}/api/v1"
    wait_ready(leash, "the simulator", line="simulator listening on", url=base_url)
    return leash, base_url


def start_workerd(
    port: int,
    *,
    directory: Path,
    variables: Mapping[str, str],
    secrets: Mapping[str, str],
    bindings: Iterable[str] = tuple(BINDINGS),
    keep_state: bool = False,
) -> Leash:
    """Start the Worker on workerd and return once it answers.

    Args:
        port: on the loopback address.
        directory: for the staged configuration, the log, and the local KV and D1.
        variables: settings in addition to those of wrangler.toml.
        secrets: settings that only the Worker may read.
        bindings: which of ``BINDINGS`` it has.
        keep_state: whether KV and D1 keep what an earlier run stored.
    """
    if not keep_state:
        shutil.rmtree(directory, ignore_errors=True)
    main, config = ROOT / "src" / "entry.py", read_config(ROOT / "wrangler.toml")
    stage(directory, config, main=main, variables=variables, secrets=secrets, bindings=bindings)
    if "LEDGER" in bindings:
        migrate_locally(directory)
    command: list[str | Path] = [node(), "--require", LOCAL_WRANGLER, OLD_WRANGLER, "dev"]
    command += ["--port", str(port), "--ip", "127.0.0.1"]
    command += ["--inspector-port", str(free_port()), "--show-interactive-dev-session", "false"]
    environ = wrangler_environment(without=frozenset(secrets) | frozenset(variables))
    leash = Leash(command, log=directory / "wrangler.log", cwd=directory, environ=environ)
    wait_ready(leash, "wrangler", line="Ready on", url=f"http://127.0.0.1:{port}/health")
    return leash


def wrangler_environment(without: frozenset[str] = frozenset()) -> dict[str, str]:
    """Return the environment of the 2024 wrangler: this one, without ``without``, and no look-ups."""
    return tool_environment(os.environ, without=without) | {"npm_config_registry": NO_REGISTRY}


def migrate_locally(directory: Path) -> None:
    """Apply the migrations to a staged Worker's local ledger, as a deploy does in production."""
    shutil.copytree(ROOT / "migrations", directory / "migrations", dirs_exist_ok=True)
    command: list[str | Path] = [node(), OLD_WRANGLER, "d1", "migrations", "apply", "LEDGER", "--local"]
    done = subprocess.run(  # the pinned wrangler
        command,
        cwd=directory,
        env=wrangler_environment() | {"CI": "1"},  # without CI it asks for confirmation
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        printed = plain_text(done.stdout + done.stderr)
        sys.exit(f"wrangler d1 migrations apply failed: {printed[-LOG_TAIL_CHARACTERS:]}")


def workerd_count(leash: Leash) -> int:
    """Return the number of living workerd processes below wrangler."""
    return sum(row.name.startswith("workerd") for row in leash.processes())


def stage_directory(name: str | int) -> Path:
    """Return the directory of the instance called ``name``."""
    return DEV / str(name)
