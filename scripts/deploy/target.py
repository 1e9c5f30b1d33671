"""The target of a deployment: an environment of wrangler.toml, and a copy of the file with the account's ids.

wrangler.toml contains no ids, since they belong to an account and the repository is public. The ids of the
account's existing stores go into a copy, which git ignores. Wrangler creates stores without an id as it
deploys. Without the copy, a second try after a failed one would fail too: wrangler creates a KV namespace by
name and does not check whether it exists. Wrangler also writes its configuration changes into the copy.
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
    """A KV namespace or a D1 database that the Worker needs.

    Attributes:
        kind: ``KV`` or ``D1``.
        name: its name in the account; wrangler's default if the configuration has none.
        known: whether the configuration has its id.
    """

    kind: str
    binding: str
    name: str
    known: bool


@dataclass(frozen=True)
class Target:
    """One Worker: the complete configuration, and the name of its environment; "" is production."""

    config: Mapping[str, Any]
    environment: str = ""

    def __post_init__(self) -> None:
        there = [*self.config.get("env", {})]
        if self.environment and self.environment not in there:
            named = ", ".join(there) or "none"
            raise StepError(f"wrangler.toml has no environment `{self.environment}`; there is: {named}")
        asked = str(self.own.get("vars", {}).get("COORDINATION", "")).strip().lower() or "local"
        if asked != "local" and "COORDINATOR" not in self.objects():
            raise StepError(
                f"wrangler.toml: {self.worker} has COORDINATION = {asked}: it needs the binding COORDINATOR"
            )

    @property
    def own(self) -> Mapping[str, Any]:
        """The part of the configuration with this environment's settings and bindings: it inherits none."""
        part: Mapping[str, Any] = self.config["env"][self.environment] if self.environment else self.config
        return part

    @property
    def worker(self) -> str:
        """The Worker's name."""
        suffix = f"-{self.environment}" if self.environment else ""
        return str(self.own["name"] if "name" in self.own else f"{self.config['name']}{suffix}")

    @property
    def flags(self) -> tuple[str, ...]:
        """The arguments of every wrangler command. ``--env`` is given for production too (empty)."""
        return ("--config", BOUND_CONFIG, f"--env={self.environment}")

    def stores(self) -> tuple[Store, ...]:
        """Return the stores that the Worker is bound to."""
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

    def objects(self) -> Mapping[str, str]:
        """Return the classes of the Worker's Durable Objects by binding. A deploy creates them."""
        bound = self.own.get("durable_objects", {}).get("bindings", [])
        return {each["name"]: each["class_name"] for each in bound}

    def write(self, directory: Path, ids: Mapping[str, str]) -> None:
        """Write the copy of the configuration with these ids, which are by binding."""
        bound = copy.deepcopy(dict(self.config))
        own = bound["env"][self.environment] if self.environment else bound
        for kind, id_field in _ID.items():
            for each in own.get(kind, []):
                if each["binding"] in ids:
                    each[id_field] = ids[each["binding"]]
        (directory / BOUND_CONFIG).write_text(json.dumps(bound, indent=2) + "\n", encoding="utf-8")
