"""A deployment in a test: an account played by a program, and what `make deploy` meets around it."""

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
    """What the program that stands in for wrangler has, in a file."""

    path: Path

    @classmethod
    def empty(cls, directory: Path) -> "Account":
        """Return one that has nothing."""
        account = cls(directory / "account.json")
        account.path.write_text(json.dumps(fake_wrangler.EMPTY))
        return account

    @property
    def state(self) -> dict[str, Any]:
        """What it has now."""
        value: dict[str, Any] = json.loads(self.path.read_text())
        return value

    def change(self, **fields: object) -> None:
        """Set some of what it has."""
        self.path.write_text(json.dumps({**self.state, **fields}))

    def called(self) -> list[str]:
        """Return what was called, in order."""
        words = [" ".join(each["words"]) for each in self.state["calls"]]
        return [
            next(name for name in fake_wrangler.COMMANDS if f"{each} ".startswith(f"{name} "))
            for each in words
        ]

    def surroundings(self) -> Surroundings:
        """Return a machine with every secret in its environment, and nobody to ask."""
        command = (sys.executable, fake_wrangler.__file__, str(self.path))
        directory = self.path.parent
        return Surroundings(Wrangler(command, {}, directory), SECRETS, ask=None, directory=directory)


def deploy(around: Surroundings, environment: str = "", *, with_smoke: bool = False) -> None:
    """Deploy this repository's Worker."""
    run(Target(CONFIG, environment), around, with_smoke=with_smoke)
