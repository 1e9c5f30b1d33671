"""Tests how long a request waits for cooldowns and before retries: ``max_wait_ms`` in all."""

import asyncio
import json

import pytest

from tests.support.upstream import Act, after, answer, fail, hang
from tests.support.world import Answer, World, now_s, one_key

pytestmark = pytest.mark.anyio
BUSY_45 = fail(429, retry_after="45")


def is_told_to_wait(got: Answer, seconds: int) -> bool:
    """Return whether a client is told to try again after this time; SDKs retry a 429 by themselves."""
    metadata = got.error["metadata"]
    told = (got.status, got.headers["retry-after"], metadata["retry_after_s"], metadata["retryable"])
    return told == (429, str(seconds), float(seconds), True) and "x-should-retry" not in got.headers


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_pause_that_is_too_long_is_a_429_at_once_also_for_the_next_request(streamed: bool) -> None:
    world = World().script("a/one", BUSY_45)

    first = await world.ask("a/one", stream=streamed)
    second = await world.ask("a/one", stream=streamed)

    assert now_s() == 0.0
    assert is_told_to_wait(first, 45)
    assert is_told_to_wait(second, 45)
    assert (first.error["code"], second.error["code"]) == ("rate_limited", "models_resting")
    assert world.upstream.models == ["a/one"]


async def test_a_pause_within_the_bound_is_waited_for() -> None:
    world = World().script("a/one", fail(429, retry_after="5"), answer())

    assert (await world.ask("a/one")).status == 200
    assert now_s() == pytest.approx(5.0)


@pytest.mark.parametrize("by", ["setting", "request", "key", "task", "deadline"])
async def test_the_bound_can_be_set(by: str) -> None:
    option = {"max_wait_ms": 45_000}
    route = {"models": ["a/one"], "options": option if by == "task" else {}}
    env = {"TASK_ROUTES": json.dumps({"task/mine": route})}
    env |= {"MAX_WAIT_MS": "45000"} if by == "setting" else {}
    env |= {"GATEWAY_KEYS": one_key(options=option)} if by == "key" else {}
    options = {"request": option, "deadline": {"deadline_ms": 60_000}}.get(by, {})
    world = World(env).script("a/one", BUSY_45, answer())

    got = await world.ask("task/mine", gateway=options)

    assert got.status == 200
    assert now_s() == pytest.approx(45.0)


async def test_a_callers_own_bound_goes_before_its_deadline() -> None:
    world = World().script("a/one", BUSY_45)

    got = await world.ask("a/one", gateway={"deadline_ms": 60_000, "max_wait_ms": 1_000})

    assert (got.status, now_s()) == (429, 0.0)


@pytest.mark.parametrize("by", ["setting", "key", "task"])
async def test_a_deadline_that_the_caller_has_not_set_is_no_consent_to_wait(by: str) -> None:
    option = {"deadline_ms": 60_000}
    route = {"models": ["a/one"], "options": option if by == "task" else {}}
    env = {"TASK_ROUTES": json.dumps({"task/mine": route})}
    env |= {"DEADLINE_MS": "60000"} if by == "setting" else {}
    env |= {"GATEWAY_KEYS": one_key(options=option)} if by == "key" else {}
    world = World(env).script("a/one", BUSY_45)

    assert is_told_to_wait(await world.ask("task/mine"), 45)
    assert now_s() == 0.0


@pytest.mark.parametrize("other", [fail(404), fail(400), hang], ids=["404", "400", "hanging"])
async def test_a_chain_that_could_only_wait_is_a_429_whatever_its_last_fault_was(other: Act) -> None:
    world = World({"ATTEMPT_MS": "1000"}).script("a/one", BUSY_45).script("b/two", other)

    got = await world.ask("a/one", "b/two")

    assert (got.status, got.error["code"]) == (429, "models_resting")
    assert int(got.headers["retry-after"]) in (44, 45)
    assert "x-should-retry" not in got.headers
    assert [each["model"] for each in got.receipt["attempts"]] == ["a/one", "b/two"]


async def test_a_chain_that_stops_in_one_lane_shows_why_also_if_the_other_lane_could_only_wait() -> None:
    world = World().script("c/three", BUSY_45)
    await world.ask("c/three")
    world.script("a/one", after(5.0, fail(401, "User not found."))).script("b/two", fail(404))

    got = await world.ask("a/one", "b/two", "c/three", gateway={"hedge_ms": 1_000})

    assert (got.status, got.error["code"]) == (401, "upstream_key_rejected")
    assert "retry-after" not in got.headers


async def test_a_503_with_a_pause_keeps_its_status() -> None:
    got = await World().script("a/one", fail(503, retry_after="45")).ask("a/one")

    assert (got.status, got.error["code"], got.headers["retry-after"]) == (503, "overloaded", "45")


async def test_a_wait_beyond_what_sdks_obey_is_not_theirs_to_retry() -> None:
    got = await World().script("a/one", fail(429, retry_after="61")).ask("a/one")

    assert (got.headers["retry-after"], got.headers["x-should-retry"]) == ("61", "false")


async def test_retry_after_is_in_whole_seconds_and_never_too_early() -> None:
    world = World().script("a/one", fail(429, retry_after_ms="45300"))

    assert (await world.ask("a/one")).headers["retry-after"] == "46"


async def test_all_waits_of_a_request_together_stay_within_the_bound() -> None:
    world = World().script("a/one", fail(429, retry_after="2"))

    got = await world.ask("a/one", gateway={"retries": 10})

    assert len(world.upstream.models) == 3
    assert got.status == 429
    assert now_s() == pytest.approx(4.0)


async def test_retries_after_a_moment_obey_the_bound_too() -> None:
    world = World().script("a/one", fail(502))

    await world.ask("a/one", gateway={"retries": 10})

    assert now_s() <= 5.0


async def test_without_a_wait_nothing_is_retried() -> None:
    world = World().script("a/one", fail(502))

    await world.ask("a/one", gateway={"retries": 10, "max_wait_ms": 0})

    assert (world.upstream.models, now_s()) == (["a/one"], 0.0)


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_first_asks_the_next_model_if_the_pause_is_too_long(status: int) -> None:
    world = World().script("a/one", fail(status, retry_after="17"), answer())

    got = await world.ask("a/one", "b/two", gateway={"retry_first": True})

    assert (got.receipt["served"], now_s()) == ("b/two", 0.0)


async def test_a_request_that_waits_for_a_probe_obeys_the_bound() -> None:
    world = World().script("a/one", fail(429, retry_after="1"), hang)
    await world.ask("a/one", gateway={"deadline_ms": 500})
    probing = asyncio.ensure_future(world.ask("a/one", gateway={"deadline_ms": 60_000}))

    await asyncio.sleep(1.5)
    began_s = now_s()
    got = await world.ask("a/one")

    assert got.status == 429
    assert now_s() - began_s <= 5.0
    probing.cancel()
    await asyncio.gather(probing, return_exceptions=True)
