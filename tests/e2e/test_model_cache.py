"""The catalogue as it is kept: in memory and in KV, fetched for a request, beside one, or by cron."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from gateway.catalog import KEY, VERSION
from tests.support.runtimes import Gateway

HAIKU = "anthropic/claude-haiku-4.5"
LIST = "/v1/models"
STORED = f"/__host/kv/MODEL_CACHE/{KEY}"
WAIT_S = 10.0


@pytest.fixture
def fetches(simulator: str) -> Callable[[], int]:
    """Call it to learn how often the list has been fetched from the simulator."""

    def count() -> int:
        answer = httpx.get(simulator.removesuffix("/api/v1") + "/sim/log", trust_env=False)
        return sum(entry["path"] == "/api/v1/models" for entry in answer.json()["entries"])

    return count


def test_a_cold_gateway_fetches_once_and_stores_what_it_got(
    start_gateway: Callable[..., Gateway], fetches: Callable[[], int]
) -> None:
    cold = start_gateway(bindings=("MODEL_CACHE",), APP_TITLE="cold")
    before = fetches()
    with cold.client() as client:
        for path in (LIST, LIST, f"{LIST}?free=true", f"{LIST}/{HAIKU}"):
            assert client.get(path).status_code == 200
    assert fetches() == before + 1
    assert "cache_failed" not in cold.log_text()
    assert f'"version":{VERSION}' in kept_by(cold)


def kept_by(gateway: Gateway) -> str:
    """Return what KV holds."""
    if gateway.runtime != "workerd":
        with gateway.client() as client:
            return client.get(STORED).text
    assert gateway.leash is not None
    blobs = Path(gateway.leash.log).parent.glob(".wrangler/state/v3/kv/*/blobs/*")
    return "".join(blob.read_text() for blob in blobs)


@pytest.fixture
def node_only(runtime: str) -> None:
    if not runtime.startswith("pyodide"):
        pytest.skip("wrangler dev plays no cron trigger and lets nobody write to its KV")


@pytest.mark.usefixtures("node_only")
def test_the_cron_trigger_fetches_so_that_no_request_has_to(
    start_gateway: Callable[..., Gateway], fetches: Callable[[], int]
) -> None:
    cold = start_gateway(bindings=("MODEL_CACHE",), APP_TITLE="cron")
    before = fetches()
    with cold.client() as client:
        assert client.get("/__scheduled").text == "ran"
        assert fetches() == before + 1
        assert f'"version":{VERSION}' in kept_by(cold)
        assert client.get(LIST).status_code == 200
    assert fetches() == before + 1


@pytest.mark.usefixtures("node_only")
def test_a_stale_copy_in_kv_is_answered_at_once_and_replaced(
    start_gateway: Callable[..., Gateway], fetches: Callable[[], int]
) -> None:
    stale = start_gateway(bindings=("MODEL_CACHE",), APP_TITLE="stale")
    old = {"version": VERSION, "at_s": time.time() - 90_000, "models": [{"id": "old/one"}]}
    before = fetches()
    with stale.client() as client:
        client.put(STORED, content=json.dumps(old))
        first = client.get(LIST)
        assert [each["id"] for each in first.json()["data"]] == ["old/one"]
        assert int(first.headers["age"]) >= 90_000
        deadline_s = time.monotonic() + WAIT_S
        while client.get(f"{LIST}/{HAIKU}").status_code != 200:
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
    assert fetches() == before + 1


@pytest.mark.usefixtures("node_only")
def test_a_corrupted_copy_in_kv_is_replaced(start_gateway: Callable[..., Gateway]) -> None:
    spoilt = start_gateway(bindings=("MODEL_CACHE",), APP_TITLE="spoilt")
    with spoilt.client() as client:
        client.put(STORED, content='{"version": 1, "models": [')
        assert client.get(f"{LIST}/{HAIKU}").status_code == 200
    assert f'"version":{VERSION}' in kept_by(spoilt)
