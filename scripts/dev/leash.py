"""Child processes that always end with this process, even if it is killed.

``Leash`` starts this module as a small process that runs the command in a new session and holds a pipe from
its parent. When the pipe closes - the parent has let go, or was killed - it ends the command's whole family.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType

from scripts.dev.processes import Row, end_family, family, process_table

ROOT = Path(__file__).resolve().parents[2]
POLL_S = 0.05


class Leash:
    """A command that runs until it ends, ``end`` is called, or this process is gone."""

    def __init__(
        self, command: Sequence[str | Path], *, log: Path, cwd: Path, environ: Mapping[str, str]
    ) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        with log.open("wb") as output:
            # The holder inherits the pipe's read end as its stdin; the command itself gets none.
            self._holder = subprocess.Popen(
                [sys.executable, "-m", "scripts.dev.leash", str(cwd), *(str(word) for word in command)],
                cwd=ROOT,
                env={**environ, "PWD": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def status(self) -> int | None:
        """The command's exit status, or None while it runs."""
        return self._holder.poll()

    def processes(self) -> list[Row]:
        """Return the command's processes that are alive now."""
        return [row for row in family(self._holder.pid, process_table()) if row.pid != self._holder.pid]

    def log_text(self) -> str:
        """Return everything that the command has printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def end(self) -> None:
        """End the command and everything that it has started; return once all of it is gone."""
        if self._holder.stdin:
            self._holder.stdin.close()
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):  # the machine is busy; see below
                self._holder.wait(timeout=5)
        finally:
            end_family(self._holder.pid, grace_s=0)  # finds nothing, unless the holder was killed or is slow
            self._holder.wait()

    def __enter__(self) -> "Leash":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


def hold(cwd: str, command: list[str]) -> int:
    """Run ``command`` until it ends or stdin closes; then end its family. Return its exit status."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _only_the_pipe_decides)  # the command would inherit SIG_IGN
    environ = {**os.environ, "PWD": cwd}  # workerd complains when it differs
    with subprocess.Popen(command, cwd=cwd, env=environ, stdin=subprocess.DEVNULL) as child:
        while child.poll() is None and not _let_go():
            pass
        end_family(os.getpid())
        return child.wait()


def _let_go() -> bool:
    readable, _, _ = select.select([sys.stdin.fileno()], [], [], POLL_S)
    return bool(readable)


def _only_the_pipe_decides(_number: int, _frame: FrameType | None) -> None:
    """Ignore the signal."""


if __name__ == "__main__":
    sys.exit(hold(sys.argv[1], sys.argv[2:]))
