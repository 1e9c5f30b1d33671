"""`make key`, `make keys`, `make key-rotate` and `make key-revoke`.

With ``URL`` they manage the keys of a running gateway, else those of ``keys.json`` for the secret.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias
from urllib.parse import urlsplit

from gateway.http.json_values import JsonObject, list_or_empty, object_or_empty
from gateway.settings.parse_value import LOOPBACK_HOSTS, as_whole
from scripts.deploy.secrets import Ask, asker, refuse_on_command_line
from scripts.dev.env import command_line_names, given_settings, unknown_names
from scripts.keys import file
from scripts.keys.gateway import RunningGateway, base_url
from scripts.keys.new_key import VARIABLES, entry_of, fields_in, name_in, new_token
from scripts.keys.table import shown_keys
from scripts.tools import ROOT
from scripts.wrangler import StepError

ADMIN_KEY = "GATEWAY_ADMIN_KEY"


@dataclass(frozen=True)
class Around:
    """What a command needs: the variables, the folder of the file, and the gateway, if one is named."""

    environ: Mapping[str, str]
    directory: Path
    gateway: RunningGateway | None


Command: TypeAlias = Callable[[Around], str]


def make(around: Around) -> str:
    """Make a key; return what to print."""
    name, fields = name_in(around.environ), fields_in(around.environ)
    if around.gateway:
        made = around.gateway.send("POST", "", {"name": name, **fields})
        return _told(name, str(made["token"]), f"It is in the database of {around.gateway.url}.\n")
    entries = file.read(around.directory)
    if any(each["name"] == name for each in entries):
        raise StepError(f"{name} is in {file.NAME}. Give it a new token with: make key-rotate NAME={name}")
    token = new_token()
    file.write(around.directory, [*entries, entry_of(name, token, fields)])
    return _told(name, token, _STORE)


def show(around: Around) -> str:
    """Return the table of all keys, to print."""
    if not around.gateway:
        return shown_keys(file.read(around.directory))
    keys: list[JsonObject] = []
    after = ""
    while True:
        page = around.gateway.send("GET", f"?after={after}" if after else "")
        keys += [object_or_empty(each) for each in list_or_empty(page["data"])]
        if page["next"] is None:
            break
        after = str(page["next"])
    in_secret: list[JsonObject] = [
        {"name": each, "state": "in GATEWAY_KEYS"} for each in list_or_empty(page["in_secret"])
    ]
    return shown_keys([*in_secret, *keys])


def rotate(around: Around) -> str:
    """Give a key a new token; return what to print."""
    name = name_in(around.environ)
    raw = around.environ.get("VALID_FOR_S", "").strip()
    if around.gateway:
        try:
            body: JsonObject = {"valid_for_s": as_whole(0, 999_999_999)(raw)} if raw else {}
        except ValueError as error:
            raise StepError(f"VALID_FOR_S is wrong: it {error}") from None
        made = around.gateway.send("POST", f"/{name}/rotate", body)
        until = made["old_token_until"]
        ends = f"The old token is valid until {until}.\n" if until else "The old token has ended.\n"
        return _told(name, str(made["token"]), ends)
    if raw:
        raise StepError("VALID_FOR_S needs the URL of a running gateway")
    entries = file.read(around.directory)
    same = [each for each in entries if each["name"] == name]
    if not same:
        raise StepError(f"{name} is not in {file.NAME}")
    token = new_token()
    fields = {field: value for field, value in same[-1].items() if field not in ("name", "sha256", "token")}
    others = [each for each in entries if each["name"] != name]
    file.write(around.directory, [*others, same[-1], entry_of(name, token, fields)])
    return _told(
        name,
        token,
        f"{_STORE}\nThe old token is valid until the next rotation, or until you delete its line.\n",
    )


def revoke(around: Around) -> str:
    """Revoke a key; return what to print."""
    name = name_in(around.environ)
    if around.gateway:
        around.gateway.send("DELETE", f"/{name}")
        return f"{name} is revoked: at {around.gateway.url} its tokens are refused within KEY_CACHE_S.\n"
    entries = file.read(around.directory)
    left = [each for each in entries if each["name"] != name]
    if len(left) == len(entries):
        raise StepError(f"{name} is not in {file.NAME}")
    file.write(around.directory, left)
    return (
        f"{name} is no longer in {file.NAME}. Its tokens are valid until you store the file:\n\n{_STORE_IT}"
    )


# The commands, and the variables that each takes.
COMMANDS: Mapping[str, tuple[Command, tuple[str, ...]]] = MappingProxyType(
    {
        "key": (make, ("NAME", "URL", *VARIABLES)),
        "keys": (show, ("URL",)),
        "key-rotate": (rotate, ("NAME", "URL", "VALID_FOR_S")),
        "key-revoke": (revoke, ("NAME", "URL")),
    }
)
_STORE_IT = f"  npx wrangler secret put GATEWAY_KEYS --env= < {file.NAME}\n"
_STORE = f"""\
Its digest is in {file.NAME}. The first `make deploy` stores this file as the secret GATEWAY_KEYS. Later:

{_STORE_IT}"""


def _told(name: str, token: str, where: str) -> str:
    return f"""\
The key of {name}, shown only this once. Its holder sends it as `Authorization: Bearer …` or `x-api-key`:

  {token}

{where}"""


def run(command: str, environ: Mapping[str, str], ask: Ask | None, directory: Path = ROOT) -> str:
    """Run a command; return what to print.

    Raises:
        StepError: a variable is unknown or wrong, or the gateway refused.
    """
    do, variables = COMMANDS[command]
    named = command_line_names(environ.get("MAKEFLAGS", ""))
    refuse_on_command_line(named, (ADMIN_KEY,))
    if unknown := unknown_names(named, frozenset({*variables, "PYTHON"})):
        raise StepError(f"no such variable: {', '.join(unknown)}. There are: {', '.join(variables)}")
    return do(_around(environ, ask, directory))


def _around(environ: Mapping[str, str], ask: Ask | None, directory: Path) -> Around:
    """Return what a command needs.

    Raises:
        StepError: the address is wrong, or the admin's key is missing.
    """
    raw = environ.get("URL", "").strip()
    if not raw:
        return Around(environ, directory, None)
    url = base_url(raw)
    key = given_settings(directory, environ, frozenset({ADMIN_KEY})).get(ADMIN_KEY, "").strip()
    if not key and urlsplit(url).hostname not in LOOPBACK_HOSTS:
        key = ask(f"{ADMIN_KEY} (the token of an admin's key of {url}): ").strip() if ask else ""
        if not key:
            raise StepError(f"{ADMIN_KEY} is missing: put an admin's key into the environment or .dev.vars")
    return Around(environ, directory, RunningGateway(url, key))


def main(arguments: list[str]) -> None:
    """Run the command that the first argument names."""
    command = arguments[0]
    try:
        print(run(command, os.environ, asker(os.environ)), end="")
    except StepError as error:
        sys.exit(f"make {command}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
