"""Compares the ledger with the simulator's bill: they must be equal to the micro-dollar, despite all faults.

`make bill` sends ten thousand requests (`BILL_REQUESTS`) and prints the measured sums.
"""

import asyncio
import json
import os
import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.bill import SILENT, send_many
from tests.support.chat import complete_log
from tests.support.ledger import Ledger
from tests.support.runtimes import KEY, UPSTREAM_KEY, Gateway
from tests.support.tls import tls

REQUESTS = int(os.environ.get("BILL_REQUESTS", "300"))
AT_ONCE = 24
# The simulator's price per token of its own models, as a direct upstream declares prices.
PRICES = {model: {"prompt": 1, "completion": 2} for model in ("sim/ok", "sim/hang")}
SUM_OF_COSTS = "SELECT sum(cost_micros) FROM"


@pytest.fixture
def bill(simulator: str) -> Callable[[], int]:
    """A function that returns what the simulator has billed, in nano-dollars."""

    def read() -> int:
        answer = httpx.get(simulator.removesuffix("/api/v1") + "/sim/bill", trust_env=False, verify=tls())
        return int(answer.json()["cost_nano_usd"])

    return read


@pytest.fixture(params=["watched", "native"])
def watched(request: pytest.FixtureRequest) -> bool:
    """Whether the gateway watches streams to their end, or hands them over once they have begun."""
    return bool(request.param == "watched")


@pytest.fixture
def ledger_gateway(
    start_gateway: Callable[..., Gateway], simulator: str, runtime: str, watched: bool
) -> Gateway:
    """A gateway with a ledger and a list of models; the simulator is also its direct upstream."""
    if runtime == "workerd":
        pytest.skip("the 2024 runtime has no cron trigger, which settles open costs")
    near = {"base_url": simulator, "secret": "NEAR_KEY", "usd_per_million_tokens": PRICES}
    gateway = start_gateway(
        bindings=("LEDGER", "MODEL_CACHE"),
        UPSTREAMS=json.dumps({"near": near}),
        NEAR_KEY=UPSTREAM_KEY,
        STREAM_GUARD_EVENTS="unlimited" if watched else "0",
    )
    Ledger(gateway).cron()
    return gateway


def differences(ledger: Ledger, simulator: str) -> list[dict[str, Any]]:
    """Return the requests for which the simulator's bill and the ledger differ."""
    billed: Counter[str] = Counter()
    for entry in complete_log(simulator):
        billed[str(entry["user"])] += round(entry["cost_usd"] * 1_000_000)
    rows = ledger.rows("SELECT * FROM requests")
    return [
        row | {"billed": billed[row["request_id"]]}
        for row in rows
        if row["cost_micros"] - row["estimated_micros"] != billed[row["request_id"]]
    ]


def test_the_ledger_equals_the_simulators_bill(
    ledger_gateway: Gateway, bill: Callable[[], int], simulator: str, watched: bool
) -> None:
    ledger, count = Ledger(ledger_gateway), REQUESTS if watched else max(100, REQUESTS // 10)
    name = f"bill-{uuid.uuid4().hex[:8]}"
    before_nano_usd, began_s = bill(), time.monotonic()

    asyncio.run(
        send_many(
            ledger_gateway, count, simulator=simulator, name=name, watched=watched, at_once=AT_ONCE, seed=7
        )
    )
    ledger.wait_idle(60)
    took_s = time.monotonic() - began_s

    owed = ledger.number("SELECT count(*) FROM unsettled")
    began_s = time.monotonic()
    runs = ledger.settle()
    settled_s = time.monotonic() - began_s
    billed_micros, odd_nano_usd = divmod(bill() - before_nano_usd, 1_000)
    assert odd_nano_usd == 0, "prices must be whole micro-dollars: others would be rounded for each request"
    (sums,) = ledger.rows(
        "SELECT count(*) AS rows, sum(cost_micros) AS cost, sum(estimated_micros) AS estimated, "
        "sum(billed_failures) AS failures, sum(outcome = 'client_gone') AS left FROM requests"
    )
    print(  # noqa: T201  # `make bill` shows it
        f"\n{sums['rows']} requests in {took_s:.0f} s, {sums['left']} of them abandoned by their client, "
        f"{sums['failures']} failures that may have been billed; {owed} costs settled in {runs} runs, "
        f"{settled_s:.0f} s; billed {billed_micros}, recorded {sums['cost']} micro-dollars, "
        f"{sums['estimated']} of them as upper bounds"
    )

    assert sums["rows"] == count
    assert not differences(ledger, simulator)
    assert sums["cost"] - sums["estimated"] == billed_micros
    assert billed_micros > 0
    guessed = "SELECT count(*) FROM requests WHERE estimated_micros > 0 AND requested"
    assert ledger.number(f"{guessed} = '{SILENT}'") > 0
    assert ledger.number(f"{guessed} <> '{SILENT}'") == 0
    assert ledger.number("SELECT count(*) FROM requests WHERE cost_state = 'pending'") == 0
    assert ledger.number(f"{SUM_OF_COSTS} spend") == ledger.number(f"{SUM_OF_COSTS} requests")
    assert ledger.number("SELECT sum(requests) FROM spend") == count
    with ledger_gateway.client() as client:
        shown = client.get("/v1/usage").json()
    assert shown["totals"]["cost_usd"] == pytest.approx(sums["cost"] / 1_000_000)
    assert shown["lost_writes"] == 0
    for secret in (KEY, UPSTREAM_KEY):
        assert secret not in ledger_gateway.log_text() + str(ledger.rows("SELECT * FROM requests"))
    assert "internal_error" not in ledger_gateway.log_text()
    assert "UNHANDLED" not in ledger_gateway.log_text()
