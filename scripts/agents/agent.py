"""A coding agent: what is known of it, and one run of it on a small task, to change a word in a file."""

import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.dev.leash import Leash
from scripts.tools import tool_environment

BEFORE, AFTER = "hello", "goodbye"
FILE = "greeting.txt"
POLL_S = 0.02


@dataclass(frozen=True)
class Target:
    """Whom an agent asks.

    Attributes:
        url: a gateway's address, or that of OpenRouter up to ``/api``.
        key: the key for it.
        model: the model's name there.
    """

    url: str
    key: str
    model: str


@dataclass(frozen=True)
class Agent:
    """A coding agent.

    Attributes:
        name: its name.
        slug: its name in markers of pages, and in keys of the gateway.
        command: its command on the PATH of those who use it.
        question: the command and its first word, if it is to answer one question.
        program: the words that start it.
        prepare: writes its settings into an empty home directory; returns its own environment variables.
        arguments: the arguments for a task, from the prompt, the model, and an id for the session.
        flagging_arguments: more arguments, with which it asks whether an action is safe; None if it cannot.
        said_in: what the user reads at the end, from its output; empty if there is nothing.
        session_in: the session's id from its output and the id that it was given; it is in each request.
    """

    name: str
    slug: str
    command: str
    question: str
    program: Sequence[str | Path]
    prepare: Callable[[Path, Target], Mapping[str, str]]
    arguments: Callable[[str, str, str], Sequence[str]]
    flagging_arguments: Sequence[str] | None
    said_in: Callable[[str], str]
    session_in: Callable[[str, str], str]

    def environment(self, home: Path, target: Target) -> dict[str, str]:
        """Return an environment that shows nothing of this machine but the tools on its PATH.

        Args:
            home: an empty home directory.
            target: whom the agent asks.
        """
        passed = {"PATH": os.environ.get("PATH", os.defpath)}
        own = {"HOME": str(home), "TMPDIR": str(home), "LANG": "C.UTF-8", "NO_PROXY": "127.0.0.1"}
        return {**tool_environment(passed), **own, **self.prepare(home, target)}

    def put_into(self, directory: Path) -> None:
        """Make a file in a directory of the PATH that starts the agent by its command."""
        directory.mkdir(exist_ok=True)
        file = directory / self.command
        words = " ".join(f'"{word}"' for word in self.program)
        file.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        file.chmod(0o755)


@dataclass(frozen=True)
class Outcome:
    """What a run of an agent came to.

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


def run_task(agent: Agent, folder: Path, target: Target, *, limit_s: float, is_flagging: bool) -> Outcome:
    """Let an agent do the task in a new directory; end it after ``limit_s``.

    Args:
        agent: the agent.
        folder: where its directories are made, and its output is kept.
        target: whom it asks.
        limit_s: after how many seconds it is ended.
        is_flagging: whether it asks if its actions are safe.
    """
    given = str(uuid.uuid4())
    home, work = folder / given / "home", folder / given / "work"
    home.mkdir(parents=True)
    work.mkdir()
    file = work / FILE
    file.write_text(f"{BEFORE} world\n", encoding="utf-8")
    arguments = agent.arguments(f"FILE={file} OLD={BEFORE} NEW={AFTER}", target.model, given)
    command = [*agent.program, *arguments, *((agent.flagging_arguments or ()) if is_flagging else ())]
    environ = agent.environment(home, target)
    began_s = time.monotonic()
    with Leash(command, log=folder / given / "output", cwd=work, environ=environ) as leash:
        while leash.status is None and time.monotonic() - began_s < limit_s:
            time.sleep(POLL_S)
        status, seconds = leash.status, time.monotonic() - began_s
    output = leash.log_text()
    return Outcome(
        session=agent.session_in(output, given),
        seconds=seconds,
        status=status,
        did_task=file.read_text(encoding="utf-8") == f"{AFTER} world\n",
        said=agent.said_in(output).replace(str(file), FILE),
    )
