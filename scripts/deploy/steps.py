"""The steps of a deployment. Each one first checks what exists already, so it can be run again."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.deploy import commands
from scripts.deploy.target import D1, KV, Target
from scripts.tools import DEV
from scripts.wrangler import CommandError, StepError, Wrangler

_NAME_AND_ID = {KV: ("title", "id"), D1: ("name", "uuid")}
SCRATCH = DEV / "deploy"


@dataclass(frozen=True)
class Deployed:
    """The deployed version, and its URL; None if the Worker has no public URL."""

    version: str
    url: str | None


def log_in(wrangler: Wrangler, *, is_asked: bool) -> str:
    """Return the logged-in user; without a login, let wrangler log in first if questions are allowed.

    Raises:
        StepError: no user is logged in.
    """
    try:
        who = wrangler.json(commands.WHO_AM_I)
    except CommandError as error:
        if '"loggedIn":false' not in error.printed.replace(" ", ""):
            raise
        if not is_asked:
            raise StepError("not logged in: npx wrangler login, or set CLOUDFLARE_API_TOKEN") from None
        wrangler.show(commands.LOG_IN, may_ask=True)
        return log_in(wrangler, is_asked=False)
    accounts = ", ".join(str(each.get("name")) for each in who.get("accounts", []))
    return f"{who.get('email') or who.get('authType')} ({accounts})"


def missing_secrets(wrangler: Wrangler, target: Target, names: Iterable[str]) -> list[str]:
    """Return the names that the Worker has no secret for; all names if the Worker does not exist yet.

    Raises:
        StepError: wrangler could not list the secrets.
    """
    try:
        there = {each["name"] for each in wrangler.json(commands.list_secrets(target))}
    except CommandError as error:
        if f'Worker "{target.worker}"' not in error.printed or "not found" not in error.printed:
            raise
        there = set()
    return [name for name in names if name not in there]


def bind(wrangler: Wrangler, target: Target, directory: Path) -> None:
    """Find the account's stores, create the databases that are missing, and write the ids into the copy.

    A database must exist before the code, for its migrations; the deploy itself creates a KV namespace.

    Raises:
        StepError: a database is missing, and could not be created.
    """
    ids: dict[str, str] = {}
    for kind in (KV, D1):
        wanted = [store for store in target.stores() if store.kind == kind and not store.known]
        there = _listed(wrangler, target, kind) if wanted else {}
        absent = [store for store in wanted if store.name not in there]
        if kind == D1 and absent:
            for store in absent:
                wrangler.show(commands.create_database(target, store))
            there = _listed(wrangler, target, kind)
        for store in wanted:
            is_there = store.name in there
            print(f"{store.binding}: {store.name}, {'exists' if is_there else 'created by the deploy'}")
            if is_there:
                ids[store.binding] = there[store.name]
    target.write(directory, ids)


def _listed(wrangler: Wrangler, target: Target, kind: str) -> dict[str, str]:
    name_field, id_field = _NAME_AND_ID[kind]
    listed = wrangler.json(commands.list_stores(target, kind))
    return {each[name_field]: each[id_field] for each in listed}


def deploy(wrangler: Wrangler, target: Target, more: Sequence[str]) -> Deployed:
    """Deploy; return the version and the URL from wrangler's machine-readable output.

    Raises:
        StepError: it failed, or the user declined.
    """
    notes = SCRATCH / f"{target.worker}.ndjson"
    notes.parent.mkdir(parents=True, exist_ok=True)
    notes.unlink(missing_ok=True)
    told = {"WRANGLER_OUTPUT_FILE_PATH": str(notes)}
    wrangler.show(commands.deploy(target, *more), may_ask=True, more=told)
    lines = notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []
    for entry in map(json.loads, lines):
        if entry.get("type") == "deploy" and entry.get("version_id"):
            return Deployed(entry["version_id"], public_url(entry.get("targets") or []))
    raise StepError("wrangler succeeded but deployed nothing")


def public_url(targets: Sequence[str]) -> str | None:
    """Return the Worker's URL: its custom domain if it has one, else its workers.dev address."""
    own = " (custom domain)"
    for each in targets:
        if each.endswith(own):
            return f"https://{each.removesuffix(own)}"
    return next((each for each in targets if each.startswith("https://")), None)
