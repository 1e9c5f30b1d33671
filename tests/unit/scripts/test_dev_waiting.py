"""A server that starts slowly is waited for; one that hangs or has died is reported."""

import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.dev import ports, servers
from scripts.dev.leash import Leash
from scripts.dev.ports import free_port, wait_until, wait_while_alive
from scripts.dev.processes import Row, cpu_used_s
from scripts.dev.servers import ServerError, wait_ready

LOSES_ITS_FIRST_REQUEST = """
import socket, sys, time
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("Ready", flush=True)
lost, _ = server.accept()
while True:
    second, _ = server.accept()
    second.recv(1000)
    second.sendall(b"HTTP/1.1 200 OK\\r\\ncontent-length: 0\\r\\n\\r\\n")
    second.close()
"""


class Clock:
    """A clock that moves by sleeping only."""

    now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(ports, "time", clock)
    return clock


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(servers, "ROOT", tmp_path)
    return tmp_path / "log"


def test_what_makes_progress_is_waited_for_without_a_limit(clock: Clock) -> None:
    prints = itertools.count()
    assert wait_while_alive(lambda: clock.now_s > 3000, lambda: next(prints), stall_s=10)


def test_what_makes_no_progress_is_given_up_after_the_limit(clock: Clock) -> None:
    assert not wait_while_alive(lambda: False, lambda: clock.now_s > 9, stall_s=10)
    assert 19 <= clock.now_s < 20


def leashed(log: Path, *command: str) -> Leash:
    return Leash(command, log=log, cwd=log.parent, environ=os.environ)


def test_a_lost_request_is_sent_again(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "ANSWER_TIMEOUT_S", 0.3)
    port = free_port()
    with leashed(log, sys.executable, "-c", LOSES_ITS_FIRST_REQUEST, str(port)) as leash:
        wait_ready(leash, "it", line="Ready", url=f"http://127.0.0.1:{port}/")
        assert leash.status is None


def test_a_server_that_neither_prints_nor_computes_is_ended(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "STALL_S", 0.3)
    leash = leashed(log, "sh", "-c", "echo almost; sleep 60")
    with pytest.raises(ServerError, match="it made no progress for 0 s"):
        wait_ready(leash, "it", line="Ready", url="http://127.0.0.1:9/")
    assert leash.status is not None
    assert not leash.processes()


def test_a_server_that_died_is_reported_with_its_status_and_its_last_words(log: Path) -> None:
    with pytest.raises(ServerError, match=r"(?s)it ended with status 7.*no such port"):
        wait_ready(
            leashed(log, "sh", "-c", "echo no such port; exit 7"), "it", line="", url="http://[::1]:9/"
        )


@pytest.fixture
def busy(log: Path) -> Iterator[Leash]:
    with leashed(log, sys.executable, "-c", "while True: pass") as leash:
        yield leash


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_computing_is_progress(busy: Leash) -> None:
    assert wait_until(lambda: cpu_used_s(busy.processes()) > 0.1, timeout_s=30)


def test_a_process_that_is_gone_has_used_no_cpu_time() -> None:
    assert cpu_used_s([Row(2**22 + 1, 1, 1, 1, "gone")]) == 0
