"""Fixtures of the end-to-end suite. It runs on every runtime, or with ``--base-url`` on a running gateway.

A test uses ``gateway``, and ``journal`` to check which calls reached the upstream. ``start_gateway`` makes a
gateway with other settings. Each gateway starts when a test first needs it, and ends with the session.
"""

import os
import shutil
import uuid
from collections.abc import Callable, Generator, Iterator

import pytest

from scripts.dev.servers import stage_directory, start_simulator
from tests.support.journal import Journal
from tests.support.runtimes import KEY, RUNTIMES, UPSTREAM_KEY, Fleet, Gateway

DEPLOYED = "deployed"


def pytest_addoption(parser: pytest.Parser) -> None:
    options = parser.getgroup("gateway")
    options.addoption(
        "--runtime", action="append", choices=[*RUNTIMES], help="run on this runtime only (repeatable)"
    )
    options.addoption("--base-url", help="test this gateway; the variable GATEWAY_KEY holds its key")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "runtime" in metafunc.fixturenames:
        given = metafunc.config.getoption("base_url")
        names = [DEPLOYED] if given else metafunc.config.getoption("runtime") or [*RUNTIMES]
        metafunc.parametrize("runtime", names, scope="session", indirect=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    fleet = getattr(item, "funcargs", {}).get("fleet")
    if report.failed and isinstance(fleet, Fleet):
        report.sections += [("a gateway died", epitaph) for epitaph in fleet.epitaphs()]
    return report


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def simulator(pytestconfig: pytest.Config) -> Iterator[str]:
    """The base URL of a simulated OpenRouter."""
    if pytestconfig.getoption("base_url"):
        pytest.skip("needs the simulator as the upstream; a gateway given by --base-url does not have it")
    directory = stage_directory(f"e2e/simulator-{os.getpid()}")
    leash, base_url = start_simulator(directory / "simulator.log")
    with leash:
        yield base_url
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def fleet(runtime: str, request: pytest.FixtureRequest) -> Iterator[Fleet | None]:
    """Starts gateways on this runtime; None with --base-url."""
    if runtime == DEPLOYED:
        yield None
        return
    defaults = {
        "OPENROUTER_BASE_URL": request.getfixturevalue("simulator"),
        "OPENROUTER_API_KEY": UPSTREAM_KEY,
        "DEFAULT_MODEL": "sim/ok",
        "GATEWAY_KEYS": f"e2e:{KEY}",
    }
    fleet = Fleet(runtime, defaults)
    try:
        yield fleet
    finally:
        fleet.end(keep_logs=request.session.testsfailed > 0)


@pytest.fixture(scope="session")
def gateway(fleet: Fleet | None, pytestconfig: pytest.Config) -> Gateway:
    """A gateway with a key and the default settings; its upstream is the simulator."""
    if fleet is None:
        base_url = str(pytestconfig.getoption("base_url")).rstrip("/")
        return Gateway(DEPLOYED, base_url, os.environ.get("GATEWAY_KEY", ""))
    return fleet.start()


@pytest.fixture(scope="session")
def start_gateway(fleet: Fleet | None) -> Callable[..., Gateway]:
    """A function that starts a gateway with the given settings and ``bindings=("MODEL_CACHE", "LEDGER")``."""
    if fleet is None:
        pytest.skip("needs a gateway with other settings; --base-url gives one that is running")
    return fleet.start


@pytest.fixture(scope="session")
def custom_gateway(start_gateway: Callable[..., Gateway]) -> Gateway:
    """A gateway with a default chain, an app name, an allowed origin, and a low limit for body sizes."""
    return start_gateway(
        DEFAULT_MODEL="sim/status-503",
        FALLBACK_MODELS="sim/ok,sim/tools",
        SITE_URL="https://app.example",
        APP_TITLE="An example",
        CORS_ORIGINS="https://page.example",
        MAX_BODY_BYTES="20000",
    )


@pytest.fixture(scope="session")
def open_gateway(start_gateway: Callable[..., Gateway]) -> Gateway:
    """A gateway without keys that accepts calls from loopback, as in `make dev`."""
    return start_gateway(GATEWAY_KEYS=None, OPEN_ON_LOOPBACK="true")


@pytest.fixture
def journal(simulator: str) -> Journal:
    """The simulator's journal of this test's calls: their ``user`` is unique to the test."""
    return Journal(simulator, f"e2e-{uuid.uuid4().hex}")


@pytest.fixture(autouse=True)
def _revived(request: pytest.FixtureRequest) -> None:
    if "fleet" in request.fixturenames:
        fleet: Fleet | None = request.getfixturevalue("fleet")
        if fleet:
            fleet.revive()
