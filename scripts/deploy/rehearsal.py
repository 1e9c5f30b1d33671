"""The dry run of a deployment: shows every step with its commands, and runs those that need no account."""

import shlex
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from scripts import smoke
from scripts.deploy import commands
from scripts.deploy import secrets as deploy_secrets
from scripts.deploy.commands import Words
from scripts.deploy.steps import SCRATCH
from scripts.deploy.target import D1, KV, Target
from scripts.tools import ROOT
from scripts.wrangler import Wrangler, as_typed

Step = tuple[str, Sequence[str]]


def steps(target: Target, more: Sequence[str]) -> Iterable[Step]:
    """Yield for each step a description, and its commands as a user would type them."""
    stores = [store for store in target.stores() if not store.known]
    lists = [commands.list_stores(target, kind) for kind in (KV, D1) if any(s.kind == kind for s in stores)]
    creates = [commands.create_database(target, store) for store in stores if store.kind == D1]
    secrets = ", ".join(deploy_secrets.wanted(target.own.get("vars", {})))
    yield "log-in: who deploys", _typed([commands.WHO_AM_I])
    yield f"secrets: ask for the missing ones of {secrets}", _typed([commands.list_secrets(target)])
    yield (
        "stores: find the account's stores, create the missing databases",
        _typed([*lists, *creates]),
    )
    yield "migrations: apply those that are missing", _typed(commands.apply_migrations(target, "--remote"))
    yield "secrets: upload the missing ones on standard input", _typed([commands.upload_secrets(target)])
    yield (
        f"deploy: {target.worker}, and a KV namespace and Durable Objects if they are missing",
        _typed([commands.deploy(target, *more)]),
    )
    yield "smoke test, unless --no-smoke", [shlex.join(("python", *smoke.command("https://…")[1:]))]


def _typed(words: Iterable[Words]) -> Sequence[str]:
    return [as_typed(each) for each in words]


def rehearse(wrangler: Wrangler, target: Target, directory: Path, more: Sequence[str]) -> None:
    """Show every step; then apply the migrations to an empty local database, and run wrangler's dry run.

    Raises:
        StepError: a command failed.
    """
    for number, (what, typed) in enumerate(steps(target, more), start=1):
        print("\n".join([f"\n{number} {what}", *(f"  {line}" for line in typed)]))
    print("\nSteps that need no account, done now:", flush=True)
    target.write(directory, {})
    state = SCRATCH / f"{target.worker}-state"
    shutil.rmtree(state, ignore_errors=True)
    for command in commands.apply_migrations(target, "--local", "--persist-to", str(state.relative_to(ROOT))):
        wrangler.show(command)
    wrangler.show(commands.deploy(target, "--dry-run", *more))
