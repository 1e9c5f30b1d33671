"""Running the current wrangler: what it answers, or what it shows, or why the step failed.

As a program, `make wrangler`, it is wrangler.
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
    """A step cannot be done; the message says what to do."""


class CommandError(StepError):
    """Wrangler ended with an error, and with what it printed."""

    def __init__(self, shown: str, printed: str) -> None:
        super().__init__(f"{shown}\n{printed.strip()}")
        self.printed = printed


def as_typed(words: Sequence[str]) -> str:
    """Return the command as one would type it."""
    return shlex.join(["npx", "wrangler", *words])


@dataclass(frozen=True)
class Wrangler:
    """The program, and what it finds around it."""

    command: Sequence[str | Path]
    environ: Mapping[str, str]
    directory: Path = ROOT

    @classmethod
    def pinned(cls) -> "Wrangler":
        """Return the one of package.json, under the venv's Node."""
        return cls((node(), WRANGLER), tool_environment(os.environ))

    def ask(self, words: Sequence[str], *, stdin: str = "") -> str:
        """Run it unseen; return what it printed.

        It has no terminal, so it asks nothing and takes its defaults. A secret goes in by ``stdin`` only.

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
        """Run it unseen; return the JSON that it printed.

        Raises:
            StepError: it failed, or printed something else.
        """
        printed = self.ask(words)
        try:
            return json.loads(printed)
        except ValueError:
            raise CommandError(as_typed(words), f"printed no JSON:\n{printed}") from None

    def show(
        self, words: Sequence[str], *, may_ask: bool = False, more: Mapping[str, str] | None = None
    ) -> None:
        """Run it with its output shown.

        Args:
            words: after ``wrangler``.
            may_ask: give it the terminal, where there is one; else it takes its defaults.
            more: for its environment.

        Raises:
            StepError: it failed; it has said why.
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
    os.execve(words[0], words, dict(program.environ))  # noqa: S606  # it takes our place
