import asyncio

import pytest

from gateway.access.concurrency import begin
from gateway.memory.rates import MAX_KEYS
from gateway.settings.caller import Caller
from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import after, answer, fail, healthy_stream
from tests.support.world import Limiter, World, chat, finish, one_key

pytestmark = pytest.mark.anyio


def world(**limits: object) -> World:
    return World({"GATEWAY_KEYS": one_key(**limits)})


async def test_a_request_over_the_limit_gets_a_429_with_retry_after() -> None:
    made = world(per_minute=2)

    first, second, third = [await made.ask("a/one") for _ in range(3)]

    assert (first.headers["x-ratelimit-limit"], first.headers["x-ratelimit-remaining"]) == ("2", "1")
    assert first.headers["x-ratelimit-scope"] == "isolate"
    assert second.headers["x-ratelimit-remaining"] == "0"
    assert (third.status, third.error["code"]) == (429, "too_many_requests")
    assert third.error["metadata"]["source"] == "gateway"
    assert third.error["metadata"]["retryable"] is True
    assert 0 < int(third.headers["retry-after"]) <= 90
    assert third.headers["x-ratelimit-remaining"] == "0"
    assert len(made.upstream.received) == 2

    await asyncio.sleep(int(third.headers["retry-after"]))
    assert (await made.ask("a/one")).status == 200


async def test_streams_and_errors_have_rate_limit_headers_too() -> None:
    made = world(per_minute=5).script("a/one", fail(404))

    assert (await made.ask("a/one", stream=True)).headers["x-ratelimit-remaining"] == "4"
    assert (await made.ask("b/two", stream=True)).headers["x-ratelimit-remaining"] == "3"


async def test_a_key_without_limits_gets_no_rate_limit_headers() -> None:
    got = await world().ask("a/one")

    assert not [name for name in got.headers if name.startswith("x-ratelimit")]


@pytest.mark.parametrize("stream", [False, True])
async def test_the_number_of_requests_in_flight_is_limited(stream: bool) -> None:
    slow = after(5.0, healthy_stream() if stream else answer())
    made = world(concurrent=2).script("a/one", slow)

    got = await asyncio.gather(*(made.ask("a/one", stream=stream) for _ in range(4)))

    refused = [each for each in got if each.status == 429]
    assert len(refused) == 2
    assert {each.error["code"] for each in refused} == {"too_many_at_once"}
    assert (await made.ask("a/one", stream=stream)).status == 200


@pytest.mark.parametrize("waits_for", ["body", "budget"])
async def test_requests_cannot_exceed_the_concurrency_limit_while_they_wait_to_begin(waits_for: str) -> None:
    made = world(concurrent=1, budget={"day_usd": 1}).script("a/one", after(5.0, answer()))
    made.body_s = 1.0 if waits_for == "body" else 0.0
    made.database = SqliteDatabase(bound=waits_for == "budget")
    made.database.pause_s = 0.5

    got = await asyncio.gather(*(made.ask("a/one") for _ in range(10)))

    assert sorted(each.status for each in got) == [200] + [429] * 9
    assert len(made.upstream.received) == 1
    assert (await made.ask("a/one")).status == 200


async def test_a_request_over_the_concurrency_limit_does_not_count_towards_the_minute() -> None:
    made = world(concurrent=1, per_minute=3).script("a/one", after(5.0, answer()))
    asking = asyncio.ensure_future(made.ask("a/one"))
    await asyncio.sleep(1)

    for _ in range(5):
        assert (await made.ask("a/one")).error["code"] == "too_many_at_once"
    assert (await asking).headers["x-ratelimit-remaining"] == "2"
    assert (await made.ask("a/one")).status == 200


async def test_a_plan_does_not_count_as_in_flight() -> None:
    made = world(concurrent=1)
    made.body_s = 1.0

    paths = ["/v1/plan", "/v1/plan", "/v1/chat/completions", "/v1/plan"]
    got = await asyncio.gather(*(made.begin(chat("a/one"), path=path) for path in paths))

    assert [each.status for each in got] == [200] * 4


@pytest.mark.parametrize("act", [fail(500), fail(401), answer()], ids=["failed", "stopped", "answered"])
async def test_a_request_that_has_ended_is_not_in_flight_whatever_its_outcome(act: object) -> None:
    made = world(concurrent=1).script("a/one", act)  # type: ignore[arg-type]  # an act

    for _ in range(3):
        assert (await made.ask("a/one", gateway={"retries": 0})).status != 429


@pytest.mark.parametrize(("stream", "beyond_s"), [(False, 60), (True, 3_600)], ids=["plain", "stream"])
async def test_a_request_without_a_recorded_end_counts_until_its_deadline_and_a_margin(
    stream: bool, beyond_s: int
) -> None:
    made = world(concurrent=1)
    caller = Caller(name="one", concurrent=1)
    begin(caller, "dropped", made.memory.rates, now_s=made.ports.now_s(), deadline_s=3_600.0, stream=stream)

    await asyncio.sleep(3_600 + beyond_s - 1)
    assert (await made.ask("a/one")).error["code"] == "too_many_at_once"
    await asyncio.sleep(1)
    assert (await made.ask("b/two")).status == 200


async def test_callers_with_their_own_keys_do_not_evict_limited_keys_from_memory() -> None:
    made = world(per_minute=1)
    made.env = {**made.env, "ALLOW_CLIENT_KEYS": "true"}
    await made.ask("a/one")
    for number in range(MAX_KEYS):
        headers = {"authorization": f"Bearer sk-or-{number}"}
        await made.begin(chat("a/one"), headers=headers)
        await made.get("/v1/key", headers=headers)

    assert (await made.ask("a/one")).error["code"] == "too_many_requests"


async def test_all_isolates_of_a_location_count_together_if_the_limiter_is_bound() -> None:
    made = world(per_minute=100)
    made.rate_limiter = Limiter()
    assert (await made.ask("a/one")).headers["x-ratelimit-scope"] == "location"

    made.rate_limiter.refused.add("one")
    got = await made.ask("a/one")
    assert (got.status, got.error["code"], got.headers["retry-after"]) == (429, "too_many_requests", "10")


async def test_requests_cannot_exceed_the_minute_while_the_limiter_is_called() -> None:
    made = world(per_minute=2)
    made.rate_limiter = Limiter(pause_s=0.01)

    got = await asyncio.gather(*(made.ask("a/one") for _ in range(10)))

    assert sorted(each.status for each in got) == [200] * 2 + [429] * 8
    assert len(made.upstream.received) == 2


async def test_a_plan_counts_as_a_request() -> None:
    made = world(per_minute=1)
    await finish(await made.begin(chat("a/one"), path="/v1/plan"))

    assert (await made.ask("a/one")).status == 429
