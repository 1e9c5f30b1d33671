"""Starts gateways for the end-to-end suite, on each runtime."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import httpx

from gateway.catalog.stored_catalog import KEY as KEY_IN_KV
from gateway.settings.table import SETTINGS
from scripts.dev.leash import Leash
from scripts.dev.ports import free_port
from scripts.dev.run import is_secret
from scripts.dev.servers import (
    log_tail,
    plain_text,
    stage_directory,
    start_workerd,
    wait_ready,
    workerd_count,
    wrangler_environment,
)
from scripts.dev.stage import BINDINGS, read_config, stage
from scripts.tools import DEV, NODE_MODULES, OLD_WRANGLER, ROOT, WORKER_SDK, node, tool_environment
from tests.support.sqlite_database import statements_in
from tests.support.tls import tls

NODE_HOST = ROOT / "tests" / "support" / "node_host.mjs"
CLIENT_TIMEOUT_S = 60.0
KEY = "e2e-token-0123456789"
UPSTREAM_KEY = "sk-or-simulated"


@dataclass(frozen=True)
class Launch:
    """The parameters of one gateway: its port, its folder under .dev, its settings and bindings.

    Attributes:
        stored: the catalogue that KV holds from the start; None for an empty KV.
    """

    port: int
    directory: Path
    settings: Mapping[str, str]
    bindings: tuple[str, ...]
    stored: str | None


Start: TypeAlias = Callable[[Launch], Leash]


def on_workerd(launch: Launch) -> Leash:
    """Start a gateway as `make dev` does."""
    secrets = {name: value for name, value in launch.settings.items() if is_secret(name)}
    plain = {name: value for name, value in launch.settings.items() if name not in secrets}
    if launch.stored is not None:
        _store_on_workerd(launch.stored, launch.directory)
    return start_workerd(
        launch.port,
        directory=launch.directory,
        variables=plain,
        secrets=secrets,
        bindings=[name for name in launch.bindings if name in BINDINGS],
        keep_state=launch.stored is not None,
    )


def _store_on_workerd(value: str, directory: Path) -> None:
    """Write to the KV of a Worker that is not running yet: wrangler cannot write to it once it runs."""
    config = read_config(ROOT / "wrangler.toml")
    stage(directory, config, main=ROOT / "src" / "entry.py", variables={}, secrets={})
    command: list[str | Path] = [node(), OLD_WRANGLER, "kv", "key", "put", "--local"]
    command += ["--binding", "MODEL_CACHE", KEY_IN_KV, "--path", _file_with(value, directory)]
    environ = wrangler_environment()
    subprocess.run(command, cwd=directory, env=environ, check=True, capture_output=True)  # noqa: S603  # the pinned wrangler


def _file_with(value: str, directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "stored"
    path.write_text(value, encoding="utf-8")
    return path


def on_node(package: str) -> Start:
    """Return the function that starts a gateway on Node, with the Pyodide of the npm ``package``."""

    def start(launch: Launch) -> Leash:
        config: dict[str, object] = {
            "pyodide": package,
            "snapshot": str(_snapshot_of(package)),
            "src": str(ROOT / "src"),
            "sdk": str(WORKER_SDK),
            "port": launch.port,
            "vars": {**read_config(ROOT / "wrangler.toml").get("vars", {}), **launch.settings},
            "kv": [name for name in launch.bindings if name == "MODEL_CACHE"],
            "d1": [name for name in launch.bindings if name == "LEDGER"],
            "cache": "ANSWERS" in launch.bindings,
            "migrations": statements_in(ROOT / "migrations"),
        }
        if launch.stored is not None:
            config["stored"] = {KEY_IN_KV: str(_file_with(launch.stored, launch.directory))}
        environ = tool_environment(os.environ, without=frozenset(SETTINGS)) | {
            "NODE_HOST": json.dumps(config)
        }
        log = launch.directory / "host.log"
        leash = Leash([node(), NODE_HOST], log=log, cwd=ROOT, environ=environ)
        wait_ready(leash, package, line="host listening on", url=f"http://127.0.0.1:{launch.port}/health")
        return leash

    return start


def _snapshot_of(package: str) -> Path:
    """Return the file for the snapshot of this release of ``package`` under this Node."""
    version = json.loads((NODE_MODULES / package / "package.json").read_text())["version"]
    (DEV / "snapshots").mkdir(parents=True, exist_ok=True)
    return DEV / "snapshots" / f"pyodide-{version}"


RUNTIMES: Mapping[str, Start] = MappingProxyType(
    {
        "workerd": on_workerd,
        "pyodide-0.28": on_node("pyodide-028"),
        "pyodide-314": on_node("pyodide-314"),
    }
)


ALWAYS_THERE: Mapping[str, set[str]] = MappingProxyType({"workerd": {"ANSWERS"}})
"""The bindings that each gateway of a runtime has."""


@dataclass
class Gateway:
    """A gateway at ``base_url`` that accepts ``key``.

    A gateway that this suite did not start has no log here, and perhaps no simulator behind it.
    """

    runtime: str
    base_url: str
    key: str
    leash: Leash | None = None
    workerds: int = 0
    """How many workerd processes it has. Without them wrangler keeps running, but answers nothing."""

    @property
    def is_ours(self) -> bool:
        """Whether this suite has started it."""
        return self.leash is not None

    @property
    def headers(self) -> dict[str, str]:
        """The headers with its key."""
        return {"authorization": f"Bearer {self.key}"} if self.key else {}

    def client(self, **options: object) -> httpx.Client:
        """Return a client with the base URL and the key; the caller closes it."""
        return httpx.Client(**self._client_options(options))  # type: ignore[arg-type]  # httpx checks its own

    def async_client(self, **options: object) -> httpx.AsyncClient:
        """Return the same client for asynchronous tests."""
        return httpx.AsyncClient(**self._client_options(options))  # type: ignore[arg-type]  # httpx checks its own

    def _client_options(self, options: Mapping[str, object]) -> dict[str, object]:
        # No proxy, even if the environment names one: all addresses are loopback.
        own = {
            "base_url": self.base_url,
            "headers": self.headers,
            "timeout": CLIENT_TIMEOUT_S,
            "trust_env": False,
            "verify": tls(),
        }
        return {**own, **options}

    def log_text(self) -> str:
        """Return all output of the Worker and of its runtime."""
        return plain_text(self.leash.log_text()) if self.leash else ""


def _first_token(gateway_keys: str) -> str:
    """Return the token of the first key, whether the keys are JSON or `name:token`; empty without keys."""
    if gateway_keys.startswith("["):
        return str(json.loads(gateway_keys)[0].get("token", ""))
    return gateway_keys.partition(":")[2]


@dataclass
class Fleet:
    """The gateways of one runtime: each is started when a test first needs it; all are ended together."""

    runtime: str
    defaults: Mapping[str, str]
    _started: list[tuple[Launch, Gateway]] = field(default_factory=list)

    def start(
        self, bindings: Iterable[str] = (), stored: str | None = None, **settings: str | None
    ) -> Gateway:
        """Return a gateway with the default settings and ``settings``; None removes a default.

        A running gateway with the same parameters is reused. For ``stored`` see ``Launch``.
        """
        merged = {name: value for name, value in {**self.defaults, **settings}.items() if value is not None}
        wanted = (merged, tuple(sorted({*bindings} - ALWAYS_THERE.get(self.runtime, set()))), stored)
        for launch, gateway in self._started:
            if gateway.leash and (launch.settings, launch.bindings, launch.stored) == wanted:
                return gateway
        port = free_port()
        launch = Launch(port, stage_directory(f"e2e/{self.runtime}-{port}"), *wanted)
        gateway = Gateway(
            self.runtime, f"http://127.0.0.1:{port}", _first_token(merged.get("GATEWAY_KEYS", ""))
        )
        self._started.append((launch, gateway))
        self._launch(launch, gateway)
        return gateway

    def stop(self, gateway: Gateway) -> None:
        """End a gateway that no other test needs."""
        if gateway.leash:
            gateway.leash.end()
            gateway.leash = None

    def revive(self) -> None:
        """Restart the gateways that died in an earlier test, at the same URL: one crash fails one test."""
        for launch, gateway in self._started:
            if gateway.leash and self.epitaph(gateway):
                gateway.leash.end()
                self._launch(launch, gateway)

    def epitaphs(self) -> list[str]:
        """Return for each dead gateway how it died, with the end of its log."""
        return [text for _, gateway in self._started if (text := self.epitaph(gateway))]

    def epitaph(self, gateway: Gateway) -> str:
        """Return how ``gateway`` died; an empty text while it lives."""
        leash = gateway.leash
        if leash is None:
            return ""
        died = leash.status is not None or workerd_count(leash) < gateway.workerds
        return (
            f"{gateway.base_url} on {self.runtime} died. The end of its log:\n{log_tail(leash)}"
            if died
            else ""
        )

    def end(self, *, keep_logs: bool) -> None:
        """End all gateways; delete their folders unless ``keep_logs``."""
        for launch, gateway in self._started:
            if gateway.leash:
                gateway.leash.end()
            if not keep_logs:
                shutil.rmtree(launch.directory, ignore_errors=True)

    def _launch(self, launch: Launch, gateway: Gateway) -> None:
        gateway.leash = RUNTIMES[self.runtime](launch)
        gateway.workerds = workerd_count(gateway.leash)
