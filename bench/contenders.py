"""The contenders: each is a Worker on its own workerd process, and all start in the same way.

`wrangler dev` is not used: its local proxy would cost more than most Workers. Each workerd starts as in
production, with its own configuration of one socket and one Worker.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from scripts.dev.leash import Leash
from scripts.dev.ports import free_port
from scripts.dev.processes import PROC
from scripts.dev.servers import wait_ready
from scripts.dev.stage import OLD_DATE, OLD_FLAGS
from scripts.tools import NODE_MODULES, ROOT, tool_environment

Kind: TypeAlias = Literal[
    "javascript", "python", "python reading", "gateway", "gateway native", "litellm", "portkey"
]
GUARDED: Kind = "gateway"
NATIVE: Kind = "gateway native"
PLAIN: tuple[Kind, ...] = ("javascript", "python", "python reading", GUARDED)
KINDS: tuple[Kind, ...] = (*PLAIN, NATIVE)
GATEWAYS = frozenset({GUARDED, NATIVE})

WORKERD = NODE_MODULES / "workerd" / "bin" / "workerd"
WORKERS = ROOT / "bench" / "workers"
LOG = "workerd.log"
CPUCLOCK_SCHED = 2

CONFIG = """using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:{port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [{modules}],
  compatibilityDate = "{date}",
  compatibilityFlags = [{flags}],
  bindings = [{bindings}],
);
"""


@dataclass(frozen=True, slots=True)
class Contender:
    """A Worker that listens at ``port`` on loopback, and its process."""

    kind: Kind
    port: int
    pid: int

    def cpu_s(self) -> float:
        """Return the CPU time of the process, over all its threads, in seconds.

        It reads the process's CPU clock, since /proc's ``stat`` rounds to hundredths of a second.
        """
        return time.clock_gettime((~self.pid << 3) | CPUCLOCK_SCHED)  # Linux: clock_getcpuclockid(3)

    def rss_mb(self) -> float:
        """Return the memory of the process, in MB."""
        pages = int((PROC / str(self.pid) / "statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def modules_of(kind: Kind) -> Mapping[str, Path]:
    """Return a Worker's modules by name, the entry first."""
    if kind == "javascript":
        return {"passthrough.js": WORKERS / "passthrough.js"}
    if kind == "python":
        return {"passthrough.py": WORKERS / "passthrough.py"}
    if kind == "python reading":
        return {"reading.py": WORKERS / "reading.py"}
    source = ROOT / "src"
    modules = sorted(source.glob("gateway/**/*.py"))
    return {path.relative_to(source).as_posix(): path for path in (source / "entry.py", *modules)}


def config_of(modules: Mapping[str, Path], port: int, settings: Mapping[str, str]) -> str:
    """Return workerd's configuration for a Worker whose modules are in the same directory."""
    kinds = {".js": "esModule", ".py": "pythonModule"}
    quoted = json.dumps
    is_python = any(name.endswith(".py") for name in modules)
    return CONFIG.format(
        port=port,
        date=OLD_DATE,
        flags=", ".join(map(quoted, OLD_FLAGS)) if is_python else "",
        modules=", ".join(
            f"(name = {quoted(name)}, {kinds[path.suffix]} = embed {quoted(name)})"
            for name, path in modules.items()
        ),
        bindings=", ".join(
            f"(name = {quoted(name)}, text = {quoted(value)})" for name, value in settings.items()
        ),
    )


@contextmanager
def started(
    kind: Kind, directory: Path, settings: Mapping[str, str], modules: Mapping[str, Path] | None = None
) -> Iterator[Contender]:
    """Start a Worker, yield it once it answers, and end it.

    Args:
        kind: which Worker.
        directory: for a copy of the modules, and for the log.
        settings: the Worker's ``env``.
        modules: other modules to use instead, the entry first.
    """
    shutil.rmtree(directory, ignore_errors=True)
    modules, port = modules or modules_of(kind), free_port()
    for name, path in modules.items():
        copy = directory / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    (directory / "config.capnp").write_text(config_of(modules, port, settings), encoding="utf-8")
    command: list[str | Path] = [WORKERD, "serve", "config.capnp"]
    log, environ = directory / LOG, tool_environment(os.environ)
    with Leash(command, log=log, cwd=directory, environ=environ) as leash:
        wait_ready(leash, kind, line="", url=f"http://127.0.0.1:{port}/health")
        [process] = [row for row in leash.processes() if row.name.startswith("workerd")]
        yield Contender(kind, port, process.pid)
