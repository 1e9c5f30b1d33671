"""Two gateways with one coordinator: what one counts or learns holds for the other, faults included.

It runs on production's Python only, and not where a gateway has no Durable Objects.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest

from scripts.dev.ports import free_port
from scripts.dev.servers import stage_directory
from tests.support.chat import SLACK_S, Body, error_in, post, question
from tests.support.coordinator import CoordinatorProcess
from tests.support.journal import Journal
from tests.support.leaver import Leaver
from tests.support.runtimes import KEY, NODE_PACKAGES, Gateway

PRODUCTION = "pyodide-0.28"
LIMIT_S = 1.0  # for an answer of the coordinator: long, since the machine may be busy
BUDGET_USD = 0.000_5
QUIET_S = 3.0  # longer than a gateway keeps what it was granted and does not use
# What a coordinator does, and the word for it in the log.
FAULTS = {
    "overloaded": "overloaded",
    "unreachable": "unreachable",
    "reset": "reset",
    "late": "late",
    "hangs": "late",
    "ended": "unreachable",
}
KEYS: Mapping[str, Mapping[str, object]] = {
    "pair": {"budget": {"day_usd": BUDGET_USD}},
    "often": {"per_minute": 4},
    "single": {"concurrent": 1},
    "middle": {"concurrent": 1},
    "many": {"per_minute": 100},
    "restarted": {"per_minute": 3},
    **{f"{mode}-{fault}": {"per_minute": 50} for mode in ("shared", "strict") for fault in FAULTS},
}
UNCLEAN = ("UNHANDLED", "InvalidStateError", "never retrieved", "internal_error")


def token_of(name: str) -> str:
    return f"e2e-token-of-{name}-0123456789"


@dataclass(frozen=True)
class Pair:
    """Two gateways with the same settings."""

    one: Gateway
    other: Gateway

    def of(self, name: str) -> "Pair":
        """Return the same gateways with another key."""
        return Pair(*(Gateway(each.runtime, each.base_url, token_of(name), each.leash) for each in self.both))

    @property
    def both(self) -> tuple[Gateway, Gateway]:
        """Both gateways."""
        return (self.one, self.other)


@pytest.fixture(scope="module")
def coordinator(runtime: str) -> Iterator[CoordinatorProcess]:
    """The process with the objects."""
    if runtime != PRODUCTION:
        pytest.skip(f"runs on {PRODUCTION} only: two gateways and a coordinator take long to start")
    port = free_port()
    process = CoordinatorProcess(NODE_PACKAGES[runtime], port, stage_directory(f"e2e/coordinator-{port}"), {})
    process.start()
    yield process
    process.remove()


@pytest.fixture(autouse=True)
def _up(coordinator: CoordinatorProcess) -> Iterator[None]:
    yield
    coordinator.start()
    coordinator.be("up")


@pytest.fixture(scope="module")
def start(coordinator: CoordinatorProcess, start_gateway: Callable[..., Gateway]) -> Callable[..., Gateway]:
    """A function that starts a gateway which has the coordinator, and knows the prices of models."""
    entries = [{"name": "e2e", "token": KEY, "admin": True}]
    entries += [{"name": name, "token": token_of(name), **bounds} for name, bounds in KEYS.items()]

    def start_one(mode: str, name: str) -> Gateway:
        gateway = start_gateway(
            bindings=("MODEL_CACHE",),
            name=name,
            coordinator=coordinator.base_url,
            COORDINATION=mode,
            COORDINATION_MS=str(int(LIMIT_S * 1000)),
            GATEWAY_KEYS=json.dumps(entries),
        )
        with gateway.client() as client:
            assert client.get("/v1/models").status_code == 200
        return gateway

    return start_one


@pytest.fixture(scope="module")
def pair(start: Callable[..., Gateway]) -> Pair:
    """Two gateways that refuse requests without the coordinator."""
    return Pair(start("strict", "one"), start("strict", "other"))


@pytest.fixture(scope="module")
def lenient(start: Callable[..., Gateway]) -> Gateway:
    """A gateway that goes on without the coordinator."""
    return start("shared", "one")


def refusals_of_both(pair: Pair, body: Body) -> list[str]:
    """Send a request to both in turn until both refuse it for a while; return the refusals' codes."""
    codes: list[str] = []
    answered_s = time.monotonic()
    while time.monotonic() - answered_s < QUIET_S:
        for answer in [post(gateway, body) for gateway in pair.both]:
            if answer.status_code == 200:
                answered_s = time.monotonic()
            else:
                codes.append(error_in(answer)["code"])
                time.sleep(0.1)
    return codes


def test_two_gateways_spend_one_budget_and_what_is_spent_outlives_the_coordinators_process(
    pair: Pair, coordinator: CoordinatorProcess, journal: Journal
) -> None:
    mine, body = pair.of("pair"), question(journal, "sim/ok", max_tokens=100)

    codes = refusals_of_both(mine, body)

    spent_usd = sum(each["cost_usd"] for each in journal.entries())
    assert BUDGET_USD / 5 < spent_usd <= BUDGET_USD
    assert {*codes} <= {"budget_spent", "budget_too_small", "budget_in_flight"}

    coordinator.end()
    coordinator.start()

    assert {post(gateway, body).status_code for gateway in mine.both} <= {402, 429}
    assert sum(each["cost_usd"] for each in journal.entries()) == spent_usd


def test_two_gateways_count_one_minute(pair: Pair, journal: Journal) -> None:
    mine = pair.of("often")

    answers = [post(gateway, question(journal, "sim/ok")) for _ in range(3) for gateway in mine.both]

    assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 2
    assert error_in(answers[-1])["code"] == "too_many_requests"
    assert int(answers[-1].headers["retry-after"]) <= 61
    assert len(journal.entries()) == 4


def test_a_request_in_flight_at_one_gateway_counts_at_the_other(pair: Pair, journal: Journal) -> None:
    mine = pair.of("single")
    with Leaver(mine.one, question(journal, "sim/drip-100ms", stream=True)) as client:
        client.read_until(b"every ")
        refused = post(mine.other, question(journal, "sim/ok"))
        client.leave()

    assert error_in(refused)["code"] == "too_many_at_once"
    assert answered_in_time(mine.other, journal)


def answered_in_time(gateway: Gateway, journal: Journal) -> bool:
    """Send a request again and again; return whether one is answered before long."""
    until_s = time.monotonic() + 10
    while time.monotonic() < until_s:
        if post(gateway, question(journal, "sim/ok")).status_code == 200:
            return True
        time.sleep(0.1)
    return False


def test_a_request_that_ends_while_the_coordinator_is_gone_is_reported_with_the_next_one(
    pair: Pair, coordinator: CoordinatorProcess, journal: Journal
) -> None:
    mine = pair.of("middle")
    with Leaver(mine.one, question(journal, "sim/drip-100ms", stream=True)) as client:
        client.read_until(b"every ")
        coordinator.end()
        client.leave()
    coordinator.start()

    assert answered_in_time(mine.one, journal)
    assert answered_in_time(mine.other, journal)


def test_a_cooldown_that_one_gateway_begins_holds_for_the_other(pair: Pair, journal: Journal) -> None:
    mine = pair.of("many")
    body = question(journal, "sim/retry-after-57", "sim/ok")
    first = post(mine.one, body)
    assert first.status_code == 200, first.text
    assert first.headers["x-gateway-trace"] == "sim/retry-after-57=rate_limited,sim/ok=ok"
    post(mine.one, question(journal, "sim/ok"))

    answer = post(mine.other, body)

    assert answer.headers["x-gateway-trace"] == "sim/ok=ok"
    [skipped] = answer.json()["gateway"]["skipped"]
    assert (skipped["model"], skipped["reason"]) == ("sim/retry-after-57", "resting")


def test_the_instances_of_the_objects_keep_nothing_to_themselves(
    pair: Pair, coordinator: CoordinatorProcess, journal: Journal
) -> None:
    mine = pair.of("restarted")

    statuses = []
    for gateway in (mine.one, mine.other, mine.one, mine.other):
        coordinator.restart_objects()
        statuses.append(post(gateway, question(journal, "sim/ok")).status_code)

    assert statuses == [200, 200, 200, 429]


def test_an_alarm_that_was_due_while_no_process_ran_fires_in_the_next_one(
    coordinator: CoordinatorProcess,
) -> None:
    ask = {"id": "1", "limits": {"day": 1000}, "micros": 10, "least": 1, "counts": True, "lease": False}
    asked = {"v": 1, "ask": {**ask, "strict": True}, "reports": [], "learned": [], "seen": 0}
    assert coordinator.call("key:alarm", "admit", json.dumps(asked)).status_code == 200
    (alarm,) = coordinator.rows("key:alarm", "SELECT value FROM _cf_own WHERE name = 'alarm'")
    coordinator.rows("key:alarm", "UPDATE grants SET until_ms = 1")
    coordinator.rows("key:alarm", "UPDATE _cf_own SET value = 1 WHERE name = 'alarm'")

    coordinator.end()
    coordinator.start()

    until_s = time.monotonic() + 10
    while not (spent := coordinator.rows("key:alarm", "SELECT micros FROM spend")):
        assert time.monotonic() < until_s
        time.sleep(0.05)
    assert {row["micros"] for row in spent} == {10}
    assert alarm["value"] > time.time() * 1000


def test_an_error_inside_an_object_is_logged_and_passed_on_without_content(
    coordinator: CoordinatorProcess,
) -> None:
    answer = coordinator.call("key:junk", "admit", '{"v": 1, "canary": ')

    assert answer.status_code == 500
    assert answer.json()["remote"] is True
    for text in (answer.text, coordinator.log_text()):
        assert "the coordinator failed: ValueError" in text
        assert "canary" not in text
    assert '"internal_error"' in coordinator.log_text()


def fail(coordinator: CoordinatorProcess, fault: str) -> None:
    if fault == "ended":
        coordinator.end()
    else:
        coordinator.be(fault)


@pytest.mark.parametrize("fault", FAULTS)
def test_without_an_answer_of_the_coordinator_a_strict_gateway_sends_nothing(
    pair: Pair, coordinator: CoordinatorProcess, journal: Journal, fault: str
) -> None:
    gateway = pair.of(f"strict-{fault}").one
    fail(coordinator, fault)
    began_s = time.monotonic()

    answer = post(gateway, question(journal, "sim/ok"))

    assert time.monotonic() - began_s < LIMIT_S + SLACK_S
    assert answer.status_code == 503
    error = error_in(answer)
    assert (error["code"], error["metadata"]["retryable"]) == ("coordination_unavailable", True)
    assert journal.entries() == []


@pytest.mark.parametrize("fault", FAULTS)
def test_without_an_answer_of_the_coordinator_a_shared_gateway_answers_and_says_so(
    lenient: Gateway, coordinator: CoordinatorProcess, journal: Journal, fault: str
) -> None:
    token = token_of(f"shared-{fault}")
    gateway = Gateway(lenient.runtime, lenient.base_url, token, lenient.leash)
    fail(coordinator, fault)
    began_s = time.monotonic()

    answer = post(gateway, question(journal, "sim/ok"))

    assert time.monotonic() - began_s < LIMIT_S + SLACK_S
    assert answer.status_code == 200
    assert answer.json()["gateway"]["coordination"] == "open"
    assert len(journal.entries()) == 1
    events = [json.loads(line) for line in gateway.log_text().splitlines() if '"coordinator_failed"' in line]
    assert (events[-1]["scope"], events[-1]["error"]) == ("key", FAULTS[fault])


def test_no_fault_of_the_coordinator_leaves_an_error_in_a_gateway(pair: Pair, lenient: Gateway) -> None:
    time.sleep(2.5)  # until the late replies have come

    logs = [each.log_text() for each in (*pair.both, lenient)]

    assert not [line for log in logs for line in log.splitlines() if any(word in line for word in UNCLEAN)]
