"""The ledger on a real D1: what is written, what is asked for later, who sees what, and D1 in trouble."""

import csv
import io
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.chat import CHAT, post, question
from tests.support.journal import Journal
from tests.support.leaver import Leaver
from tests.support.ledger import Ledger, usage, wait_for
from tests.support.runtimes import KEY, UPSTREAM_KEY, Gateway

OTHER = "e2e-other-token-0123456789"
KEYS = [{"name": "boss", "token": KEY, "admin": True}, {"name": "app", "token": OTHER}]
WAIT_S = 10.0
PROMPT_S = 3.0  # in which an answer must be there, whatever D1 does
NO_CRON = {"workerd"}  # the 2024 runtime lets Python handle nothing but fetch


def of(gateway: Gateway, key: str) -> Gateway:
    """Return the same gateway to the holder of another key."""
    return Gateway(gateway.runtime, gateway.base_url, key, gateway.leash)


@pytest.fixture(scope="session")
def booked(start_gateway: Callable[..., Gateway]) -> Gateway:
    """A gateway with a ledger, and an admin's key."""
    return of(start_gateway(bindings=("LEDGER",), GATEWAY_KEYS=json.dumps(KEYS)), KEY)


@pytest.fixture
def ledger(booked: Gateway) -> Iterator[Ledger]:
    """What is behind it, where that can be seen."""
    if booked.runtime in NO_CRON:
        pytest.skip("needs the cron trigger, or D1 seen from outside")
    found = Ledger(booked)
    found.wait_idle()
    yield found
    found.be("up")


def requests_of(gateway: Gateway) -> int:
    return int(usage(gateway)["totals"]["requests"])


def test_what_was_asked_is_in_the_usage(booked: Gateway, journal: Journal) -> None:
    mine = of(booked, OTHER)
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


def test_each_sees_its_own_and_an_admin_all(booked: Gateway, journal: Journal) -> None:
    post(of(booked, OTHER), question(journal, "sim/ok"))
    post(booked, question(journal, "sim/ok"))
    wait_for(of(booked, OTHER), 1, timeout_s=WAIT_S)

    own, everybody = usage(of(booked, OTHER), "?by=key"), usage(booked, "?by=key")
    with of(booked, OTHER).client() as client:
        refused = client.get("/v1/usage?key=boss")

    assert {row["name"] for row in own["series"]} == {"app"}
    assert "app" in {row["name"] for row in everybody["series"]}
    assert refused.status_code == 403


@pytest.mark.parametrize("by", ["day", "model", "key", "outcome", "route", "provider"])
def test_a_series_adds_up_to_the_totals_and_is_the_same_as_csv(
    booked: Gateway, journal: Journal, by: str
) -> None:
    post(booked, question(journal, "sim/ok"))
    wait_for(booked, 1, timeout_s=WAIT_S)

    shown = usage(booked, f"?by={by}")
    with booked.client() as client:
        answer = client.get(f"/v1/usage?by={by}&format=csv")

    series = shown["series"]
    for name in ("requests", "answered", "prompt_tokens", "completion_tokens"):
        assert sum(row[name] for row in series) == shown["totals"][name]
    assert sum(row["cost_usd"] for row in series) == pytest.approx(shown["totals"]["cost_usd"])
    assert answer.headers["content-type"].startswith("text/csv")
    assert [row[by] for row in csv.DictReader(io.StringIO(answer.text))] == [row["name"] for row in series]


def test_a_client_that_leaves_a_stream_leaves_a_row(booked: Gateway, journal: Journal) -> None:
    before = requests_of(booked)
    with Leaver(booked, question(journal, "sim/drip-100ms", stream=True)) as client:
        client.read_until(b"every ")
        client.leave()

    wait_for(booked, before + 1, timeout_s=WAIT_S)
    outcomes = {row["name"]: row["unsettled"] for row in usage(booked, "?by=outcome")["series"]}
    assert outcomes["client_gone"] >= 1


def test_no_secret_is_in_it(booked: Gateway, journal: Journal) -> None:
    before = requests_of(booked)
    body = question(journal, "sim/echo", metadata={"note": "canary-field"})
    body["messages"] = [{"role": "user", "content": "canary-prompt"}]
    assert "canary-prompt" in post(booked, body).text
    post(booked, body | {"stream": True})
    wait_for(booked, before + 2, timeout_s=WAIT_S)

    kept = everything_in(booked)

    assert journal.user not in kept
    assert "sim/echo" in kept
    for secret in (KEY, OTHER, UPSTREAM_KEY, "canary-prompt", "canary-field"):
        assert secret not in kept


def everything_in(gateway: Gateway) -> str:
    """Return all that D1 holds; on workerd its files, which nothing else writes to."""
    if gateway.runtime not in NO_CRON:
        tables = ("requests", "spend", "unsettled", "alerts")
        return str([Ledger(gateway).rows(f"SELECT * FROM {table}") for table in tables])  # noqa: S608  # our own names
    return "".join(path.read_bytes().decode("latin-1") for path in files_of(gateway))


def files_of(gateway: Gateway) -> list[Path]:
    assert gateway.leash is not None
    return sorted(Path(gateway.leash.log).parent.glob(".wrangler/state/v3/d1/*/*.sqlite*"))


def test_what_a_cut_stream_cost_is_settled_by_cron(booked: Gateway, ledger: Ledger, journal: Journal) -> None:
    before = ledger.number("SELECT coalesce(sum(cost_micros), 0) FROM requests")
    with Leaver(booked, question(journal, "sim/drip-50ms", stream=True)) as client:
        client.read_until(b"every ")
        client.leave()
    post(booked, question(journal, "sim/garbage-event", stream=True))
    ledger.wait_idle()
    assert ledger.number("SELECT count(*) FROM unsettled") >= 2

    ledger.settle()

    assert ledger.number("SELECT count(*) FROM requests WHERE cost_state = 'pending'") == 0
    billed = sum(entry["cost_usd"] for entry in journal.entries())
    after = ledger.number("SELECT sum(cost_micros) FROM requests")
    assert after - before == round(billed * 1_000_000)
    assert after == ledger.number("SELECT sum(cost_micros) FROM spend")


def test_a_native_relays_cost_and_tokens_come_by_cron(
    start_gateway: Callable[..., Gateway], runtime: str, journal: Journal
) -> None:
    if runtime in NO_CRON:
        pytest.skip("needs the cron trigger")
    gateway = start_gateway(bindings=("LEDGER",), STREAM_GUARD_EVENTS="0")
    ledger = Ledger(gateway)
    post(gateway, question(journal, "sim/long-50", stream=True))
    ledger.wait_idle()
    (row,) = ledger.rows("SELECT * FROM requests")
    assert (row["cost_state"], row["cost_micros"], row["completion_tokens"]) == ("pending", 0, 0)

    ledger.settle()

    (row,) = ledger.rows("SELECT * FROM requests")
    (entry,) = journal.entries()
    assert (row["cost_state"], row["cost_micros"]) == ("known", round(entry["cost_usd"] * 1_000_000))
    assert row["completion_tokens"] > 0


@pytest.mark.parametrize("state", ["down", "slow"])
def test_d1_in_trouble_delays_no_answer_and_lost_writes_are_counted(
    booked: Gateway, ledger: Ledger, journal: Journal, state: str
) -> None:
    lost_before = usage(booked)["lost_writes"]
    ledger.be(state)
    for stream in (False, True):
        began_s = time.monotonic()
        assert post(booked, question(journal, "sim/ok", stream=stream)).status_code == 200
        assert time.monotonic() - began_s < PROMPT_S
    ledger.wait_idle()

    ledger.be("up")
    assert usage(booked)["lost_writes"] == lost_before + 2
    with booked.client() as client:
        assert client.get("/health?deep=1").json()["ledger"]["lost_writes"] == lost_before + 2
    assert '"ledger_write_lost"' in booked.log_text()


def test_a_usage_that_d1_does_not_answer_is_a_503(booked: Gateway, ledger: Ledger) -> None:
    ledger.be("down")

    with booked.client() as client:
        answer = client.get("/v1/usage")

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "ledger_unavailable")


def test_a_locked_d1_delays_no_answer_and_lost_writes_are_counted(
    start_gateway: Callable[..., Gateway], runtime: str, journal: Journal
) -> None:
    if runtime not in NO_CRON:
        pytest.skip("needs D1 as a file: only wrangler keeps it so")
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
        time.sleep(6)  # beyond the patience of a write
        connection.execute("ROLLBACK")
    finally:
        connection.close()
    assert usage(gateway)["lost_writes"] == 2


def test_without_a_ledger_it_says_so(gateway: Gateway) -> None:
    if not gateway.is_ours:
        pytest.skip("a gateway given by --base-url may have one")

    shown = usage(gateway)

    assert shown["ledger"].startswith("not bound")
    assert (shown["totals"], shown["series"], shown["lost_writes"]) == (None, [], 0)
