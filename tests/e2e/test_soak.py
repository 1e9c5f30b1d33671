"""A short run of `make soak`: requests, faults and clients that leave; no growth, and nothing left behind."""

import os
import shutil

import pytest

from bench.soak.__main__ import told, verdict_of
from bench.soak.run import PARTS, soak
from scripts.dev.servers import stage_directory

REQUESTS = 2_000


def test_thousands_of_requests_cause_no_growth_and_leave_nothing_behind(runtime: str) -> None:
    if runtime != "workerd":
        pytest.skip("it counts living objects, which only the 2024 workerd's Pyodide shows")
    name = f"e2e/soak-{os.getpid()}"

    found = soak(REQUESTS, name=name)

    verdict = verdict_of(found, REQUESTS)
    assert all(bound.is_met for bound in verdict), told(found, verdict)
    assert len(found.samples) == PARTS
    assert found.calls["left"] > REQUESTS / 20, "too few clients have left"
    shutil.rmtree(stage_directory(name))
