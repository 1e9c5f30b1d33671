"""Inspects and controls the ledger of a gateway on the Node host: its rows, D1's state, the cron trigger."""

import time
from typing import Any
from urllib.parse import quote

from tests.support.runtimes import Gateway

POLL_S = 0.05


class Ledger:
    """The D1 database behind a gateway on the Node host."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a statement; an empty list for one that writes."""
        found: list[dict[str, Any]] = self._post("/__host/d1/LEDGER", sql)
        return found

    def number(self, sql: str) -> int:
        """Return the single number that a statement selects."""
        ((value,),) = (row.values() for row in self.rows(sql))
        return int(value or 0)

    def be(self, state: str) -> None:
        """Set D1's state for the Worker: ``up``, ``down``, ``slow`` (a minute), ``late`` (half a second)."""
        self._post(f"/__host/d1-is/{state}")

    def cron(self) -> None:
        """Run the cron trigger, and wait until its background work is done."""
        with self._gateway.client() as client:
            answer = client.get(f"/__scheduled?cron={quote('*/5 * * * *')}")
        assert answer.text == "ran", answer.text

    def settle(self, most_runs: int = 500) -> int:
        """Make open costs due and run the cron trigger until none is left; return the number of runs."""
        for run in range(most_runs):
            if self.number("SELECT count(*) FROM unsettled") == 0:
                return run
            self.rows("UPDATE unsettled SET next_at_ms = 0")
            self.cron()
        owed = self.rows("SELECT * FROM unsettled")
        raise AssertionError(f"after {most_runs} runs these costs are still open: {owed}")

    def wait_idle(self, timeout_s: float = 20.0) -> None:
        """Wait until all background work of the responses has ended."""
        ends_at_s = time.monotonic() + timeout_s
        with self._gateway.client() as client:
            while (stats := client.get("/__host/stats").json())["pending_waits"]:
                assert time.monotonic() < ends_at_s, stats
                time.sleep(POLL_S)

    def _post(self, path: str, sql: str = "") -> Any:  # noqa: ANN401  # JSON of any kind
        with self._gateway.client() as client:
            answer = client.post(path, content=sql)
        answer.raise_for_status()
        return answer.json() if sql else None


def usage(gateway: Gateway, query: str = "") -> dict[str, Any]:
    """Return the answer of ``GET /v1/usage``."""
    with gateway.client() as client:
        answer = client.get(f"/v1/usage{query}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def wait_for(gateway: Gateway, requests: int, query: str = "", *, timeout_s: float) -> dict[str, Any]:
    """Return the usage once it counts ``requests``: rows are written after their answers."""
    ends_at_s = time.monotonic() + timeout_s
    while (shown := usage(gateway, query))["totals"]["requests"] < requests:
        assert time.monotonic() < ends_at_s, shown
        time.sleep(POLL_S)
    return shown
