"""`make deploy`: log in, upload secrets, make stores, migrate, deploy and test; safe to run again."""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts import smoke
from scripts.deploy import commands, secrets, steps
from scripts.deploy.rehearsal import rehearse
from scripts.deploy.target import Target
from scripts.dev.env import command_line_names
from scripts.dev.stage import read_config
from scripts.tools import ROOT
from scripts.wrangler import StepError, Wrangler, as_typed


@dataclass(frozen=True)
class Surroundings:
    """The environment of a deployment: wrangler, variables, a way to ask questions, and the repository."""

    wrangler: Wrangler
    environ: Mapping[str, str]
    ask: secrets.Ask | None
    directory: Path = ROOT


def run(target: Target, around: Surroundings, *, with_smoke: bool, more: Sequence[str] = ()) -> None:
    """Deploy. All questions come first; nothing changes before they are answered.

    Args:
        target: what to deploy.
        around: the environment of the deployment.
        with_smoke: whether to test it afterwards.
        more: further arguments for ``wrangler deploy``.

    Raises:
        StepError: a step failed. The steps before it are done, and the next run finds them done.
    """
    wrangler = around.wrangler
    wanted = secrets.wanted(target.own.get("vars", {}))
    secrets.refuse_on_command_line(command_line_names(around.environ.get("MAKEFLAGS", "")), wanted)
    target.write(around.directory, {})
    _say(f"log-in: {steps.log_in(wrangler, is_asked=around.ask is not None)}")
    missing = steps.missing_secrets(wrangler, target, wanted)
    _say(f"secrets: {'missing ' + ', '.join(missing) if missing else 'complete'}")
    given = secrets.with_key_file(around.environ, around.directory)
    values = secrets.collect(missing, given=given, ask=around.ask, environment=target.environment)
    key = secrets.smoke_key(around.environ, around.ask) if with_smoke else ""
    _say("stores")
    steps.bind(wrangler, target, around.directory)
    _say("migrations")
    for command in commands.apply_migrations(target, "--remote"):
        wrangler.show(command)
    if values:
        _say(
            f"secrets: {', '.join(values)}, on standard input of {as_typed(commands.upload_secrets(target))}"
        )
        wrangler.ask(commands.upload_secrets(target), stdin=json.dumps(values))
    _say(f"deploy: {target.worker}")
    done = steps.deploy(wrangler, target, more)
    _say(f"version {done.version} is at {done.url or 'no public address'}")
    if with_smoke:
        _test(done, key, target, around)


def _test(done: steps.Deployed, key: str, target: Target, around: Surroundings) -> None:
    if not done.url:
        raise StepError("deployed, but not tested: it has no public address. Try: make smoke URL=…")
    _say("smoke test")
    try:
        smoke.run(done.url, key, around.environ)
    except StepError as error:
        back = as_typed(commands.roll_back(target))
        raise StepError(f"{error}. To restore the previous version, if there was one: {back}") from None


def _say(what: str) -> None:
    print(f"\n{what}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Deploy what the command line names; unknown arguments are passed to wrangler."""
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__, allow_abbrev=False)
    parser.add_argument("--env", default="", help="an environment of wrangler.toml; without it, production")
    parser.add_argument(
        "--dry-run", action="store_true", help="show every step, run those that need no account"
    )
    parser.add_argument("--no-smoke", action="store_true", help="leave out the test of what was deployed")
    named, more = parser.parse_known_args(arguments)
    around = Surroundings(Wrangler.pinned(), os.environ, secrets.asker(os.environ))
    try:
        target = Target(read_config(ROOT / "wrangler.toml"), named.env)
        if named.dry_run:
            rehearse(around.wrangler, target, around.directory, more)
        else:
            run(target, around, with_smoke=not named.no_smoke, more=more)
    except StepError as error:
        sys.exit(f"\nmake deploy: {error}")


if __name__ == "__main__":
    main()
