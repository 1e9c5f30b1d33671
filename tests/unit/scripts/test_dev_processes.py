"""Started processes end with their owner, however it ends, together with everything that they started."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.dev.follow import Follower
from scripts.dev.leash import ROOT, Leash
from scripts.dev.ports import free_port, is_taken, wait_until
from scripts.dev.processes import Row, family, process_table

# A shell that starts one child in its own session and one in a new session; all ignore SIGTERM.
STUBBORN = "trap '' TERM; sleep 60 & setsid sh -c \"trap '' TERM; sleep 60\" & echo started; wait"
OWNER = """
import os, sys, time
from pathlib import Path
from scripts.dev.leash import Leash
leash = Leash(["sh", "-c", sys.argv[1]], log=Path(sys.argv[2]), cwd=Path("/"), environ=os.environ)
while len(leash.processes()) < 4: time.sleep(0.02)
print(*(row.pid for row in leash.processes()), flush=True)
time.sleep(60)
"""


def living(pids: set[int]) -> set[int]:
    return pids & {row.pid for row in process_table()}


def test_a_family_is_found_by_descent_group_and_session() -> None:
    leader, child = Row(1, 0, 1, 1, "leader"), Row(2, 1, 1, 1, "child")
    runaway, orphan = Row(3, 2, 3, 3, "in its own session"), Row(4, 0, 4, 1, "its parent is dead")
    stranger = Row(5, 0, 5, 5, "stranger")
    assert family(1, [leader, child, runaway, orphan, stranger]) == [leader, child, runaway, orphan]


def test_ending_a_leash_ends_all_its_processes(tmp_path: Path) -> None:
    leash = Leash(["sh", "-c", STUBBORN], log=tmp_path / "log", cwd=tmp_path, environ=os.environ)
    assert wait_until(lambda: len(leash.processes()) == 4, timeout_s=30)
    pids = {row.pid for row in leash.processes()}
    leash.end()
    assert not living(pids)
    assert leash.log_text() == "started\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_leashed_command_ends_when_its_owner_is_killed(number: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, STUBBORN, str(tmp_path / "log")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:  # noqa: S603  # ours
        assert owner.stdout is not None
        pids = {int(pid) for pid in owner.stdout.readline().split()}
        assert len(living(pids)) == 4
        owner.send_signal(number)
        owner.wait()
    assert wait_until(lambda: not living(pids), timeout_s=30)


def test_a_leash_has_its_commands_exit_status(tmp_path: Path) -> None:
    with Leash(["sh", "-c", "exit 7"], log=tmp_path / "log", cwd=tmp_path, environ=os.environ) as leash:
        assert wait_until(lambda: leash.status is not None, timeout_s=30)
        assert leash.status == 7


def test_a_free_port_is_not_taken() -> None:
    assert not is_taken(free_port())


def test_only_the_workers_lines_are_shown(tmp_path: Path) -> None:
    log = tmp_path / "wrangler.log"
    log.write_text(
        "banner\n"
        "[wrangler:inf] Ready on http://127.0.0.1:1\n"
        "\x1b[2K\x1b[1A\x1b[2K\x1b[GLoading \n"
        "\n"
        '{"event":"request_done"}\n'
        "[wrangler:inf] GET /health 200 OK (3ms)\n"
        "ValueError: late\n"
        "    at new_error (pyodide-internal:generated/pyodide.asm:20:9998)\n"
        "cut"
    )
    follower = Follower(log)
    assert follower.new_lines() == ['{"event":"request_done"}', "ValueError: late"]
    with log.open("a") as file:
        file.write(" in two\n")
    assert follower.new_lines() == ["cut in two"]
