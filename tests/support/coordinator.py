"""The process in which the suite's Durable Objects run. Tests can end it, and make it fail."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from scripts.dev.leash import Leash
from tests.support.runtimes import start_host

TIMEOUT_S = 30.0


@dataclass
class CoordinatorProcess:
    """Node with the Worker's class ``Coordinator``, and a folder with what the objects have stored.

    Attributes:
        package: the npm package with its Pyodide.
        port: on the loopback address; it stays the same after a new start.
        directory: for the log and the storage.
        settings: the Worker's.
    """

    package: str
    port: int
    directory: Path
    settings: Mapping[str, str]
    leash: Leash | None = None

    @property
    def base_url(self) -> str:
        """The URL that gateways get as ``coordinator``."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the process, unless it runs. The objects have what an earlier process has stored."""
        if self.leash is None:
            config = {"vars": self.settings, "migrations": [], "objects": str(self.directory / "objects")}
            self.leash = start_host(self.package, self.port, self.directory, config)
            self.call("first", "settle", '{"v": 1, "seen": 0}')  # loads the class: no test waits for that

    def end(self) -> None:
        """End the process at once."""
        if self.leash:
            self.leash.end()
            self.leash = None

    def remove(self) -> None:
        """End the process, and delete its folder."""
        self.end()
        shutil.rmtree(self.directory, ignore_errors=True)

    def be(self, state: str) -> None:
        """Set how the objects answer: ``up``, or one of the faults in durable_objects.mjs."""
        self._post(f"/__host/objects-are/{state}")

    def restart_objects(self) -> list[str]:
        """End the objects' instances, which keeps what they have stored; return their names."""
        names: list[str] = self._post("/__host/objects-restart").json()
        return names

    def rows(self, scope: str, sql: str) -> list[dict[str, Any]]:
        """Run SQL in the storage of a scope's object; return the rows."""
        found: list[dict[str, Any]] = self._post(f"/__host/object-sql/{quote(scope, safe='')}", sql).json()
        return found

    def call(self, scope: str, method: str, text: str) -> httpx.Response:
        """Call an object as a gateway does."""
        return self._post(f"/__object/{quote(scope, safe='')}/{method}", text, check=False)

    def log_text(self) -> str:
        """Return the output of the process."""
        return self.leash.log_text() if self.leash else ""

    def _post(self, path: str, text: str = "", *, check: bool = True) -> httpx.Response:
        with httpx.Client(base_url=self.base_url, timeout=TIMEOUT_S, trust_env=False) as client:
            answer = client.post(path, content=text.encode())
        return answer.raise_for_status() if check else answer
