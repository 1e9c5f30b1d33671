"""The secrets that a Worker needs: which ones, where a missing one comes from, and whether it is usable."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from getpass import getpass
from pathlib import Path
from typing import Any

from gateway.settings.keys import as_keys
from gateway.settings.parse_value import as_flag
from gateway.settings.upstreams import as_upstreams
from scripts.keys import file as key_file
from scripts.wrangler import StepError, as_typed

OPENROUTER, GATEWAY = "OPENROUTER_API_KEY", "GATEWAY_KEYS"
SMOKE_KEY = "GATEWAY_KEY"
HINTS = {
    OPENROUTER: "OpenRouter's key, openrouter.ai/settings/keys",
    GATEWAY: "the callers' keys; `make key NAME=app1` makes one in keys.json, which is read",
    SMOKE_KEY: "the token of one of GATEWAY_KEYS, for the smoke test; it is not stored",
}

Ask = Callable[[str], str]


def wanted(variables: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the secrets without which the Worker refuses every request.

    Args:
        variables: ``[vars]`` of wrangler.toml.

    Raises:
        StepError: a setting that decides this is invalid.
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
    """Return a value for each missing secret: from the environment, else from the person at the terminal.

    Args:
        missing: their names.
        given: the environment.
        ask: asks at the terminal; None if there is no terminal.
        environment: the environment of wrangler.toml, for the command that sets a secret by hand.

    Raises:
        StepError: a secret is not available, or cannot be valid.
    """
    return {name: _value(name, given, ask, environment) for name in missing}


def with_key_file(given: Mapping[str, str], directory: Path) -> dict[str, str]:
    """Return the environment; if it has no ``GATEWAY_KEYS``, with those of the file ``keys.json``.

    Raises:
        StepError: the Worker could not read the file.
    """
    entries = [] if given.get(GATEWAY, "").strip() else key_file.read(directory)
    return {**given, GATEWAY: json.dumps(entries)} if entries else {**given}


def _value(name: str, given: Mapping[str, str], ask: Ask | None, environment: str) -> str:
    value = given.get(name, "").strip()
    if not value and ask:
        value = ask(f"{name} ({HINTS.get(name, 'the key of an upstream in UPSTREAMS')}): ").strip()
    by_hand = ("secret", "put", name, f"--env={environment}")
    if not value:
        where = f"put it into the environment, or set it with: {as_typed(by_hand)}"
        raise StepError(f"{name} is missing ({HINTS.get(name, 'an upstream needs it')}): {where}")
    check(name, value)
    return value


def smoke_key(given: Mapping[str, str], ask: Ask | None) -> str:
    """Return the token that the smoke test calls with.

    Raises:
        StepError: no token is available.
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
    """Fail if the gateway could not use a secret; the message never contains the value.

    Raises:
        StepError: the value cannot be valid.
    """
    if name == GATEWAY:
        try:
            as_keys(value)
        except ValueError as error:
            raise StepError(f"{name} {error}") from None
    elif not value.isascii() or len(value.split()) != 1:
        raise StepError(f"{name} must be a single ASCII word, exactly as its issuer shows it")


def asker(environ: Mapping[str, str]) -> Ask | None:
    """Return a function that asks at the terminal without an echo; None if there is no terminal, or in CI."""
    # getpass alone is not enough: it opens the terminal even if stdin is something else.
    return getpass if sys.stdin.isatty() and sys.stderr.isatty() and not environ.get("CI") else None


def refuse_on_command_line(named: Iterable[str], secrets: Iterable[str]) -> None:
    """Fail if a secret is on make's command line, where every user of the machine can read it.

    Raises:
        StepError: a secret is there.
    """
    if told := sorted({*named} & {*secrets, SMOKE_KEY}):
        raise StepError(
            f"{', '.join(told)} must not be on a command line: set the variable or enter it when asked"
        )
