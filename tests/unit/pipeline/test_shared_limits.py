"""Tests requests that are counted for all isolates: what they cost in calls, and what their callers see."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.settings.settings import Settings
from tests.support.coordinators import Coordinators
from tests.support.planning import catalog_of, listed
from tests.support.upstream import Act, after, answer, fail
from tests.support.world import Answer, World, chat, finish, one_key

pytestmark = pytest.mark.anyio
ADMIT, SETTLE, RELEASE = "admit", "settle", "release"


def world(coordinator: Coordinators, mode: str = "shared", *, number: int = 0, **fields: object) -> World:
    """Return an isolate; each one has a number of its own."""
    settings = {"GATEWAY_KEYS": one_key(**fields), "COORDINATION": mode, "BUDGET_HOLD": "worst"}
    made = World(settings, coordinator=coordinator, ids=number * 1_000_000)
    made.memory.catalog.catalog = catalog_of(listed("a/one"), listed("b/two"))
    return made


@dataclass(slots=True)
class Pair:
    """Two isolates with one coordinator for each scope."""

    mode: str = "shared"
    fields: dict[str, object] = field(default_factory=dict)
    coordinator: Coordinators = field(default_factory=Coordinators)
    one: World = field(init=False)
    two: World = field(init=False)

    def __post_init__(self) -> None:
        self.one = world(self.coordinator, self.mode, number=1, **self.fields)
        self.two = world(self.coordinator, self.mode, number=2, **self.fields)


def costing(usd: float) -> Act:
    return answer("Hello.", usage={"prompt_tokens": 1, "completion_tokens": 1, "cost": usd})


async def ask(made: World, *, settle: bool = True, **fields: object) -> Answer:
    """Return the answer to a request; ``settle``: once its background work has ended."""
    got = await finish(await made.begin({**chat("a/one"), "max_tokens": 10, **fields}))
    if settle:
        await made.let_run()
    return got


@pytest.mark.parametrize("mode", ["shared", "strict"])
async def test_what_one_isolate_has_spent_counts_in_the_other(mode: str) -> None:
    pair = Pair(mode, {"budget": {"day_usd": 0.001}})
    pair.one.script("a/one", costing(0.001))
    assert (await ask(pair.one)).status == 200

    got = await ask(pair.two)
    assert (got.status, got.error["code"]) == (402, "budget_spent")
    assert got.error["metadata"]["spent_usd"] == 0.001
    assert not pair.two.upstream.received


async def test_what_a_request_in_flight_of_one_isolate_holds_is_not_left_in_the_other() -> None:
    pair = Pair("strict", {"budget": {"day_usd": 0.00015}})
    pair.one.script("a/one", after(5, costing(0.00001)))
    first = asyncio.ensure_future(ask(pair.one, max_tokens=10))
    await asyncio.sleep(1)

    grants = pair.one.memory.allowances["key:one"].grants.values()
    assert sum(micros for grant in grants for micros in grant.held.values()) > 100

    got = await ask(pair.two, max_tokens=10)
    assert (got.status, got.error["code"]) == (429, "budget_in_flight")
    assert not pair.two.upstream.received
    assert (
        pair.coordinator.calls.count(("key:one", ADMIT)) == 2 + 1
    )  # it knows what is left from the first call
    assert (await first).status == 200
    assert (await ask(pair.two, max_tokens=10)).status == 200


async def test_all_isolates_together_make_no_more_requests_a_minute_than_a_key_may() -> None:
    pair = Pair("strict", {"per_minute": 3})
    codes = [(await ask(made)).status for made in (pair.one, pair.two, pair.one, pair.two)]

    assert codes == [200, 200, 200, 429]
    got = await ask(pair.two)
    assert got.error["code"] == "too_many_requests"
    assert 0 < int(got.headers["retry-after"]) <= 60


async def test_all_isolates_together_have_no_more_requests_in_flight_than_a_key_may() -> None:
    pair = Pair("shared", {"concurrent": 1})
    pair.one.script("a/one", after(5, answer("Hello.")))
    first = asyncio.ensure_future(ask(pair.one))
    await asyncio.sleep(1)

    got = await ask(pair.two)
    assert (got.status, got.error["code"]) == (429, "too_many_at_once")
    assert (await first).status == 200
    assert (await ask(pair.two)).status == 200


async def test_a_sessions_budget_counts_in_all_isolates() -> None:
    pair = Pair("strict")
    pair.one.script("a/one", costing(0.001))
    options: dict[str, Any] = {"session_id": "run-1", "gateway": {"max_session_usd": 0.001}}
    assert (await ask(pair.one, **options)).status == 200

    got = await ask(pair.two, **options)
    assert (got.status, got.error["code"]) == (402, "session_budget_spent")


async def test_a_request_that_several_scopes_bind_is_given_back_where_it_was_granted() -> None:
    pair = Pair("strict", {"budget": {"day_usd": 1}})
    env = {"BUDGET_DAY_USD": "0.001"}
    for made in (pair.one, pair.two):
        made.env = {**made.env, **env}
    pair.one.script("a/one", costing(0.001))
    assert (await ask(pair.one)).status == 200
    assert sorted(pair.coordinator.calls[:2]) == [("*", ADMIT), ("key:one", ADMIT)]

    got = await ask(pair.two)
    assert (got.status, got.error["metadata"]["scope"]) == (402, "all_keys")
    storage = pair.coordinator.storages["key:one"]
    assert storage.rows("SELECT sum(held) AS held FROM grants")[0]["held"] == 0


async def test_a_model_that_one_isolate_found_down_is_not_called_by_the_other() -> None:
    pair = Pair("shared", {"per_minute": 100})
    pair.one.script("a/one", fail(429, "slow down", **{"retry-after": "30"}))
    assert (await ask(pair.one, models=["a/one", "b/two"])).receipt["served"] == "b/two"

    got = await ask(pair.two, models=["a/one", "b/two"])
    assert [attempt["model"] for attempt in got.receipt["attempts"]] == ["b/two"]
    assert got.receipt["skipped"][0]["reason"] == "resting"

    await asyncio.sleep(31)
    pair.two.script("a/one", answer("Back."))
    assert (await ask(pair.two, models=["a/one"])).status == 200
    await ask(pair.one, models=["b/two"])
    pair.one.script("a/one", answer("Back."))
    assert (await ask(pair.one, models=["a/one"])).status == 200


async def test_a_key_without_limits_waits_for_no_coordinator_and_still_learns_from_it() -> None:
    pair = Pair("strict")
    pair.one.script("a/one", fail(429, "slow down", **{"retry-after": "30"}))
    await ask(pair.one, models=["a/one", "b/two"])
    await ask(pair.two, models=["b/two"])
    got = await ask(pair.two, models=["a/one", "b/two"])
    assert [attempt["model"] for attempt in got.receipt["attempts"]] == ["b/two"]

    pair.coordinator.pause_s = 50.0
    begun_s = asyncio.get_running_loop().time()
    assert (await ask(pair.one, settle=False, models=["b/two"])).status == 200
    assert asyncio.get_running_loop().time() - begun_s < 1


async def test_a_request_of_the_common_kind_makes_one_call_before_it_is_sent_and_one_afterwards() -> None:
    coordinator = Coordinators()
    made = world(coordinator, "strict", budget={"day_usd": 1}, per_minute=60)
    await ask(made)
    coordinator.calls.clear()
    await ask(made, settle=False)
    assert coordinator.calls == [("key:one", ADMIT)]

    await made.let_run()
    assert coordinator.calls == [("key:one", ADMIT), ("key:one", SETTLE)]


async def test_steady_traffic_asks_once_in_many_requests() -> None:
    coordinator = Coordinators()
    made = world(coordinator, "strict", budget={"day_usd": 1})
    made.script("a/one", after(1, costing(0.00002)))

    async def one(delay_s: float) -> int:
        await asyncio.sleep(delay_s)
        return (await ask(made)).status

    statuses = await asyncio.gather(*(one(index * 0.1) for index in range(100)))
    assert {*statuses} == {200}
    assert coordinator.calls.count(("key:one", ADMIT)) < 10
    await asyncio.sleep(30)
    await ask(made)
    storage = coordinator.storages["key:one"]
    assert storage.rows("SELECT sum(held) AS held FROM grants")[0]["held"] == 0
    assert storage.rows("SELECT micros FROM spend")[0]["micros"] == 101 * 20


async def test_the_call_runs_while_the_body_arrives() -> None:
    coordinator = Coordinators(pause_s=0.2)
    made = world(coordinator, "strict", per_minute=60)
    made.body_s = 0.2
    begun_s = asyncio.get_running_loop().time()
    await ask(made, settle=False)

    assert asyncio.get_running_loop().time() - begun_s == pytest.approx(0.2, abs=0.01)


async def test_a_request_whose_body_is_wrong_gives_back_what_it_was_granted() -> None:
    coordinator = Coordinators()
    made = world(coordinator, "strict", budget={"day_usd": 1}, concurrent=1)
    await ask(made)
    for pause_s in (0.0, 0.1):
        made.body_s = pause_s
        got = await finish(await made.begin(b"{"))
        await made.let_run()
        assert got.status == 400

    assert coordinator.calls[-2:] == [("key:one", ADMIT), ("key:one", RELEASE)]
    rows = coordinator.storages["key:one"].rows("SELECT sum(held) AS held, sum(busy) AS busy FROM grants")
    assert rows == [{"held": 0, "busy": 0}]


def unreachable(coordinator: Coordinators) -> None:
    coordinator.fault = "unreachable"


def overloaded(coordinator: Coordinators) -> None:
    coordinator.fault = "overloaded"


def late(coordinator: Coordinators) -> None:
    coordinator.pause_s = 5.0


def late_reply(coordinator: Coordinators) -> None:
    coordinator.reply_pause_s = 5.0


def malformed(coordinator: Coordinators) -> None:
    coordinator.reply = "<html>"


TROUBLE = [unreachable, overloaded, late, late_reply, malformed]


@pytest.mark.parametrize("trouble", TROUBLE)
async def test_shared_goes_on_without_a_coordinator_and_says_so(
    trouble: Callable[[Coordinators], None],
) -> None:
    pair = Pair("shared", {"budget": {"day_usd": 0.001}})
    trouble(pair.coordinator)
    pair.one.script("a/one", costing(0.001))
    begun_s = asyncio.get_running_loop().time()
    got = await ask(pair.one, settle=False)

    assert asyncio.get_running_loop().time() - begun_s < 0.4
    assert (got.status, got.receipt["coordination"]) == (200, "open")
    assert got.headers["x-gateway-coordination"] == "open"
    [logged] = pair.one.events("coordinator_failed")
    assert logged["scope"] == "key"

    # Once it answers again, it learns what was spent meanwhile.
    pair.coordinator.be_well()
    await asyncio.sleep(10)
    await pair.one.let_run()
    got = await ask(pair.two)
    assert (got.status, got.error["code"]) == (402, "budget_spent")


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
async def test_strict_refuses_without_a_coordinator_in_each_form_of_errors(
    path: str, trouble: Callable[[Coordinators], None]
) -> None:
    coordinator = Coordinators()
    trouble(coordinator)
    made = world(coordinator, "strict", budget={"day_usd": 1})
    body = {"model": "a/one", "max_tokens": 5, "messages": chat()["messages"], "input": "Hi"}
    got = await finish(await made.begin(body, path=path))

    assert got.status == 503
    assert b"coordination_unavailable" in got.body or path == "/v1/messages"
    assert got.headers["retry-after"] == "2"
    assert not made.upstream.received

    coordinator.be_well()
    await asyncio.sleep(10)
    await made.let_run()
    assert (await ask(made)).status == 200
    rows = coordinator.storages["key:one"].rows("SELECT sum(held) AS held FROM grants")
    assert rows == [{"held": 0}]


async def test_a_coordinator_that_restarts_in_the_middle_has_forgotten_nothing() -> None:
    pair = Pair("strict", {"budget": {"day_usd": 0.00015}})
    pair.one.script("a/one", after(5, costing(0.00015)))
    first = asyncio.ensure_future(ask(pair.one, max_tokens=10))
    await asyncio.sleep(1)
    pair.coordinator.restart()

    assert (await ask(pair.two, max_tokens=10)).error["code"] == "budget_in_flight"
    assert (await first).status == 200
    pair.coordinator.restart()
    assert (await ask(pair.two)).error["code"] == "budget_spent"


async def test_shared_asks_a_coordinator_that_is_away_once_a_second_at_the_most() -> None:
    coordinator = Coordinators(fault="unreachable")
    made = world(coordinator, "shared", per_minute=1_000)
    for _ in range(20):
        await ask(made, settle=False)

    assert len(coordinator.calls) == 1


async def test_without_the_binding_shared_is_local_and_strict_refuses() -> None:
    made = world(Coordinators(bound=False), "shared", budget={"day_usd": 1})
    assert (await ask(made)).status == 200

    made = world(Coordinators(bound=False), "strict", budget={"day_usd": 1})
    got = await ask(made)
    assert (got.status, got.error["code"], got.error["param"]) == (
        503,
        "coordination_unavailable",
        "COORDINATION",
    )


@pytest.mark.parametrize(
    ("mode", "hold"), [("strict", "worst"), ("shared", "estimate"), ("local", "estimate")]
)
def test_only_strict_holds_the_most_that_a_request_may_cost_whatever_is_set(mode: str, hold: str) -> None:
    settings = Settings.from_env({"COORDINATION": mode, "BUDGET_HOLD": "estimate"}.get)

    assert settings.budget_hold == hold


async def test_local_asks_nobody() -> None:
    coordinator = Coordinators()
    made = world(coordinator, "local", budget={"day_usd": 1}, per_minute=5)
    assert (await ask(made)).status == 200
    assert not coordinator.calls


async def test_a_message_that_arrives_twice_counts_once() -> None:
    coordinator = Coordinators(twice=True)
    made = world(coordinator, "strict", budget={"day_usd": 1}, per_minute=60)
    made.script("a/one", costing(0.001))
    await ask(made)

    storage = coordinator.storages["key:one"]
    assert storage.rows("SELECT micros FROM spend") == [{"micros": 1_000}]
    assert storage.rows("SELECT sum(count) AS count FROM calls") == [{"count": 1}]


async def test_a_client_that_leaves_while_a_coordinator_is_asked_leaves_nothing_behind() -> None:
    coordinator = Coordinators(pause_s=0.2)
    made = world(coordinator, "strict", budget={"day_usd": 1}, concurrent=1)
    request: Awaitable[Answer] = asyncio.ensure_future(ask(made, settle=False))
    await asyncio.sleep(0.1)
    request.cancel()  # type: ignore[attr-defined]
    with pytest.raises(asyncio.CancelledError):
        await request
    await made.let_run()

    rows = coordinator.storages["key:one"].rows("SELECT sum(held) AS held, sum(busy) AS busy FROM grants")
    assert rows == [{"held": 0, "busy": 0}]


async def test_requests_that_begin_at_the_same_moment_take_no_money_from_each_other() -> None:
    coordinator = Coordinators(pause_s=0.1)
    made = world(coordinator, "strict", budget={"day_usd": 0.1})
    answers = await asyncio.gather(*(ask(made, settle=False, max_tokens=size) for size in range(1, 60)))

    assert {each.status for each in answers} == {200}
    await made.let_run()
    assert coordinator.storages["key:one"].rows("SELECT sum(held) AS held FROM grants") == [{"held": 0}]


async def test_after_a_refusal_by_old_sums_the_next_request_asks_again() -> None:
    pair = Pair("shared", {"budget": {"day_usd": 0.001}})
    pair.two.script("a/one", after(3, costing(0.00001)))
    big = asyncio.ensure_future(ask(pair.two, max_tokens=300))
    await asyncio.sleep(1)
    pair.one.script("a/one", after(60, costing(0.00001)), answer("Hello."))
    small = asyncio.ensure_future(ask(pair.one, settle=False, max_tokens=1))  # it leases
    await asyncio.sleep(1)
    assert (await ask(pair.one, settle=False, max_tokens=300)).error["code"] == "budget_in_flight"
    assert (await big).status == 200

    assert (await ask(pair.one, settle=False, max_tokens=300)).status == 200
    small.cancel()


async def test_a_coordinator_that_goes_away_between_two_calls_of_a_request_is_noted_too() -> None:
    coordinator = Coordinators()
    made = world(coordinator, "shared", budget={"day_usd": 0.001})
    made.body_s = 0.1
    request = asyncio.ensure_future(ask(made, settle=False, max_tokens=200))
    await asyncio.sleep(0.05)
    coordinator.fault = "unreachable"

    assert (await request).receipt["coordination"] == "open"


@pytest.mark.parametrize("trouble", TROUBLE)
async def test_strict_makes_no_attempt_if_the_coordinator_goes_away_before_it(
    trouble: Callable[[Coordinators], None],
) -> None:
    coordinator = Coordinators()
    made = world(coordinator, "strict", budget={"day_usd": 0.001})
    made.body_s = 0.1
    request = asyncio.ensure_future(ask(made, settle=False, max_tokens=200))
    await asyncio.sleep(0.05)
    trouble(coordinator)

    got = await request
    assert (got.status, got.error["code"], got.receipt["attempts"]) == (503, "coordination_unavailable", [])
    assert not made.upstream.received


async def test_the_next_model_is_asked_if_only_that_one_fits_what_others_have_left() -> None:
    pair = Pair("strict", {"budget": {"day_usd": 0.001}})
    dear = listed("a/one", pricing={"prompt": "0.000001", "completion": "0.00002"})
    for made in (pair.one, pair.two):
        made.memory.catalog.catalog = catalog_of(dear, listed("b/two"))
    await ask(pair.one, models=["b/two"])
    pair.one.body_s = 0.1
    request = asyncio.ensure_future(ask(pair.one, models=["a/one", "b/two"], max_tokens=20))
    await asyncio.sleep(0.05)
    pair.two.script("b/two", after(5, answer("Hello.")))
    other = asyncio.ensure_future(ask(pair.two, models=["b/two"], max_tokens=200))

    got = await request
    assert (got.status, got.receipt["served"]) == (200, "b/two")
    assert [each["model"] for each in got.receipt["attempts"]] == ["b/two"]
    assert got.receipt["skipped"] == [{"model": "a/one", "reason": "budget_in_flight"}]
    assert (await other).status == 200


async def test_a_cooldown_that_is_over_is_not_taken_for_one_that_has_ended() -> None:
    pair = Pair("shared", {"per_minute": 100})
    pair.one.script("a/one", fail(429, "slow down", **{"retry-after": "30"}))
    await ask(pair.one, models=["a/one", "b/two"])
    await asyncio.sleep(31)
    for _ in range(3):
        await ask(pair.two, models=["b/two"])

    rows = pair.coordinator.storages["key:one"].rows("SELECT until_ms FROM cooldowns")
    assert [row["until_ms"] for row in rows] != [0]
