"""`make soak` in short: a mix of requests, faults and clients that leave; nothing grows, nothing is left."""

import os
import shutil

import pytest

from bench.soak.__main__ import told, verdict_of
from bench.soak.run import PARTS, soak
from scripts.dev.servers import stage_directory

REQUESTS = 2_000


def test_nothing_grows_and_nothing_is_left_after_thousands_of_requests(runtime: str) -> None:
    if runtime != "workerd":
        pytest.skip("it counts what is alive by what only the 2024 workerd's Pyodide shows")
    name = f"e2e/soak-{os.getpid()}"

    found = soak(REQUESTS, name=name)

    verdict = verdict_of(found, REQUESTS)
    assert all(bound.is_kept for bound in verdict), told(found, verdict)
    assert len(found.samples) == PARTS
    assert found.calls["left"] > REQUESTS / 20, "hardly any client has left"
    shutil.rmtree(stage_directory(name))
