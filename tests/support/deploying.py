"""Deployments in tests: a fake Cloudflare account, and the environment that `make deploy` runs in."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.deploy.run import Surroundings, run
from scripts.deploy.target import Target
from scripts.dev.stage import read_config
from scripts.tools import ROOT
from scripts.wrangler import Wrangler
from tests.support import fake_wrangler

CONFIG = read_config(ROOT / "wrangler.toml")
WORKER = "openrouter-edge"
SECRET, TOKEN = "sk-or-canary-of-the-account", "canary-of-a-gateway-token"
SECRETS = {"OPENROUTER_API_KEY": SECRET, "GATEWAY_KEYS": f"app1:{TOKEN}", "GATEWAY_KEY": TOKEN}


@dataclass(frozen=True)
class Account:
    """The state of the fake Cloudflare account, in a file that ``fake_wrangler`` reads and writes."""

    path: Path

    @classmethod
    def empty(cls, directory: Path) -> "Account":
        """Return an account without Workers, stores and secrets."""
        account = cls(directory / "account.json")
        account.path.write_text(json.dumps(fake_wrangler.EMPTY))
        return account

    @property
    def state(self) -> dict[str, Any]:
        """The account's current state."""
        value: dict[str, Any] = json.loads(self.path.read_text())
        return value

    def change(self, **fields: object) -> None:
        """Set fields of the account's state."""
        self.path.write_text(json.dumps({**self.state, **fields}))

    def called(self) -> list[str]:
        """Return the wrangler commands that were called, in order."""
        words = [" ".join(each["words"]) for each in self.state["calls"]]
        return [
            next(name for name in fake_wrangler.COMMANDS if f"{each} ".startswith(f"{name} "))
            for each in words
        ]

    def surroundings(self) -> Surroundings:
        """Return an environment that has every secret, and no terminal to ask questions at."""
        command = (sys.executable, fake_wrangler.__file__, str(self.path))
        directory = self.path.parent
        return Surroundings(Wrangler(command, {}, directory), SECRETS, ask=None, directory=directory)


def deploy(around: Surroundings, environment: str = "", *, with_smoke: bool = False) -> None:
    """Deploy this repository's Worker."""
    run(Target(CONFIG, environment), around, with_smoke=with_smoke)
