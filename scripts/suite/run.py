"""Runs a part of the suite, and says how far the running parts are."""

import os
import time

from scripts.dev.leash import Leash
from scripts.dev.ports import wait_while_alive
from scripts.suite.parts import Part
from scripts.suite.reporter import read_progress
from scripts.suite.results import Result, read_counts
from scripts.tools import ROOT, tool_environment

STALL_S = 300.0
"""A part that prints nothing for so long hangs. The whole has no limit: a busy machine needs longer."""
GIVES_WAY = ("nice", "-n", "5")


def run(part: Part) -> Result:
    """Run one part until it ends or hangs."""
    part.progress.unlink(missing_ok=True)
    began_s = time.monotonic()
    command = part.command if part.measures_time else (*GIVES_WAY, *part.command)
    with Leash(command, log=part.log, cwd=ROOT, environ=tool_environment(os.environ)) as leash:
        ended = wait_while_alive(
            lambda: leash.status is not None, lambda: leash.log.stat().st_size, stall_s=STALL_S
        )
        status = leash.status
    output = leash.log_text()
    complaint = part.complaint(output) if status == 0 else ""
    if not ended:
        complaint = f"ended because it printed nothing for {STALL_S:.0f} s; {how_far(part)}"
    ok = status == 0 and not complaint
    return Result(part, ok, f"{output}{complaint}", time.monotonic() - began_s, read_counts(part.progress))


def how_far(part: Part) -> str:
    """Return the part's name, and for tests how many are done and which one was the last."""
    progress = read_progress(part.progress)
    if progress.total is None:
        return part.name
    last = f", last in {progress.done[-1][1].partition('::')[0]}" if progress.done else ""
    return f"{part.name} {len(progress.done)}/{progress.total}{last}"
