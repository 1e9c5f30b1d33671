import json
from random import random

import pytest

from gateway.dialects.answer_test import AnswerTest
from gateway.fallback.receipt import open_receipt
from gateway.fallback.schedule import Schedule
from gateway.faults.fault import Fault
from gateway.memory.cooldowns import Cooldowns
from gateway.routing.chain import Candidate, Limits, Plan
from tests.support.upstream import Act, answer, fail, hang, recorded
from tests.support.world import World, now_s, one_key

pytestmark = pytest.mark.anyio


async def test_only_the_last_model_is_retried() -> None:
    world = World().script("a/one", fail(502)).script("b/two", fail(502), answer())

    got = await world.ask("a/one", "b/two")

    assert world.upstream.models == ["a/one", "b/two", "b/two"]
    assert [attempt["number"] for attempt in got.receipt["attempts"]] == [1, 1, 2]
    assert 0 < now_s() <= 2


@pytest.mark.parametrize(("retries", "calls"), [(0, 1), (1, 2), (3, 4)])
async def test_a_model_is_retried_as_often_as_requested(retries: int, calls: int) -> None:
    world = World().script("a/one", fail(502))

    await world.ask("a/one", gateway={"retries": retries})

    assert len(world.upstream.models) == calls


@pytest.mark.parametrize("act", [fail(404), fail(429), hang], ids=["404", "429", "hanging"])
async def test_a_fault_that_a_retry_cannot_fix_is_not_retried(act: Act) -> None:
    world = World().script("a/one", act)

    await world.ask("a/one")

    assert world.upstream.models == ["a/one"]


async def test_a_short_pause_that_the_model_asks_for_is_waited_for() -> None:
    world = World().script("a/one", fail(429, retry_after="1"), answer())

    got = await world.ask("a/one", "b/two")

    assert world.upstream.models == ["a/one", "a/one"]
    assert got.receipt["served"] == "a/one"
    assert now_s() == pytest.approx(1.0)


async def test_no_request_waits_while_another_model_is_ready() -> None:
    world = World().script("a/one", fail(429, retry_after="17"))

    got = await world.ask("a/one", "b/two")

    assert got.receipt["served"] == "b/two"
    assert now_s() == 0.0


@pytest.mark.parametrize("limit", ["deadline_ms", "max_wait_ms"])
async def test_a_pause_is_waited_for_if_no_model_is_left_and_the_caller_allows_it(limit: str) -> None:
    world = World().script("a/one", fail(429, retry_after="17"), answer()).script("b/two", fail(404))

    got = await world.ask("a/one", "b/two", gateway={limit: 20_000})

    assert got.receipt["served"] == "a/one"
    assert now_s() == pytest.approx(17.0)


async def test_a_pause_beyond_the_deadline_is_returned_as_retry_after_at_once() -> None:
    world = World().script("a/one", fail(429, retry_after="17"))

    got = await world.ask("a/one", gateway={"deadline_ms": 10_000})

    assert now_s() == 0.0
    assert got.status == 429
    assert got.headers["retry-after"] == "17"
    assert got.error["metadata"]["retry_after_s"] == 17.0
    assert got.error["metadata"]["retryable"] is True


async def test_a_fault_of_the_budget_in_flight_is_retried_with_the_same_model() -> None:
    world = World().script("a/one", recorded("err-402-in-flight"), answer())

    got = await world.ask("a/one", "b/two")

    assert world.upstream.models == ["a/one", "a/one"]
    assert got.status == 200
    assert now_s() == pytest.approx(4.0)


@pytest.mark.parametrize("early_s", [0.0, 0.004])
async def test_a_pause_is_over_after_the_wait_even_if_the_clock_lags_a_little(early_s: float) -> None:
    clock_s = [0.0]
    candidate = Candidate(model="a/one", asked="a/one")
    limits = Limits(deadline_s=60, attempt_s=None, first_token_s=60, idle_s=60, retries=1)
    test = AnswerTest(json=False, reasoning_only=False)
    plan = Plan(requested=("a/one",), chain=(candidate,), limits=limits, answer_test=test)
    receipt = open_receipt(plan, "r", started_at_s=0)
    cooldowns = Cooldowns()
    schedule = Schedule(plan, receipt, cooldowns, now_s=lambda: clock_s[0], draw=random)
    assert schedule.next() is not None
    schedule.failed(candidate, Fault(code="rate_limited", status=429, retry_after_s=1.0))
    step = schedule.next()
    assert step is not None

    clock_s[0] += step.wait_s - early_s

    assert schedule.begin(step)
    schedule.answered(candidate)
    clock_s[0] = 1.2
    assert cooldowns.ready_at_s("a/one", now_s=1.2) <= 1.2  # it has answered: no cooldown is left
    assert not cooldowns._noted


async def test_retry_after_is_the_latest_pause_if_an_earlier_wait_was_in_vain() -> None:
    world = World().script("a/one", fail(429, retry_after="1"))

    got = await world.ask("a/one")

    assert world.upstream.models == ["a/one", "a/one"]
    assert got.headers["retry-after"] == "1"


async def test_retry_after_is_the_pause_that_the_last_attempt_asked_for() -> None:
    world = World({"MAX_ATTEMPTS": "1"}).script("a/one", fail(429, retry_after="1"))

    got = await world.ask("a/one")

    assert world.upstream.models == ["a/one"]
    assert (got.headers["retry-after"], got.error["metadata"]["retry_after_s"]) == ("1", 1.0)


async def test_a_model_is_retried_before_the_next_one_if_the_request_asks_for_it() -> None:
    world = World().script("a/one", fail(502), fail(503), answer())

    got = await world.ask("a/one", "b/two", gateway={"retry_first": True, "retries": 2})

    assert world.upstream.models == ["a/one"] * 3
    assert got.receipt["served"] == "a/one"
    assert 0 < now_s() <= 1


async def test_the_next_model_is_asked_when_the_retries_are_used_up() -> None:
    world = World().script("a/one", fail(502)).script("b/two", fail(502), answer())

    got = await world.ask("a/one", "b/two", "c/three", gateway={"retry_first": True, "retries": 1})

    assert world.upstream.models == ["a/one", "a/one", "b/two", "b/two"]
    assert got.receipt["served"] == "b/two"


@pytest.mark.parametrize(
    "act",
    [fail(404), fail(429), hang, fail(404, retry_after="17")],
    ids=["404", "429", "hanging", "404 with a pause"],
)
async def test_retry_first_retries_no_fault_that_a_retry_cannot_fix(act: Act) -> None:
    world = World().script("a/one", act)

    await world.ask("a/one", "b/two", gateway={"retry_first": True, "retries": 3})

    assert world.upstream.models == ["a/one", "b/two"]


async def test_retry_first_makes_no_retry_if_retries_are_off() -> None:
    world = World().script("a/one", fail(502))

    await world.ask("a/one", "b/two", gateway={"retry_first": True, "retries": 0})

    assert world.upstream.models == ["a/one", "b/two"]


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_first_waits_for_the_pause_that_the_model_asks_for(status: int) -> None:
    world = World().script("a/one", fail(status, retry_after="17"), answer())

    got = await world.ask("a/one", "b/two", gateway={"retry_first": True, "max_wait_ms": 17_000})

    assert world.upstream.models == ["a/one", "a/one"]
    assert got.receipt["served"] == "a/one"
    assert now_s() == pytest.approx(17.0)


async def test_retry_first_does_not_wait_beyond_the_deadline() -> None:
    world = World().script("a/one", fail(429, retry_after="17"))

    got = await world.ask("a/one", "b/two", gateway={"retry_first": True, "deadline_ms": 10_000})

    assert got.receipt["served"] == "b/two"
    assert now_s() == 0.0


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_chain_ends_at_a_code_of_stop_on(streamed: bool) -> None:
    world = World().script("a/one", fail(503)).script("b/two", fail(429, retry_after="17"))

    got = await world.ask(
        "a/one", "b/two", "c/three", stream=streamed, gateway={"stop_on": ["rate_limited", "filtered_answer"]}
    )

    assert world.upstream.models == ["a/one", "b/two"]
    assert (got.status, got.error["code"], got.headers["retry-after"]) == (429, "rate_limited", "17")


async def test_a_code_of_stop_on_is_not_retried() -> None:
    world = World().script("a/one", fail(503))

    got = await world.ask("a/one", "b/two", gateway={"stop_on": ["overloaded"], "retry_first": True})

    assert world.upstream.models == ["a/one"]
    assert got.error["code"] == "overloaded"


async def test_other_codes_do_not_end_the_chain() -> None:
    world = World().script("a/one", fail(503))

    got = await world.ask("a/one", "b/two", gateway={"stop_on": ["rate_limited"]})

    assert got.receipt["served"] == "b/two"


@pytest.mark.parametrize("holder", ["key", "task"])
async def test_a_key_and_a_task_route_can_set_both_options(holder: str) -> None:
    options = {"retry_first": True, "stop_on": ["rate_limited"], "retries": 1}
    env = {"TASK_ROUTES": json.dumps({"task/mine": {"models": ["a/one", "b/two"], "options": options}})}
    if holder == "key":
        env = {"TASK_ROUTES": '{"task/mine": ["a/one", "b/two"]}', "GATEWAY_KEYS": one_key(options=options)}
    world = World(env).script("a/one", fail(503), fail(429))

    got = await world.ask("task/mine")
    again = await world.ask("task/mine", gateway={"retry_first": False, "stop_on": []})

    assert got.error["code"] == "rate_limited"
    assert got.codes == ["overloaded", "rate_limited"]
    assert again.receipt["served"] == "b/two"


@pytest.mark.parametrize(
    "value",
    ["rate_limited", ["canary"], ["rate_limited", 7], [[]], ["rate_limited"] * 101, {"rate_limited": True}],
    ids=lambda value: repr(value)[:30],
)
async def test_a_list_of_codes_that_do_not_exist_is_refused(value: object) -> None:
    world = World()

    got = await world.ask("a/one", gateway={"stop_on": value})

    assert (got.status, got.error["code"], got.error["param"]) == (400, "invalid_field", "gateway.stop_on")
    assert b"canary" not in got.body
    assert not world.upstream.received
