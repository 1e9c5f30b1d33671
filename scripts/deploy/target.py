"""What is deployed: an environment of wrangler.toml, and the file that tells wrangler what it is bound to.

wrangler.toml names no ids: they are an account's, the repository is everyone's. The ids that the account
already has go into a copy, which git ignores; what is left without one, wrangler creates as it deploys.
Without the copy, a try after one that broke off would fail: wrangler creates a KV namespace by its name, and
does not look whether it is there. What wrangler writes back into its configuration, it writes into the copy.
"""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.wrangler import StepError

BOUND_CONFIG = "wrangler.deploy.json"
KV, D1 = "kv_namespaces", "d1_databases"
_ID = {KV: "id", D1: "database_id"}


@dataclass(frozen=True)
class Store:
    """A KV namespace or a D1 database that the Worker wants.

    Attributes:
        kind: ``KV`` or ``D1``.
        name: what it is called in the account; wrangler's own choice where the configuration has none.
        known: whether the configuration gives an id.
    """

    kind: str
    binding: str
    name: str
    known: bool


@dataclass(frozen=True)
class Target:
    """One Worker: the whole configuration, and which environment of it; "" is production."""

    config: Mapping[str, Any]
    environment: str = ""

    def __post_init__(self) -> None:
        there = [*self.config.get("env", {})]
        if self.environment and self.environment not in there:
            named = ", ".join(there) or "none"
            raise StepError(f"wrangler.toml has no environment `{self.environment}`; there is: {named}")

    @property
    def own(self) -> Mapping[str, Any]:
        """The part of the configuration with this environment's settings and bindings: none are inherited."""
        part: Mapping[str, Any] = self.config["env"][self.environment] if self.environment else self.config
        return part

    @property
    def worker(self) -> str:
        """The Worker's name."""
        suffix = f"-{self.environment}" if self.environment else ""
        return str(self.own["name"] if "name" in self.own else f"{self.config['name']}{suffix}")

    @property
    def flags(self) -> tuple[str, ...]:
        """What every command of wrangler gets; an empty environment is said too, for there are several."""
        return ("--config", BOUND_CONFIG, f"--env={self.environment}")

    def stores(self) -> tuple[Store, ...]:
        """Return the stores that it is bound to."""
        return tuple(
            Store(
                kind,
                each["binding"],
                each.get("database_name") or f"{self.worker}-{each['binding'].lower().replace('_', '-')}",
                known=bool(each.get(_ID[kind])),
            )
            for kind in (KV, D1)
            for each in self.own.get(kind, [])
        )

    def write(self, directory: Path, ids: Mapping[str, str]) -> None:
        """Write the copy of the configuration, with ``ids`` by binding."""
        bound = copy.deepcopy(dict(self.config))
        own = bound["env"][self.environment] if self.environment else bound
        for kind, id_field in _ID.items():
            for each in own.get(kind, []):
                if each["binding"] in ids:
                    each[id_field] = ids[each["binding"]]
        (directory / BOUND_CONFIG).write_text(json.dumps(bound, indent=2) + "\n", encoding="utf-8")
