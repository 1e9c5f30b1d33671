"""The steps of a deployment, each of which looks at what is there first, so that it can be run again."""

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
    """What wrangler says that it has deployed, and where; no URL where the Worker has none."""

    version: str
    url: str | None


def log_in(wrangler: Wrangler, *, is_asked: bool) -> str:
    """Return who is logged in; where nobody is, but somebody may be asked, wrangler asks first.

    Raises:
        StepError: nobody is.
    """
    try:
        who = wrangler.json(commands.WHO_AM_I)
    except CommandError as error:
        if '"loggedIn":false' not in error.printed.replace(" ", ""):
            raise
        if not is_asked:
            raise StepError("nobody is logged in: npx wrangler login, or set CLOUDFLARE_API_TOKEN") from None
        wrangler.show(commands.LOG_IN, may_ask=True)
        return log_in(wrangler, is_asked=False)
    accounts = ", ".join(str(each.get("name")) for each in who.get("accounts", []))
    return f"{who.get('email') or who.get('authType')} ({accounts})"


def missing_secrets(wrangler: Wrangler, target: Target, names: Iterable[str]) -> list[str]:
    """Return those of ``names`` that the Worker does not have; all, of one that does not exist yet.

    Raises:
        StepError: that could not be found out.
    """
    try:
        there = {each["name"] for each in wrangler.json(commands.list_secrets(target))}
    except CommandError as error:
        if f'Worker "{target.worker}"' not in error.printed or "not found" not in error.printed:
            raise
        there = set()
    return [name for name in names if name not in there]


def bind(wrangler: Wrangler, target: Target, directory: Path) -> None:
    """Find the stores that the account has, create the databases that it has not, and write the ids down.

    A database is needed before the code is, for its migrations; a KV namespace is created by the deploy.

    Raises:
        StepError: a database is not there, and could not be created.
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
            print(f"{store.binding}: {store.name}, {'there' if is_there else 'comes with the deploy'}")
            if is_there:
                ids[store.binding] = there[store.name]
    target.write(directory, ids)


def _listed(wrangler: Wrangler, target: Target, kind: str) -> dict[str, str]:
    name_field, id_field = _NAME_AND_ID[kind]
    listed = wrangler.json(commands.list_stores(target, kind))
    return {each[name_field]: each[id_field] for each in listed}


def deploy(wrangler: Wrangler, target: Target, more: Sequence[str]) -> Deployed:
    """Deploy; return what and where, as wrangler notes it for programs.

    Raises:
        StepError: it failed, or whoever was asked said no.
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
    raise StepError("wrangler ended well but deployed nothing")


def public_url(targets: Sequence[str]) -> str | None:
    """Return where the Worker answers: at its own domain if it has one, else at workers.dev."""
    own = " (custom domain)"
    for each in targets:
        if each.endswith(own):
            return f"https://{each.removesuffix(own)}"
    return next((each for each in targets if each.startswith("https://")), None)
