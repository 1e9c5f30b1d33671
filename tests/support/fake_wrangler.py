"""A fake wrangler: it changes an account in a file as wrangler 4.156 would, with the same messages.

Run it as ``python fake_wrangler.py STATE command…``. STATE is a JSON file: the account's state, and the calls
so far.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

EMPTY: dict[str, Any] = {
    "logged_in": True,
    "workers": {},  # the names of each Worker's secrets
    "kv": {},  # ids by title
    "d1": {},  # ids by name
    "migrated": [],  # ids
    "bound": {},  # the bindings that each Worker was deployed with
    "broken": "",  # a command that must fail
    "calls": [],
}
HOST = "https://{}.example.workers.dev"

State = dict[str, Any]


class CommandFailedError(Exception):
    """A failed command; its text is wrangler's error message."""


def configuration(words: list[str]) -> tuple[str, dict[str, Any]]:
    """Return the Worker's name, and its environment's part of the configuration."""
    config = json.loads(Path(words[words.index("--config") + 1]).read_text())
    [name] = [word.removeprefix("--env=") for word in words if word.startswith("--env=")]
    return (f"{config['name']}-{name}", config["env"][name]) if name else (config["name"], config)


def who_am_i(state: State, _words: list[str], _stdin: str) -> object:
    if not state["logged_in"]:
        raise CommandFailedError(json.dumps({"loggedIn": False}))
    return {"loggedIn": True, "authType": "OAuth Token", "email": "me@example.com", "accounts": []}


def log_in(state: State, _words: list[str], _stdin: str) -> None:
    state["logged_in"] = True


def list_secrets(state: State, words: list[str], _stdin: str) -> object:
    worker, _ = configuration(words)
    if worker not in state["workers"]:
        raise CommandFailedError(
            f'Worker "{worker}" not found.\n\nIf this is a new Worker, run `wrangler deploy`'
        )
    return [{"name": name, "type": "secret_text"} for name in state["workers"][worker]]


def upload_secrets(state: State, words: list[str], stdin: str) -> None:
    worker, _ = configuration(words)
    state["workers"].setdefault(worker, []).extend(json.loads(stdin))


def list_namespaces(state: State, _words: list[str], _stdin: str) -> object:
    return [{"id": each, "title": title} for title, each in state["kv"].items()]


def list_databases(state: State, _words: list[str], _stdin: str) -> object:
    return [{"uuid": each, "name": name} for name, each in state["d1"].items()]


def create_database(state: State, words: list[str], _stdin: str) -> None:
    if words[2] in state["d1"]:
        raise CommandFailedError("A database with that name already exists")
    state["d1"][words[2]] = f"uuid-of-{words[2]}"


def migrate(state: State, words: list[str], _stdin: str) -> None:
    _, own = configuration(words)
    [database] = [each for each in own["d1_databases"] if each["binding"] == words[3]]
    if database["database_id"] not in state["d1"].values():
        raise CommandFailedError(f"Couldn't find a D1 DB named '{database['database_name']}'")
    state["migrated"].append(database["database_id"])


def deploy(state: State, words: list[str], _stdin: str) -> None:
    worker, own = configuration(words)
    for each in own["kv_namespaces"]:
        title = f"{worker}-{each['binding'].lower().replace('_', '-')}"
        if not each.get("id") and title in state["kv"]:
            raise CommandFailedError("a namespace with this account ID and title already exists")
        state["kv"].setdefault(title, f"id-of-{title}")
    if state["broken"] == "deploy":  # Cloudflare rejects the code; the stores that were created before stay
        raise CommandFailedError("Uncaught SyntaxError: invalid syntax")
    state["workers"].setdefault(worker, [])
    state["bound"][worker] = own
    targets = [HOST.format(worker), "schedule: */5 * * * *"]
    notes = {"type": "deploy", "version": 1, "worker_name": worker, "version_id": "v-1", "targets": targets}
    lines = [json.dumps(each) + "\n" for each in ({"type": "wrangler-session", "version": 1}, notes)]
    Path(os.environ["WRANGLER_OUTPUT_FILE_PATH"]).write_text("".join(lines))


def _fail(_state: State, _words: list[str], _stdin: str) -> None:
    raise CommandFailedError("this command is set to fail")


COMMANDS: Mapping[str, Callable[[State, list[str], str], object]] = {
    "whoami": who_am_i,
    "login": log_in,
    "secret list": list_secrets,
    "secret bulk": upload_secrets,
    "kv namespace list": list_namespaces,
    "d1 list": list_databases,
    "d1 create": create_database,
    "d1 migrations apply": migrate,
    "deploy": deploy,
}


def main() -> int:
    """Run one wrangler command on the account; return the exit status."""
    path, words = Path(sys.argv[1]), sys.argv[2:]
    state = json.loads(path.read_text())
    name = next(each for each in COMMANDS if f"{' '.join(words)} ".startswith(f"{each} "))
    stdin = sys.stdin.read() if name == "secret bulk" else ""
    state["calls"].append({"words": words, "stdin": stdin})
    try:
        command = _fail if name == state["broken"] != "deploy" else COMMANDS[name]
        if not {"--dry-run", "--local"} & {*words}:
            sys.stdout.write(f"{json.dumps(command(state, words, stdin), indent=2)}\n")
    except CommandFailedError as error:
        sys.stderr.write(f"✘ [ERROR] {error}\n")
        return 1
    finally:
        path.write_text(json.dumps(state))
    return 0


if __name__ == "__main__":
    sys.exit(main())
