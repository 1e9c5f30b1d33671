"""Fixtures of the end-to-end suite. It runs on every runtime, or with ``--base-url`` on a running gateway.

A test uses ``gateway``, and ``journal`` to check which calls reached the upstream. ``start_gateway`` makes a
gateway with other settings. Each gateway starts when a test first needs it, and ends with the session.

A start takes up to four seconds of CPU time: several files share the gateways here, and add their own keys.
"""

import json
import os
import shutil
import uuid
from collections.abc import Callable, Generator, Iterator

import pytest

from scripts.dev.ports import free_port
from scripts.dev.servers import stage_directory, start_simulator
from tests.support.documented_key import documented_key
from tests.support.gateway_keys import (
    BOUND,
    DIRECT,
    DOCUMENTED,
    FRUGAL,
    PAGE,
    TIGHT,
)
from tests.support.journal import Journal
from tests.support.runtimes import KEY, RUNTIMES, UPSTREAM_KEY, Fleet, Gateway

DEPLOYED = "deployed"
ROUTES = {
    "task/mine": {"models": ["sim/status-503", "sim/ok"], "options": {"deadline_ms": 20_000}},
    "task/cheap": {
        "models": ["anthropic/claude-haiku-4.5", "openai/gpt-oss-120b", "sim/ok"],
        "order": "cheapest",
        "max_price": {"prompt": 0.5},
    },
    "task/background": {"models": ["sim/ok"], "when": {"request_class": ["auxiliary", "compaction"]}},
    "task/gone": ["sim/ok", "gone/model"],
    "task/code": None,
}


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


@pytest.fixture(scope="session")
def routed_gateway(start_gateway: Callable[..., Gateway]) -> Gateway:
    """A gateway with custom task routes, the list of models, and a key that is limited to some models."""
    entries = [
        {"name": "e2e", "token": KEY},
        {"name": "bound", "token": BOUND, "models": ["sim/ok", "task/*"]},
    ]
    gateway = start_gateway(
        bindings=("MODEL_CACHE",),
        TASK_ROUTES=json.dumps(ROUTES),
        DEFAULT_MODEL="task/mine",
        GATEWAY_KEYS=json.dumps(entries),
    )
    with gateway.client() as client:
        assert client.get("/v1/models").status_code == 200
    return gateway


@pytest.fixture(scope="session")
def cut_off_gateway(start_gateway: Callable[..., Gateway], simulator: str) -> Gateway:
    """A gateway whose OpenRouter is offline; the simulator is its direct upstream `near`."""
    return start_gateway(
        bindings=("MODEL_CACHE",),
        OPENROUTER_BASE_URL=f"http://127.0.0.1:{free_port()}/api/v1",
        UPSTREAMS=json.dumps({"near": {"base_url": simulator, "secret": "NEAR_KEY"}}),
        NEAR_KEY=DIRECT,
    )


@pytest.fixture(scope="session")
def budget_gateway(start_gateway: Callable[..., Gateway]) -> Gateway:
    """A gateway with a ledger, an admin's key, and keys with limits; it has the list of models.

    One key's budget pays for a few answers. One key's sessions may spend a little. One key is the first of
    the example in docs/access.md.
    """
    entries = [
        {"name": "boss", "token": KEY, "admin": True},
        {"name": "tight", "token": TIGHT, "budget": {"day_usd": 0.001}},
        {"name": "frugal", "token": FRUGAL, "limits": {"max_session_usd": 0.000_5, "loop_limit": 2}},
        *json.loads(documented_key(DOCUMENTED)),
    ]
    gateway = start_gateway(
        bindings=("LEDGER", "MODEL_CACHE"),
        GATEWAY_KEYS=json.dumps(entries),
        LOOP_LIMIT="3",
        CORS_ORIGINS=PAGE,
    )
    with gateway.client() as client:
        assert client.get("/v1/models").status_code == 200
    return gateway


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
