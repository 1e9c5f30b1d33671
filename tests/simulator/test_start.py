import signal
import socket
import subprocess
import sys
import time

import pytest

from simulator.table import table_json, table_markdown
from tests.simulator.rig import REPOSITORY, Rig, fresh_user, started


def _run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "simulator", *options]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603  # our own interpreter and module


def test_only_loopback_addresses_are_accepted() -> None:
    refused = _run("--host", "0.0.0.0")  # noqa: S104  # to see it refused
    assert refused.returncode == 2
    assert refused.stdout == ""


def test_the_readmes_table_is_what_list_prints() -> None:
    assert _run("--list").stdout.strip() == table_markdown()
    assert table_markdown() in (REPOSITORY / "simulator" / "README.md").read_text()


def test_the_table_is_served_as_json(sim: Rig) -> None:
    assert sim.get("/sim") == table_json()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_at_once_even_with_hanging_requests(number: signal.Signals) -> None:
    with started() as (process, rig):
        host, port = rig.url.split("/")[2].split(":")
        client = rig.client
        with socket.create_connection((host, int(port))):
            for model in ("sim/hang-body", "sim/comments-only", "sim/stall-after"):
                body = rig.body(model, fresh_user(), stream=True)
                client.send(
                    client.build_request("POST", f"{rig.url}/chat/completions", json=body), stream=True
                )
            begun_s = time.monotonic()
            process.send_signal(number)
            assert process.wait(timeout=5) == 0
            assert time.monotonic() - begun_s < 1
