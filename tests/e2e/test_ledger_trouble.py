"""The ledger on a real D1: rows, usage by key, settling by cron, and a D1 that is down, slow or locked."""

import csv
import io
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.chat import CHAT, post, question
from tests.support.gateway_keys import BOSS_AND_APP, OTHER
from tests.support.journal import Journal
from tests.support.leaver import Leaver
from tests.support.ledger import Ledger, usage, wait_for
from tests.support.runtimes import KEY, UPSTREAM_KEY, Gateway

WAIT_S = 10.0
PROMPT_S = 3.0  # an answer must arrive within this time, whatever D1 does
NO_CRON = {"workerd"}  # the 2024 runtime lets Python handle fetch events only


def of(gateway: Gateway, key: str) -> Gateway:
    """Return the same gateway with another key."""
    return Gateway(gateway.runtime, gateway.base_url, key, gateway.leash)


@pytest.fixture(scope="session")
def ledger_gateway(start_gateway: Callable[..., Gateway]) -> Gateway:
    """A gateway with a ledger, and an admin's key."""
    return of(start_gateway(bindings=("LEDGER",), GATEWAY_KEYS=json.dumps(BOSS_AND_APP)), KEY)


@pytest.fixture
def ledger(ledger_gateway: Gateway) -> Iterator[Ledger]:
    """The ledger's D1, on runtimes where tests can inspect it."""
    if ledger_gateway.runtime in NO_CRON:
        pytest.skip("needs the cron trigger, or access to D1")
    found = Ledger(ledger_gateway)
    found.wait_idle()
    yield found
    found.be("up")


def requests_of(gateway: Gateway) -> int:
    return int(usage(gateway)["totals"]["requests"])


def test_usage_counts_requests_fallbacks_and_cost(ledger_gateway: Gateway, journal: Journal) -> None:
    mine = of(ledger_gateway, OTHER)
    before = usage(mine)["totals"]

    post(mine, question(journal, "sim/status-503", "sim/ok"))
    post(mine, question(journal, "sim/ok", stream=True))
    post(mine, question(journal, "sim/status-503", gateway={"retries": 0}))

    shown = wait_for(mine, before["requests"] + 3, timeout_s=WAIT_S)
    totals = shown["totals"]
    assert shown["ledger"] == "bound"
    assert totals["answered"] - before["answered"] == 2
    assert totals["fallbacks"] - before["fallbacks"] == 1
    bill_usd = sum(entry["cost_usd"] for entry in journal.entries())
    assert totals["cost_usd"] - before["cost_usd"] == pytest.approx(bill_usd, abs=1e-9)
    assert 0 <= totals["p50_ms"] <= totals["p95_ms"]
    assert shown["lost_writes"] == 0


def test_a_caller_sees_its_own_usage_and_an_admin_sees_all(ledger_gateway: Gateway, journal: Journal) -> None:
    post(of(ledger_gateway, OTHER), question(journal, "sim/ok"))
    post(ledger_gateway, question(journal, "sim/ok"))
    wait_for(of(ledger_gateway, OTHER), 1, timeout_s=WAIT_S)

    own, everybody = usage(of(ledger_gateway, OTHER), "?by=key"), usage(ledger_gateway, "?by=key")
    with of(ledger_gateway, OTHER).client() as client:
        refused = client.get("/v1/usage?key=boss")

    assert {row["name"] for row in own["series"]} == {"app"}
    assert "app" in {row["name"] for row in everybody["series"]}
    assert refused.status_code == 403


@pytest.mark.parametrize("by", ["day", "model", "key", "outcome", "route", "provider"])
def test_a_series_adds_up_to_the_totals_and_equals_the_csv(
    ledger_gateway: Gateway, journal: Journal, by: str
) -> None:
    post(ledger_gateway, question(journal, "sim/ok"))
    wait_for(ledger_gateway, 1, timeout_s=WAIT_S)

    shown = usage(ledger_gateway, f"?by={by}")
    with ledger_gateway.client() as client:
        answer = client.get(f"/v1/usage?by={by}&format=csv")

    series = shown["series"]
    for name in ("requests", "answered", "prompt_tokens", "completion_tokens"):
        assert sum(row[name] for row in series) == shown["totals"][name]
    assert sum(row["cost_usd"] for row in series) == pytest.approx(shown["totals"]["cost_usd"])
    assert answer.headers["content-type"].startswith("text/csv")
    assert [row[by] for row in csv.DictReader(io.StringIO(answer.text))] == [row["name"] for row in series]


def test_a_client_that_leaves_a_stream_has_a_row(ledger_gateway: Gateway, journal: Journal) -> None:
    before = requests_of(ledger_gateway)
    with Leaver(ledger_gateway, question(journal, "sim/drip-100ms", stream=True)) as client:
        client.read_until(b"every ")
        client.leave()

    wait_for(ledger_gateway, before + 1, timeout_s=WAIT_S)
    outcomes = {row["name"]: row["unsettled"] for row in usage(ledger_gateway, "?by=outcome")["series"]}
    assert outcomes["client_gone"] >= 1


def test_the_ledger_holds_no_secret(ledger_gateway: Gateway, journal: Journal) -> None:
    before = requests_of(ledger_gateway)
    body = question(journal, "sim/echo", metadata={"note": "canary-field"})
    body["messages"] = [{"role": "user", "content": "canary-prompt"}]
    assert "canary-prompt" in post(ledger_gateway, body).text
    post(ledger_gateway, body | {"stream": True})
    wait_for(ledger_gateway, before + 2, timeout_s=WAIT_S)

    stored = everything_in(ledger_gateway)

    assert journal.user not in stored
    assert "sim/echo" in stored
    for secret in (KEY, OTHER, UPSTREAM_KEY, "canary-prompt", "canary-field"):
        assert secret not in stored


def everything_in(gateway: Gateway) -> str:
    """Return everything that D1 holds; on workerd, the content of its files, which nothing else writes to."""
    if gateway.runtime not in NO_CRON:
        tables = ("requests", "spend", "unsettled", "alerts")
        return str([Ledger(gateway).rows(f"SELECT * FROM {table}") for table in tables])  # noqa: S608  # fixed table names
    return "".join(path.read_bytes().decode("latin-1") for path in files_of(gateway))


def files_of(gateway: Gateway) -> list[Path]:
    assert gateway.leash is not None
    return sorted(Path(gateway.leash.log).parent.glob(".wrangler/state/v3/d1/*/*.sqlite*"))


def test_cron_settles_the_cost_of_a_cut_off_stream(
    ledger_gateway: Gateway, ledger: Ledger, journal: Journal
) -> None:
    before = ledger.number("SELECT coalesce(sum(cost_micros), 0) FROM requests")
    with Leaver(ledger_gateway, question(journal, "sim/drip-50ms", stream=True)) as client:
        client.read_until(b"every ")
        client.leave()
    post(ledger_gateway, question(journal, "sim/garbage-event", stream=True))
    ledger.wait_idle()
    assert ledger.number("SELECT count(*) FROM unsettled") >= 2

    ledger.settle()

    assert ledger.number("SELECT count(*) FROM requests WHERE cost_state = 'pending'") == 0
    billed = sum(entry["cost_usd"] for entry in journal.entries())
    after = ledger.number("SELECT sum(cost_micros) FROM requests")
    assert after - before == round(billed * 1_000_000)
    assert after == ledger.number("SELECT sum(cost_micros) FROM spend")


def test_cron_settles_the_cost_and_tokens_of_a_native_relay(
    start_gateway: Callable[..., Gateway], runtime: str, journal: Journal
) -> None:
    if runtime in NO_CRON:
        pytest.skip("needs the cron trigger")
    gateway = start_gateway(bindings=("LEDGER",), STREAM_GUARD_EVENTS="0")
    ledger = Ledger(gateway)
    # So long that its usage cannot arrive with the first piece, which the gateway does read.
    post(gateway, question(journal, "sim/long-2000", stream=True))
    ledger.wait_idle()
    (row,) = ledger.rows("SELECT * FROM requests")
    assert (row["cost_state"], row["cost_micros"], row["completion_tokens"]) == ("pending", 0, 0)

    ledger.settle()

    (row,) = ledger.rows("SELECT * FROM requests")
    (entry,) = journal.entries()
    assert (row["cost_state"], row["cost_micros"]) == ("known", round(entry["cost_usd"] * 1_000_000))
    assert row["completion_tokens"] > 0


@pytest.mark.parametrize("state", ["down", "slow"])
def test_a_slow_or_failing_d1_delays_no_answer_and_lost_writes_are_counted(
    ledger_gateway: Gateway, ledger: Ledger, journal: Journal, state: str
) -> None:
    lost_before = usage(ledger_gateway)["lost_writes"]
    ledger.be(state)
    for stream in (False, True):
        began_s = time.monotonic()
        assert post(ledger_gateway, question(journal, "sim/ok", stream=stream)).status_code == 200
        assert time.monotonic() - began_s < PROMPT_S
    ledger.wait_idle()

    ledger.be("up")
    assert usage(ledger_gateway)["lost_writes"] == lost_before + 2
    with ledger_gateway.client() as client:
        assert client.get("/health?deep=1").json()["ledger"]["lost_writes"] == lost_before + 2
    assert '"ledger_write_lost"' in ledger_gateway.log_text()


def test_usage_is_a_503_while_d1_does_not_answer(ledger_gateway: Gateway, ledger: Ledger) -> None:
    ledger.be("down")

    with ledger_gateway.client() as client:
        answer = client.get("/v1/usage")

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "ledger_unavailable")


def test_a_locked_d1_delays_no_answer_and_lost_writes_are_counted(
    start_gateway: Callable[..., Gateway], runtime: str, journal: Journal
) -> None:
    if runtime not in NO_CRON:
        pytest.skip("needs D1 as a file, which only wrangler has")
    gateway = start_gateway(bindings=("LEDGER",), APP_TITLE="locked")
    post(gateway, question(journal, "sim/ok"))
    wait_for(gateway, 1, timeout_s=WAIT_S)
    (path,) = [path for path in files_of(gateway) if path.suffix == ".sqlite"]
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        with gateway.client() as client:
            for stream in (False, True):
                began_s = time.monotonic()
                answer = client.post(CHAT, json=question(journal, "sim/ok", stream=stream))
                assert answer.status_code == 200
                assert time.monotonic() - began_s < PROMPT_S
        time.sleep(6)  # longer than the time limit of a write
        connection.execute("ROLLBACK")
    finally:
        connection.close()
    assert usage(gateway)["lost_writes"] == 2


def test_usage_without_a_ledger_says_that_none_is_bound(gateway: Gateway) -> None:
    if not gateway.is_ours:
        pytest.skip("a gateway given by --base-url may have one")

    shown = usage(gateway)

    assert shown["ledger"].startswith("not bound")
    assert (shown["totals"], shown["series"], shown["lost_writes"]) == (None, [], 0)
