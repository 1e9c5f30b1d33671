"""`make dev`: its printed command works, its settings reach the Worker, and all its processes end with it."""

import contextlib
import http.client
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from gateway.settings.table import SETTINGS
from scripts.dev.ports import free_port, is_taken, wait_until, wait_while_alive
from scripts.dev.processes import cpu_used_s, family, process_table
from scripts.dev.servers import STALL_S, stage_directory
from scripts.tools import ROOT

STOP_TIMEOUT_S = 3.0


@dataclass
class Dev:
    """A running `make dev` and all its processes."""

    make: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def printed(self) -> str:
        return self.log.read_text()

    def wait_ready(self) -> None:
        assert wait_while_alive(
            lambda: "curl" in self.printed or self.make.poll() is not None, self.progress, stall_s=STALL_S
        ), self.printed
        assert self.make.poll() is None, self.printed

    def progress(self) -> tuple[int, int]:
        rows = family(self.make.pid, process_table())
        return len(self.printed), int(cpu_used_s(rows))

    def pids(self) -> set[int]:
        return {row.pid for row in family(self.make.pid, process_table())}

    def workerds(self) -> list[int]:
        return [row.pid for row in family(self.make.pid, process_table()) if row.name.startswith("workerd")]


def all_gone(pids: set[int]) -> bool:
    return not pids & {row.pid for row in process_table()}


def start_dev(directory: Path, *words: str, port: int | None = None) -> Dev:
    """Start `make dev` with ``words`` on its command line and no settings from this environment."""
    port = port or free_port()
    # An empty key: a key in a developer's .dev.vars would make it call the real OpenRouter.
    own = [
        f"PORT={port}",
        "OPENROUTER_API_KEY=",
        "GATEWAY_KEYS=",
        "OPENROUTER_BASE_URL=",
        "DEFAULT_MODEL=",
        *words,
    ]
    hidden = {*SETTINGS, "MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", "PORT"}
    environ = {name: value for name, value in os.environ.items() if name not in hidden}
    log = directory / f"make-{port}.log"
    with log.open("wb") as output:
        make = subprocess.Popen(  # noqa: S603  # our own Makefile
            ["make", "dev", *own],  # noqa: S607  # the make that the developer has
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Dev(make, port, log)


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    """A `make dev` that the test may end."""
    with running(tmp_path) as started:
        yield started


@pytest.fixture(scope="module")
def shared_dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """A `make dev` for the tests that leave it as it is."""
    with running(tmp_path_factory.mktemp("shared")) as started:
        yield started


@contextlib.contextmanager
def running(directory: Path) -> Iterator[Dev]:
    """Start `make dev`; end it on leaving, with all its processes."""
    started = start_dev(directory, 'APP_TITLE=it\'s a "test"')
    try:
        started.wait_ready()
        yield started
    finally:
        pids = started.pids()
        started.make.terminate()
        started.make.wait()
        assert wait_until(lambda: all_gone(pids), timeout_s=STOP_TIMEOUT_S)
        shutil.rmtree(stage_directory(started.port))


def test_a_start_looks_up_nothing_on_the_network(shared_dev: Dev) -> None:
    printed = (stage_directory(shared_dev.port) / "wrangler.log").read_text()
    assert "Ready on" in printed
    assert "Request.cf" not in printed


def test_the_printed_curl_command_works(shared_dev: Dev) -> None:
    command = re.search(r"^ {2}curl .*\\\n.*$", shared_dev.printed, re.MULTILINE)
    assert command, shared_dev.printed
    answer = subprocess.run(  # noqa: S602  # pasted into a shell, as its reader does
        command.group(), shell=True, capture_output=True, text=True, check=True, timeout=30
    )
    assert '"choices"' in answer.stdout, answer.stdout
    assert wait_until(lambda: '"request_done"' in shared_dev.printed, timeout_s=30), (
        "the Worker's log line is not shown"
    )
    assert "[wrangler" not in shared_dev.printed


def status_of(port: int, *headers: tuple[str, str], method: str = "GET", path: str = "/v1/usage") -> int:
    """Return the status of a request whose headers are these, ``Host`` among them."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.putrequest(method, path, skip_host=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        return connection.getresponse().status


def test_a_page_cannot_make_itself_local_by_a_host_or_a_header_of_its_own(shared_dev: Dev) -> None:
    here, there = f"localhost:{shared_dev.port}", f"evil.example:{shared_dev.port}"
    local = ("mf-original-url", f"http://{here}/v1/usage")
    forged = [
        (("host", there),),
        (("host", there), local),
        (("host", there), local, ("x-forwarded-host", here)),
        (("host", there), ("mf-original-url", f"http://127.0.0.1:{shared_dev.port}/v1/key")),
        (("host", there), ("mf-original-url", f"http://{there}/v1/usage"), local),
        (("host", f"{here}.evil.example"), local),
        (("host", here), ("mf-original-url", f"http://{there}/v1/usage")),
        (("host", here), ("x-forwarded-host", there)),
        (("host", here), ("sec-fetch-site", "cross-site")),
        (("host", here), ("sec-fetch-site", "same-site")),
    ]
    refused = {
        headers: status_of(shared_dev.port, *headers, method=method)
        for method in ("GET", "HEAD")
        for headers in forged
    }

    assert set(refused.values()) <= {401, 403, 404}, refused
    for host in (
        here,
        f"127.0.0.1:{shared_dev.port}",
        f"LOCALHOST:{shared_dev.port}",
        f"[::1]:{shared_dev.port}",
    ):
        assert status_of(shared_dev.port, ("host", host)) == 200
    assert status_of(shared_dev.port, ("host", here), ("sec-fetch-site", "none")) == 200


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="which ports a process listens on is in /proc")
def test_the_ports_behind_wranglers_proxy_are_no_way_in(shared_dev: Dev) -> None:
    ports = {port for pid in shared_dev.pids() for port in listening_ports(pid)} - {shared_dev.port}
    assert len(ports) >= 2

    found = {}
    for port in ports:
        local = ("mf-original-url", f"http://localhost:{shared_dev.port}/v1/usage")
        with contextlib.suppress(OSError, http.client.HTTPException):
            found[port] = status_of(port, ("host", f"evil.example:{port}"), local)

    assert 200 not in found.values(), found


def listening_ports(pid: int) -> set[int]:
    """Return the TCP ports on which a process listens."""
    sockets = set()
    for entry in Path(f"/proc/{pid}/fd").glob("*"):
        with contextlib.suppress(OSError):
            sockets.add(os.readlink(entry).removeprefix("socket:[").removesuffix("]"))
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A" and row[9] in sockets}


def test_a_page_of_cors_origins_may_call(tmp_path: Path) -> None:
    page = "http://localhost:5173"
    started = start_dev(tmp_path, f"CORS_ORIGINS={page}")
    try:
        started.wait_ready()
        url = f"http://localhost:{started.port}/v1"
        seen = {"origin": page, "sec-fetch-site": "same-site"}
        chat = {"messages": [{"role": "user", "content": "Hello"}]}
        with httpx.Client(trust_env=False, timeout=30, headers=seen) as client:
            answers = [client.get(f"{url}/models"), client.post(f"{url}/chat/completions", json=chat)]
            foreign = client.get(f"{url}/models", headers={"origin": "http://localhost:3000"})
        assert [each.status_code for each in answers] == [200, 200]
        assert {each.headers["access-control-allow-origin"] for each in answers} == {page}
        assert foreign.status_code == 403
    finally:
        started.make.terminate()
        started.make.wait()
        shutil.rmtree(stage_directory(started.port), ignore_errors=True)


@pytest.mark.parametrize(
    ("number", "to_the_group"),
    [
        pytest.param(signal.SIGINT, True, id="ctrl-c"),
        pytest.param(signal.SIGTERM, False, id="make is asked to end"),
        pytest.param(signal.SIGKILL, False, id="make is killed"),
    ],
)
def test_no_process_is_left_however_it_ends(number: signal.Signals, to_the_group: bool, dev: Dev) -> None:
    pids = dev.pids()
    assert len(dev.workerds()) >= 2
    began_s = time.monotonic()
    if to_the_group:
        os.killpg(dev.make.pid, number)
    else:
        dev.make.send_signal(number)
    dev.make.wait()
    assert wait_until(lambda: all_gone(pids), timeout_s=STOP_TIMEOUT_S)
    assert time.monotonic() - began_s < STOP_TIMEOUT_S
    assert not is_taken(dev.port)


def test_a_second_instance_can_run_at_the_same_time(shared_dev: Dev, tmp_path: Path) -> None:
    second = start_dev(tmp_path, "GATEWAY_KEYS=me:0123456789abcdef")
    try:
        second.wait_ready()
        chat = {"messages": [{"role": "user", "content": "Hello"}]}
        for port, status in ((shared_dev.port, 200), (second.port, 401)):
            url = f"http://127.0.0.1:{port}/v1/chat/completions"
            assert httpx.post(url, json=chat, trust_env=False, timeout=30).status_code == status
    finally:
        second.make.terminate()
        second.make.wait()
        shutil.rmtree(stage_directory(second.port), ignore_errors=True)


def test_a_taken_port_is_reported_and_changes_nothing(shared_dev: Dev, tmp_path: Path) -> None:
    second = start_dev(tmp_path, port=shared_dev.port)
    assert second.make.wait(timeout=30) != 0
    assert f"port {shared_dev.port} is taken" in second.printed
    assert shared_dev.make.poll() is None


def test_the_error_names_an_unknown_setting(tmp_path: Path) -> None:
    started = start_dev(tmp_path, "DEFAULT_MODLE=sim/ok")
    assert started.make.wait(timeout=30) != 0
    assert "no such setting: DEFAULT_MODLE" in started.printed


def test_the_death_of_workerd_ends_it(dev: Dev) -> None:
    os.kill(dev.workerds()[0], signal.SIGKILL)
    assert dev.make.wait(timeout=30) != 0
    assert "died" in dev.printed or "ended" in dev.printed
