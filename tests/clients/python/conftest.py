"""Fixtures of the client tests; also records each test's result for the README's table.

A module names its client in ``CLIENT`` and, in ``PACKAGE``, the distribution that has the version. A fixture
called ``variant`` splits a client into several rows. A module with several clients has their distributions in
``CLIENTS``, and a fixture ``client`` with their names. Each test names its column with the marker ``shows``;
``TABLE`` names the table, if it is not that of texts.
"""

import importlib.metadata
import json
import os
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path

import openai
import pytest
from rig import Gateway, Upstream


@pytest.fixture(scope="session")
def gateway() -> Gateway:
    return Gateway(os.environ["CLIENTS_GATEWAY"], os.environ["CLIENTS_KEY"])


@pytest.fixture
def client(gateway: Gateway) -> Iterator[openai.OpenAI]:
    """OpenAI's client. The modules of other clients have a fixture of their own."""
    with openai.OpenAI(base_url=gateway.v1, api_key=gateway.key) as client:
        yield client


@pytest.fixture
def upstream() -> Upstream:
    return Upstream.from_now(os.environ["CLIENTS_SIMULATOR"])


@pytest.fixture
def limited(request: pytest.FixtureRequest) -> str:
    """A rate-limited model that no other test uses, since the gateway skips a model during its cooldown."""
    return f"sim/retry-after-{1000 + zlib.crc32(request.node.nodeid.encode()) % 2000}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # A skipped test reports in its setup; every other test reports in its call, or in a setup that failed.
    if call.when == "call" or (call.when == "setup" and not report.passed):
        _record(item, report)
    return report


def _record(item: pytest.Item, report: pytest.TestReport) -> None:
    mark = item.get_closest_marker("shows")
    assert mark, f"{item.nodeid} has no `shows` marker"
    module = item.module  # type: ignore[attr-defined]  # every item is a function of a module
    params = item.callspec.params if hasattr(item, "callspec") else {}
    variant = params.get("variant")
    clients = getattr(module, "CLIENTS", None)
    client, package = (
        (params["client"], clients[params["client"]]) if clients else (module.CLIENT, module.PACKAGE)
    )
    reason = str(getattr(report, "wasxfail", "")) or _reason_to_skip(report)
    outcome = "no" if hasattr(report, "wasxfail") and report.skipped else report.outcome
    line = {
        "table": getattr(module, "TABLE", "texts"),
        "client": f"Python `{client}`" + (f" `{variant}`" if variant else ""),
        "version": importlib.metadata.version(package),
        "column": mark.args[0],
        "outcome": outcome,
        "remark": reason.removeprefix("reason: ") or (mark.args[1] if len(mark.args) > 1 else ""),
    }
    with Path(os.environ["CLIENTS_RESULTS"]).open("a", encoding="utf-8") as results:
        results.write(json.dumps(line) + "\n")


def _reason_to_skip(report: pytest.TestReport) -> str:
    if not report.skipped or not isinstance(report.longrepr, tuple):
        return ""
    return report.longrepr[2].removeprefix("Skipped: ")
