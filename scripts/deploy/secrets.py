"""The secrets that a Worker must have: which, where a missing one comes from, and whether it can be right."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from getpass import getpass
from typing import Any

from gateway.settings.keys import as_keys
from gateway.settings.parse_value import as_flag
from gateway.settings.upstreams import as_upstreams
from scripts.wrangler import StepError, as_typed

OPENROUTER, GATEWAY = "OPENROUTER_API_KEY", "GATEWAY_KEYS"
SMOKE_KEY = "GATEWAY_KEY"
HINTS = {
    OPENROUTER: "OpenRouter's key, openrouter.ai/settings/keys",
    GATEWAY: "who may call; `make key NAME=app1` makes one and prints what to give here",
    SMOKE_KEY: "the token of one of GATEWAY_KEYS, for the smoke test; it is not stored",
}

Ask = Callable[[str], str]


def wanted(variables: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the secrets without which the Worker serves nobody.

    Args:
        variables: ``[vars]`` as wrangler.toml has them.

    Raises:
        StepError: a setting that decides it is wrong.
    """
    upstreams = variables.get("UPSTREAMS", "")
    try:
        open_to_own_keys = as_flag(str(variables.get("ALLOW_CLIENT_KEYS", "")).lower())
        declared = as_upstreams(upstreams if isinstance(upstreams, str) else json.dumps(upstreams))
    except ValueError as error:
        raise StepError(f"[vars] in wrangler.toml: {error}") from None
    names = [OPENROUTER, *([] if open_to_own_keys else [GATEWAY])]
    return tuple(dict.fromkeys([*names, *(each.secret for each in declared if each.secret)]))


def collect(
    missing: Iterable[str], *, given: Mapping[str, str], ask: Ask | None, environment: str
) -> dict[str, str]:
    """Return a value for each missing secret: from the environment, else from whoever is at the terminal.

    Args:
        missing: their names.
        given: the environment.
        ask: asks a person; None where nobody is there.
        environment: of wrangler.toml, for the command that would set it by hand.

    Raises:
        StepError: one is not to be had, or cannot be right.
    """
    return {name: _value(name, given, ask, environment) for name in missing}


def _value(name: str, given: Mapping[str, str], ask: Ask | None, environment: str) -> str:
    value = given.get(name, "").strip()
    if not value and ask:
        value = ask(f"{name} ({HINTS.get(name, 'the key of an upstream in UPSTREAMS')}): ").strip()
    by_hand = ("secret", "put", name, f"--env={environment}")
    if not value:
        where = f"put it into the environment, or set it with: {as_typed(by_hand)}"
        raise StepError(f"{name} is missing ({HINTS.get(name, 'an upstream wants it')}): {where}")
    check(name, value)
    return value


def smoke_key(given: Mapping[str, str], ask: Ask | None) -> str:
    """Return the token that the smoke test calls with.

    Raises:
        StepError: there is none.
    """
    key = given.get(SMOKE_KEY, "").strip() or (
        ask(f"{SMOKE_KEY} ({HINTS[SMOKE_KEY]}): ").strip() if ask else ""
    )
    if not key:
        raise StepError(
            f"{SMOKE_KEY} is missing ({HINTS[SMOKE_KEY]}): put it into the environment, "
            "or leave the test out with: make deploy ARGS=--no-smoke"
        )
    return key


def check(name: str, value: str) -> None:
    """Fail if the gateway could not use a secret; the value itself is never said.

    Raises:
        StepError: it could not.
    """
    if name == GATEWAY:
        try:
            as_keys(value)
        except ValueError as error:
            raise StepError(f"{name} {error}") from None
    elif not value.isascii() or len(value.split()) != 1:
        raise StepError(f"{name} must be one word of ASCII, as its issuer shows it")


def asker(environ: Mapping[str, str]) -> Ask | None:
    """Return what asks at the terminal without an echo; None where nobody would answer."""
    # Not by getpass alone: it opens the terminal even if we were started with other input.
    return getpass if sys.stdin.isatty() and sys.stderr.isatty() and not environ.get("CI") else None


def refuse_on_command_line(named: Iterable[str], secrets: Iterable[str]) -> None:
    """Fail if a secret was a word of make's command line, where every user of the machine can read it.

    Raises:
        StepError: one was.
    """
    if told := sorted({*named} & {*secrets, SMOKE_KEY}):
        raise StepError(
            f"{', '.join(told)} must not be on a command line: give it in the environment, or be asked"
        )
