"""A ledger from outside: the rows that a Worker under Node has written, D1's moods, and the cron trigger."""

import time
from typing import Any
from urllib.parse import quote

from tests.support.runtimes import Gateway

POLL_S = 0.05


class Ledger:
    """The D1 behind a gateway on the Node host."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Return what a statement finds; one that writes finds nothing."""
        found: list[dict[str, Any]] = self._post("/__host/d1/LEDGER", sql)
        return found

    def number(self, sql: str) -> int:
        """Return the one number that a statement finds."""
        ((value,),) = (row.values() for row in self.rows(sql))
        return int(value or 0)

    def be(self, state: str) -> None:
        """Let D1 be ``up``, ``down``, ``slow`` or ``late`` for the Worker."""
        self._post(f"/__host/d1-is/{state}")

    def cron(self) -> None:
        """Play the cron trigger, and wait until its work is done."""
        with self._gateway.client() as client:
            answer = client.get(f"/__scheduled?cron={quote('*/5 * * * *')}")
        assert answer.text == "ran", answer.text

    def settle(self, most_runs: int = 500) -> int:
        """Let everything that is owed be due, and play the trigger until nothing is; return how often."""
        for run in range(most_runs):
            if self.number("SELECT count(*) FROM unsettled") == 0:
                return run
            self.rows("UPDATE unsettled SET next_at_ms = 0")
            self.cron()
        owed = self.rows("SELECT * FROM unsettled")
        raise AssertionError(f"after {most_runs} runs there is still owed {owed}")

    def wait_idle(self, timeout_s: float = 20.0) -> None:
        """Return once nothing runs beside the responses any more."""
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
    """Return what ``/v1/usage`` shows."""
    with gateway.client() as client:
        answer = client.get(f"/v1/usage{query}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def wait_for(gateway: Gateway, requests: int, query: str = "", *, timeout_s: float) -> dict[str, Any]:
    """Return the usage as soon as it has so many requests: they are written after their answers."""
    ends_at_s = time.monotonic() + timeout_s
    while (shown := usage(gateway, query))["totals"]["requests"] < requests:
        assert time.monotonic() < ends_at_s, shown
        time.sleep(POLL_S)
    return shown
