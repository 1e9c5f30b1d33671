"""Runs Claude Code without a terminal on a small task: to change a word in a file."""

import json
import os
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scripts.dev.leash import Leash
from scripts.setup_clients import CLAUDE_CODE
from scripts.tools import node, tool_environment

# npm runs no install scripts, so `bin/claude` is a placeholder. This file of the package starts the binary.
PROGRAM = CLAUDE_CODE / "node_modules" / "@anthropic-ai" / "claude-code" / "cli-wrapper.cjs"
BEFORE, AFTER = "hello", "goodbye"
FILE = "greeting.txt"
POLL_S = 0.02


@dataclass(frozen=True)
class Outcome:
    """What a run of Claude Code came to.

    Attributes:
        session: the session's id, which is in each of its requests.
        seconds: how long it ran.
        status: its exit status; None if it was ended at its limit.
        did_task: whether the file has the new word.
        said: what the user reads at the end; empty if it was ended before.
    """

    session: str
    seconds: float
    status: int | None
    did_task: bool
    said: str


def environment(home: Path, url: str, key: str) -> dict[str, str]:
    """Return an environment that shows nothing of this machine but the tools on its PATH.

    Args:
        home: an empty home directory.
        url: the base URL, without ``/v1``.
        key: the key for it.
    """
    passed = {"PATH": os.environ.get("PATH", os.defpath)}
    return tool_environment(passed) | {
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "NO_PROXY": "127.0.0.1",
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_AUTH_TOKEN": key,
        "ANTHROPIC_API_KEY": "",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }


def run_task(
    home: Path, environ: Mapping[str, str], model: str, *, limit_s: float, mode: str = "acceptEdits"
) -> Outcome:
    """Let Claude Code do the task in a new directory; end it after ``limit_s``.

    Args:
        home: where the directory is made, and the output is kept.
        environ: see ``environment``.
        model: the name of the model that it asks for.
        limit_s: after how many seconds it is ended.
        mode: its permission mode.
    """
    session = str(uuid.uuid4())
    work = home / session
    work.mkdir(parents=True)
    file = work / FILE
    file.write_text(f"{BEFORE} world\n", encoding="utf-8")
    command: list[str | Path] = [node(), PROGRAM, "-p", f"FILE={file} OLD={BEFORE} NEW={AFTER}"]
    command += ["--model", model, "--session-id", session]
    command += ["--output-format", "json", "--permission-mode", mode]
    began_s = time.monotonic()
    with Leash(command, log=home / f"{session}.log", cwd=work, environ=environ) as leash:
        while leash.status is None and time.monotonic() - began_s < limit_s:
            time.sleep(POLL_S)
        status, seconds = leash.status, time.monotonic() - began_s
    return Outcome(
        session=session,
        seconds=seconds,
        status=status,
        did_task=file.read_text(encoding="utf-8") == f"{AFTER} world\n",
        said=said_in(leash.log_text()).replace(str(file), FILE),
    )


def said_in(output: str) -> str:
    """Return the text that the user reads at the end of a run; empty if there is none."""
    for line in reversed(output.splitlines()):
        with suppress(ValueError):
            result = json.loads(line)
            if isinstance(result, dict) and result.get("type") == "result":
                return str(result.get("result", ""))
    return ""


def command_directory(home: Path) -> Path:
    """Return a directory for the PATH, in which `claude` starts the program."""
    directory = home / "bin"
    directory.mkdir(exist_ok=True)
    file = directory / "claude"
    file.write_text(f'#!/bin/sh\nexec "{node()}" "{PROGRAM}" "$@"\n', encoding="utf-8")
    file.chmod(0o755)
    return directory
