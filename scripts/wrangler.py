"""Runs the current wrangler and returns or shows its output; errors become a ``StepError``.

As a program (`make wrangler`) it passes its arguments to wrangler.
"""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.tools import ROOT, WRANGLER, node, tool_environment


class StepError(RuntimeError):
    """A step of a script failed; the message says what to do."""


class CommandError(StepError):
    """Wrangler ended with an error; ``printed`` is its output."""

    def __init__(self, shown: str, printed: str) -> None:
        super().__init__(f"{shown}\n{printed.strip()}")
        self.printed = printed


def as_typed(words: Sequence[str]) -> str:
    """Return the command as a user would type it."""
    return shlex.join(["npx", "wrangler", *words])


@dataclass(frozen=True)
class Wrangler:
    """The wrangler command, its environment and its directory."""

    command: Sequence[str | Path]
    environ: Mapping[str, str]
    directory: Path = ROOT

    @classmethod
    def pinned(cls) -> "Wrangler":
        """Return the wrangler of package.json, run by the Node in ``.venv``."""
        return cls((node(), WRANGLER), tool_environment(os.environ))

    def ask(self, words: Sequence[str], *, stdin: str = "") -> str:
        """Run it without showing its output; return what it printed.

        It has no terminal, so it asks nothing and uses its defaults. Pass a secret by ``stdin`` only.

        Raises:
            CommandError: it failed.
        """
        done = subprocess.run(
            [*self.command, *words],
            cwd=self.directory,
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CommandError(as_typed(words), done.stdout + done.stderr)
        return done.stdout

    def json(self, words: Sequence[str]) -> Any:  # noqa: ANN401  # JSON of any kind
        """Run it without showing its output; return the JSON that it printed.

        Raises:
            StepError: it failed, or did not print JSON.
        """
        printed = self.ask(words)
        try:
            return json.loads(printed)
        except ValueError:
            raise CommandError(as_typed(words), f"printed no JSON:\n{printed}") from None

    def show(
        self, words: Sequence[str], *, may_ask: bool = False, more: Mapping[str, str] | None = None
    ) -> None:
        """Run it and show its output.

        Args:
            words: the words after ``wrangler``.
            may_ask: let it use the terminal, if there is one; otherwise it uses its defaults.
            more: further environment variables.

        Raises:
            StepError: it failed, and has printed why.
        """
        print(f"$ {as_typed(words)}", flush=True)
        status = subprocess.run(
            [*self.command, *words],
            cwd=self.directory,
            env={**self.environ, **(more or {})},
            stdin=None if may_ask else subprocess.DEVNULL,
            check=False,
        ).returncode
        if status:
            raise StepError(f"{as_typed(words)} ended with status {status}")


if __name__ == "__main__":
    os.chdir(ROOT)
    program = Wrangler.pinned()
    words = [*map(str, program.command), *sys.argv[1:]]
    os.execve(words[0], words, dict(program.environ))  # noqa: S606  # it replaces this process
