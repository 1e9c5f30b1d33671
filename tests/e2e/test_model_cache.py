"""The catalogue cache: in memory and in KV, fetched for a request, in the background, or by cron."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

import httpx
import pytest

from gateway.catalog.stored_catalog import KEY, VERSION, catalog_of, to_stored
from gateway.settings.task_routes import PREFIX
from simulator.catalog import many_models
from tests.support.runtimes import Fleet, Gateway
from tests.support.tls import tls

HAIKU = "anthropic/claude-haiku-4.5"
LIST = "/v1/models"
WAIT_S = 10.0
DAY_S = 86_400
MEGABYTE = 1_000_000
NOWHERE = "http://127.0.0.1:9/api/v1"

Start = Callable[..., Gateway]


@pytest.fixture
def start(fleet: Fleet | None) -> Iterator[Start]:
    """A function that starts a gateway with KV and unique settings, for one test."""
    if fleet is None:
        pytest.skip("needs to start gateways; --base-url gives one that is running")
    started: list[Gateway] = []

    def start(**settings: str | None) -> Gateway:
        started.append(fleet.start(bindings=("MODEL_CACHE",), APP_TITLE=f"cache {len(started)}", **settings))
        return started[-1]

    yield start
    for gateway in started:
        fleet.stop(gateway)


@pytest.fixture
def fetches(simulator: str) -> Callable[[], int]:
    """A function that returns how often a list was fetched from the simulator."""

    def count() -> int:
        answer = httpx.get(simulator.removesuffix("/api/v1") + "/sim/log", trust_env=False, verify=tls())
        return sum(entry["path"].endswith("/api/v1/models") for entry in answer.json()["entries"])

    return count


def stored_in_kv(gateway: Gateway) -> str:
    """Return KV's copy of the catalogue."""
    if gateway.runtime != "workerd":
        with gateway.client() as client:
            return client.get(f"/__host/kv/MODEL_CACHE/{KEY}").text
    assert gateway.leash is not None
    blobs = Path(gateway.leash.log).parent.glob(".wrangler/state/v3/kv/*/blobs/*")
    return max(blobs, key=lambda blob: blob.stat().st_mtime_ns).read_text()


def is_fresh_in_kv(gateway: Gateway) -> bool:
    """Return whether KV's copy was fetched just now."""
    header = json.loads(stored_in_kv(gateway).partition("\n")[0])
    return bool(header["version"] == VERSION and time.time() - header["at_s"] < DAY_S / 2)


def stale_copy() -> str:
    """Return a day-old copy with one model, which OpenRouter no longer lists."""
    return to_stored(catalog_of([{"id": "old/one"}], fetched_at_s=time.time() - DAY_S)).decode()


def copy_with(line: str) -> str:
    """Return a copy of now, of one model and this line, with the right count and checksum."""
    body = "\n".join(['b/two\t\t{"id":"b/two"}', line])
    header = {"version": VERSION, "at_s": time.time(), "count": 2, "crc32": crc32(body.encode())}
    return f"{json.dumps(header)}\n{body}"


def ids_in(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    ids = [each["id"] for each in answer.json()["data"]]
    return [name for name in ids if not name.startswith(PREFIX)]


def test_a_cold_gateway_fetches_650_models_once_and_a_second_one_reads_them_from_kv(
    start: Start, simulator: str, fetches: Callable[[], int]
) -> None:
    large = simulator.replace("/api/v1", "/large/api/v1")
    cold = start(OPENROUTER_BASE_URL=large)
    before = fetches()
    with cold.client() as client:
        assert ids_in(client.get(LIST)) == list(many_models())
        cheap = ids_in(client.get(LIST, params={"max_price": "2", "sort": "price"}))
        assert 0 < len(cheap) < len(many_models())
        assert client.get(f"{LIST}/{HAIKU}").json()["id"] == HAIKU
    assert fetches() == before + 1
    assert "cache_failed" not in cold.log_text()
    stored = stored_in_kv(cold)
    assert is_fresh_in_kv(cold)
    assert len(stored.encode()) < 0.75 * MEGABYTE

    warm = start(OPENROUTER_BASE_URL=large, stored=stored)
    with warm.client() as client:
        assert ids_in(client.get(LIST)) == list(many_models())
        assert ids_in(client.get(LIST, params={"max_price": "2", "sort": "price"})) == cheap
    assert fetches() == before + 1


def test_a_stale_copy_is_returned_at_once_and_replaced(start: Start, fetches: Callable[[], int]) -> None:
    stale = start(stored=stale_copy())
    before = fetches()
    with stale.client() as client:
        first = client.get(LIST)
        assert ids_in(first) == ["old/one"]
        assert int(first.headers["age"]) >= DAY_S
        deadline_s = time.monotonic() + WAIT_S
        while HAIKU not in ids_in(replaced := client.get(LIST)):
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        assert int(replaced.headers["age"]) < WAIT_S
        while not is_fresh_in_kv(stale):
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
    assert fetches() == before + 1


def test_a_stale_copy_is_returned_with_its_age_while_openrouter_is_down(start: Start) -> None:
    lost = start(stored=stale_copy(), OPENROUTER_BASE_URL=NOWHERE)
    with lost.client() as client:
        for _ in range(3):
            answer = client.get(LIST)
            assert ids_in(answer) == ["old/one"]
            assert int(answer.headers["age"]) >= DAY_S
        deadline_s = time.monotonic() + WAIT_S
        while "catalog_not_refreshed" not in lost.log_text():
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
    assert lost.log_text().count("catalog_not_refreshed") == 1


def test_without_any_list_the_models_route_fails_and_chats_still_work(start: Start, simulator: str) -> None:
    listless = start(OPENROUTER_BASE_URL=simulator.replace("/api/v1", "/listless/api/v1"))
    with listless.client() as client:
        answer = client.get(LIST)
        assert answer.status_code == 503
        assert answer.json()["error"]["metadata"]["source"] == "openrouter"
        assert answer.json()["error"]["metadata"]["retryable"] is True
        for options in ({}, {"max_cost_usd": 1}):
            body = {"messages": [{"role": "user", "content": "Hi"}], "gateway": options}
            assert client.post("/v1/chat/completions", json=body).status_code == 200


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(stale_copy()[:-5], id="corrupted"),
        pytest.param(json.dumps({"version": 2, "at_s": 2e9, "models": [{"id": "a/b"}]}), id="old version"),
        pytest.param(copy_with("a/one"), id="a line without tabs"),
        pytest.param(copy_with("a/\u00e9\t\t{}"), id="a name that is not ASCII"),
        pytest.param(copy_with("a/one\t\t{nonsense}"), id="a model that is no JSON"),
    ],
)
def test_a_copy_that_cannot_be_read_is_ignored_and_replaced(start: Start, stored: str) -> None:
    spoilt = start(stored=stored)
    with spoilt.client() as client:
        body = {"model": "a/one", "messages": [{"role": "user", "content": "Hi"}]}
        assert client.post("/v1/chat/completions", json=body).status_code != 500
        assert HAIKU in ids_in(client.get(LIST))
    assert is_fresh_in_kv(spoilt)
    assert "stored_catalog_ignored" in spoilt.log_text()


def test_the_cron_trigger_fetches_the_list_before_any_request(
    start: Start, runtime: str, fetches: Callable[[], int]
) -> None:
    if runtime == "workerd":
        pytest.skip("the 2024 runtime has no scheduled handler")
    cold = start()
    before = fetches()
    with cold.client() as client:
        assert client.get("/__scheduled").text == "ran"
        assert fetches() == before + 1
        assert is_fresh_in_kv(cold)
        assert HAIKU in ids_in(client.get(LIST))
    assert fetches() == before + 1
