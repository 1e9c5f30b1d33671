"""What an isolate loads before its first request: each module costs start-up time, so each is pinned."""

import json
import os
import subprocess
import sys

import pytest

from scripts.tools import ROOT

SRC = ROOT / "src"
# What the Workers runtimes have loaded themselves by then: Pyodide, its event loop, and Cloudflare's SDK.
RUNTIMES_OWN = "asyncio, collections, contextlib, dataclasses, enum, functools, inspect, json, re, typing"
# Beside the interpreter's own; those in C differ by version.
LIBRARY = {"datetime", "hashlib", "hmac", "ipaddress", "urllib", "urllib.parse", "zlib"}
IN_C = {"_blake2", "_datetime", "_hashlib", "_hmac", "_md5", "_sha1", "_sha2", "_sha256", "_sha3", "_sha512"}
# Imported by the first request that needs them, or by the cron trigger.
WHEN_ASKED = {
    "ledger.budget_alerts",
    "ledger.record",
    "pipeline.decided_by",
    "catalog.endpoints",
    "openapi.examples",
    "ledger.forget",
    "openapi.key_schema",
    "ledger.row",
    "catalog.query",
    "openapi.document",
    "streaming.keep_alive",
    "streaming.early_stream",
    "openapi.plan_schema",
    "openapi.schemas",
    "ledger.settle",
    "catalog.model_list",
    "routes.health",
    "routes.key",
    "routes.models",
    "routes.openapi",
    "routes.plan",
    "catalog.task_models",
    "routes.usage",
    "ledger.usage_query",
    "openapi.usage_schema",
    "ledger.write",
}
# Imported by the border to JavaScript, which is not in this interpreter.
OF_THE_EDGE = {"http.log_events", "http.destination"}
LOADED_BY = f"""
import {RUNTIMES_OWN}, json, sys
before = set(sys.modules)
import gateway.app
json.dump(sorted(set(sys.modules) - before), sys.stdout)
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """Return the modules that importing the application loads, in an interpreter of its own."""
    environ = {**os.environ, "PYTHONPATH": str(SRC), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(  # noqa: S603  # this interpreter, and code from above
        [sys.executable, "-S", "-c", LOADED_BY], env=environ, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_of_the_standard_library_no_more_than_this_is_loaded(loaded: set[str]) -> None:
    library = {name for name in loaded if not name.startswith("gateway")}

    assert library - IN_C <= LIBRARY  # nothing heavy: no http.client, email, ssl, decimal, logging, uuid


def test_what_no_chat_needs_waits_until_it_is_asked_for(loaded: set[str]) -> None:
    ours = {name.removeprefix("gateway.") for name in loaded if name.startswith("gateway.")}
    core = SRC / "gateway"
    paths = [path.relative_to(core).with_suffix("") for path in core.rglob("*.py") if path.stem != "__init__"]
    in_core = {".".join(path.parts) for path in paths if path.parts[0] != "edge"}

    assert in_core - ours == WHEN_ASKED | OF_THE_EDGE
