"""`make dev`: run the gateway on workerd at http://localhost:8787, before OpenRouter or the simulator."""

import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import FrameType
from urllib.parse import urlsplit

from gateway.settings.parse_value import LOOPBACK_HOSTS
from gateway.settings.table import SETTINGS
from gateway.settings.upstreams import as_upstreams
from scripts.dev.env import command_line_names, given_settings, unknown_names
from scripts.dev.follow import Follower
from scripts.dev.leash import Leash
from scripts.dev.ports import is_taken
from scripts.dev.servers import ServerError, stage_directory, start_simulator, start_workerd, workerd_count
from scripts.dev.stage import old_config, read_config
from scripts.tools import ROOT

DEFAULT_PORT = "8787"
MAKE_NAMES = frozenset({"PORT", "PYTHON"})  # allowed on make's command line next to the settings
SIMULATOR_KEY = "sk-or-simulated"
SIMULATOR_MODEL = "sim/ok"
LOCAL = "local"
"""The only value of COORDINATION here: the 2024 runtime has no Durable Objects."""
POLL_S = 0.1
RELOAD_S = 5.0
"""A changed source file makes wrangler replace its workerd: one that stays away longer has died."""


@dataclass(frozen=True)
class Plan:
    """What to run: the settings, the upstream, and whether to start the simulator.

    Attributes:
        coordination: the value of COORDINATION that was asked for; the settings have ``LOCAL``.
    """

    settings: Mapping[str, str]
    upstream: str
    simulated: bool
    coordination: str = LOCAL

    @property
    def is_open(self) -> bool:
        """Whether calls need no key."""
        return not self.settings.get("GATEWAY_KEYS")


def setting_names(given: Mapping[str, str]) -> frozenset[str]:
    """Return the names that can be set: the settings, and the secrets that ``UPSTREAMS`` names."""
    try:
        declared = as_upstreams(given.get("UPSTREAMS", ""))
    except ValueError:  # the Worker reports what is wrong with it
        declared = ()
    return frozenset(SETTINGS) | {each.secret for each in declared if each.secret}


def is_secret(name: str) -> bool:
    """Return whether a setting is a secret; a name that is no setting of the gateway counts as one."""
    return name not in SETTINGS or SETTINGS[name].secret


def plan(given: Mapping[str, str]) -> Plan:
    """Return what to run: with the given URL, else with OpenRouter if there is a key, else the simulator."""
    settings = {name: value for name, value in given.items() if value}
    coordination = settings.get("COORDINATION", LOCAL)
    if coordination != LOCAL:
        settings["COORDINATION"] = LOCAL
    if not settings.get("GATEWAY_KEYS"):
        settings.setdefault("OPEN_ON_LOOPBACK", "true")
    simulated = False
    if base_url := settings.get("OPENROUTER_BASE_URL", ""):
        upstream = base_url
        if urlsplit(base_url).hostname in LOOPBACK_HOSTS:
            settings.setdefault("OPENROUTER_API_KEY", SIMULATOR_KEY)
    elif settings.get("OPENROUTER_API_KEY"):
        upstream = "OpenRouter, with your key: answers cost money"
    else:
        upstream, simulated = "a simulated OpenRouter (no OPENROUTER_API_KEY is set)", True
        settings = {"OPENROUTER_API_KEY": SIMULATOR_KEY, "DEFAULT_MODEL": SIMULATOR_MODEL} | settings
    return Plan(settings, upstream, simulated, coordination)


def banner(port: int, started: Plan, base_url: str) -> str:
    """Return the start message: what runs, and a curl command to paste."""
    upstream = f"{started.upstream} at {base_url}" if started.simulated else started.upstream
    keys = "none needed on this machine" if started.is_open else "one of GATEWAY_KEYS"
    header = "" if started.is_open else " -H 'authorization: Bearer YOUR_TOKEN'"
    body = """{"messages":[{"role":"user","content":"Say hello."}]}"""
    lines = [
        f"gateway   http://localhost:{port}/v1",
        f"upstream  {upstream}",
        f"key       {keys}",
        "",
        f"  curl http://localhost:{port}/v1/chat/completions{header} \\",
        f"    -H 'content-type: application/json' -d '{body}'",
        "",
    ]
    if started.coordination != LOCAL:
        why = f"COORDINATION={started.coordination} needs Durable Objects, which this runtime lacks"
        lines.insert(3, f"counts    {LOCAL}, in this process: {why}")
    if not started.settings.get("OPENROUTER_API_KEY"):
        lines.insert(2, "          without OPENROUTER_API_KEY every call will fail: put it into .dev.vars")
    return "\n".join(lines)


def serve(port: int, wanted: Plan) -> None:
    """Run the gateway until a signal, the end of the parent process, or the death of a server.

    Raises:
        ServerError: a server did not start, or died.
    """
    directory = stage_directory(port)
    with ExitStack() as stack:
        settings = dict(wanted.settings)
        servers: list[tuple[str, Leash]] = []
        if wanted.simulated:
            simulator, settings["OPENROUTER_BASE_URL"] = start_simulator(directory / "simulator.log")
            stack.callback(simulator.end)
            servers.append(("the simulator", simulator))
        secrets = {name: settings.pop(name) for name in [*settings] if is_secret(name)}
        worker = start_workerd(
            port, directory=directory, variables=settings, secrets=secrets, keep_state=True
        )
        stack.callback(worker.end)
        servers.append(("wrangler", worker))
        print(banner(port, wanted, settings.get("OPENROUTER_BASE_URL", "")), flush=True)
        follow(worker, servers)


def follow(worker: Leash, servers: list[tuple[str, Leash]]) -> None:
    """Print the Worker's log lines while all servers are alive.

    Raises:
        ServerError: a server died.
    """
    parent, lines = os.getppid(), Follower(worker.log)
    all_workerds, seen_complete_s = workerd_count(worker), time.monotonic()
    while os.getppid() == parent:
        for line in lines.new_lines():
            print(line, flush=True)
        for name, leash in servers:
            if leash.status is not None:
                raise ServerError(f"{name} ended with status {leash.status}", leash)
        if workerd_count(worker) >= all_workerds:
            seen_complete_s = time.monotonic()
        elif time.monotonic() - seen_complete_s > RELOAD_S:
            raise ServerError("workerd died", worker)
        time.sleep(POLL_S)


def _end(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not interrupt the cleaning up
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(0)


def main() -> None:
    """Read the settings from the environment and the files, and run the gateway."""
    named = command_line_names(os.environ.get("MAKEFLAGS", ""))
    variables = old_config(read_config(ROOT / "wrangler.toml"), "", {}, ())["vars"]
    declared = {name: variables[name] for name in ("UPSTREAMS", "COORDINATION") if name in variables}
    names = setting_names(declared | given_settings(ROOT, os.environ, frozenset({"UPSTREAMS"})))
    unknown = unknown_names(named, MAKE_NAMES | names)
    if unknown:
        sys.exit(
            f"make dev: no such setting: {', '.join(unknown)}. There are: {', '.join(sorted(names))}, PORT"
        )
    port = os.environ.get("PORT") or DEFAULT_PORT
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        sys.exit(f"make dev: PORT must be a whole number from 1 to 65535, not {port}")
    if is_taken(int(port)):
        sys.exit(f"make dev: port {port} is taken. Choose another: make dev PORT={int(port) + 1}")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        serve(int(port), plan(declared | given_settings(ROOT, os.environ, names)))
    except ServerError as error:
        sys.exit(f"make dev: {error}")


if __name__ == "__main__":
    main()
