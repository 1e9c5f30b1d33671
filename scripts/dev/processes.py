"""Finds all processes below one process, and ends them by their ids, never by name."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")


class Row(NamedTuple):
    """One line of the process table; ``group`` and ``session`` are the kernel's ids."""

    pid: int
    parent: int
    group: int
    session: int
    name: str


def process_table() -> list[Row]:
    """Return every living process (no zombies): from /proc, or from ps if there is no /proc."""
    if (PROC / "self" / "stat").exists():
        rows = (_row_from_stat(entry) for entry in PROC.iterdir() if entry.name.isdigit())
        return [row for row in rows if row]
    columns = ["ps", "-A", "-o", "pid=,ppid=,pgid=,stat=,comm="]
    listing = subprocess.run(columns, capture_output=True, text=True, check=True).stdout
    fields = (line.split(maxsplit=4) for line in listing.splitlines())
    # A session's leader has a group of the same number: this ps shows nothing closer to the session.
    return [
        Row(int(pid), int(parent), int(group), int(group), Path(name).name)
        for pid, parent, group, state, name in fields
        if not state.startswith("Z")
    ]


def _row_from_stat(entry: Path) -> Row | None:
    try:
        text = (entry / "stat").read_text(errors="replace")
    except OSError:  # it ended while we were looking
        return None
    before, _, after = text.rpartition(")")
    state, parent, group, session = after.split()[:4]
    return (
        None
        if state in "ZX"
        else Row(int(entry.name), int(parent), int(group), int(session), before.partition("(")[2])
    )


def cpu_used_s(rows: Iterable[Row]) -> float:
    """Return the CPU time that the processes of ``rows`` have used, in seconds; 0.0 if there is no /proc."""
    return sum(_cpu_ticks(PROC / str(row.pid)) for row in rows) / os.sysconf("SC_CLK_TCK")


def _cpu_ticks(entry: Path) -> int:
    try:
        text = (entry / "stat").read_text(errors="replace")
    except OSError:  # it has ended, or there is no /proc
        return 0
    user, system = text.rpartition(")")[2].split()[11:13]
    return int(user) + int(system)


def family(leader: int, rows: Iterable[Row]) -> list[Row]:
    """Return ``leader``'s process, its descendants, and all other processes in its group or session.

    Descent finds a child that left the session; the session finds a grandchild whose parent has died.
    """
    rows = list(rows)
    found = {row.pid for row in rows if leader in {row.pid, row.group, row.session}}
    size = -1
    while size != len(found):
        size = len(found)
        found |= {row.pid for row in rows if row.parent in found}
    return [row for row in rows if row.pid in found]


def end_family(leader: int, *, grace_s: float = 0.7) -> None:
    """End ``leader``'s whole family, except this process; return once it is gone.

    Args:
        leader: the process id of the family's leader.
        grace_s: the time between SIGTERM and SIGKILL, in seconds.
    """
    members = _others(leader)
    _signal(members, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while (alive := _alive(members)) and time.monotonic() < deadline:
        time.sleep(0.02)
    members = alive | _others(leader)
    while members:
        _signal(members, signal.SIGSTOP)  # else a shell may still print that its child was killed
        _signal(members, signal.SIGKILL)
        time.sleep(0.02)
        members = _alive(members) | _others(leader)


def _others(leader: int) -> set[int]:
    return {row.pid for row in family(leader, process_table())} - {os.getpid()}


def _alive(members: set[int]) -> set[int]:
    return members & {row.pid for row in process_table()}


def _signal(members: set[int], number: int) -> None:
    for pid in members:
        try:
            os.kill(pid, number)
        except ProcessLookupError:  # it has ended already
            continue
