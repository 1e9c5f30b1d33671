"""Stages a Worker for the 2024 wrangler: writes a filtered wrangler.toml, and a file with the secrets."""

import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scripts.dev.env import quote_dotenv

# The 2024 wrangler refuses flags that it does not know, and dates after its own.
OLD_FLAGS = ("python_workers",)
OLD_DATE = "2024-07-25"
# The gateway's bindings: the name, the kind, and the keys that must be present, even if with dummy values.
BINDINGS = {
    "MODEL_CACHE": ("kv_namespaces", {"binding": "MODEL_CACHE", "id": "local"}),
    "LEDGER": (
        "d1_databases",
        {
            "binding": "LEDGER",
            "database_name": "ledger",
            "database_id": "local",
            "migrations_dir": "migrations",
        },
    ),
}


def stage(
    directory: Path,
    config: Mapping[str, Any],
    *,
    main: Path,
    variables: Mapping[str, str],
    secrets: Mapping[str, str],
    bindings: Iterable[str] = tuple(BINDINGS),
) -> None:
    """Write ``directory``/wrangler.toml and .dev.vars.

    Args:
        directory: the target; it is made if it is missing.
        config: the repository's wrangler.toml.
        main: the Worker's entry module.
        variables: settings that override those of ``config``.
        secrets: settings that only the Worker may read; no other file contains them.
        bindings: which of ``BINDINGS`` the Worker has, on local storage.
    """
    directory.mkdir(parents=True, exist_ok=True)
    staged = old_config(config, os.path.relpath(main, directory), variables, bindings)
    (directory / "wrangler.toml").write_text(to_toml(staged), encoding="utf-8")
    lines = [f"{name}={quote_dotenv(value)}\n" for name, value in secrets.items() if value]
    _write_private(directory / ".dev.vars", "".join(lines))


def read_config(path: Path) -> dict[str, Any]:
    """Return the content of a wrangler.toml."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def old_config(
    config: Mapping[str, Any], main: str, variables: Mapping[str, str], bindings: Iterable[str]
) -> dict[str, Any]:
    """Return ``config`` as the 2024 wrangler needs it, with ``variables`` and local ``bindings``."""
    staged: dict[str, Any] = {
        "name": config["name"],
        "main": main,
        "compatibility_date": OLD_DATE,
        "compatibility_flags": [flag for flag in config["compatibility_flags"] if flag in OLD_FLAGS],
        "vars": {**_as_texts(config.get("vars", {})), **variables},
    }
    for binding in bindings:
        kind, table = BINDINGS[binding]
        staged.setdefault(kind, []).append(table)
    return staged


def _as_texts(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return variables without tables: a table becomes JSON text, as the Worker gets it."""
    return {
        name: json.dumps(value) if isinstance(value, (Mapping, list)) else value
        for name, value in variables.items()
    }


def to_toml(document: Mapping[str, Any]) -> str:
    """Return ``document`` as TOML: plain values first, then tables and arrays of tables, one level deep."""
    plain = {key: value for key, value in document.items() if not _is_table(value)}
    parts = [_assignments(plain)]
    for key, value in document.items():
        if isinstance(value, Mapping):
            parts.append(f"\n[{key}]\n{_assignments(value)}")
        elif _is_table(value):
            parts += [f"\n[[{key}]]\n{_assignments(table)}" for table in value]
    return "".join(parts)


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and any(isinstance(item, Mapping) for item in value)
    )


def _assignments(table: Mapping[str, Any]) -> str:
    return "".join(f"{_toml_value(key)} = {_toml_value(value)}\n" for key, value in table.items())


def _toml_value(value: object) -> str:
    # JSON's strings, numbers, booleans and lists are valid TOML, except for DEL, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
