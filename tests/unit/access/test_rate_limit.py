import asyncio

import pytest

from gateway.access.concurrency import begin
from gateway.app import ROUTES, Access
from gateway.memory.own_keys import Verdict
from gateway.memory.rates import MAX_KEYS
from gateway.settings.caller import Caller
from tests.support.catalog_world import RECORDED_ENDPOINTS, UPSTREAM_ENDPOINTS
from tests.support.models import HAIKU, listing, model
from tests.support.sqlite_database import SqliteDatabase
from tests.support.upstream import accept_key, after, answer, fail, healthy_stream, reply
from tests.support.world import Answer, Limiter, World, chat, finish, one_key

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
        made.memory.own_keys.note(f"sk-or-{number}", Verdict.ACCEPTED, now_s=made.ports.now_s())
        got = await made.begin(chat("a/one"), headers={"authorization": f"Bearer sk-or-{number}"})
        assert got.status == 200

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


# Every route that needs a key; and what it answers that is no success, for each reason.
READING = ("/v1/models", f"/v1/models/{HAIKU}", f"/v1/models/{HAIKU}/endpoints", "/v1/usage", "/v1/key")
KEYED = (
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/plan"),
    *((method, path) for path in (*READING, "/health?deep=1") for method in ("GET", "HEAD")),
    ("GET", f"/api/v1/model/{HAIKU}"),
    ("GET", "/v1/models?q=claude&q=claude"),
    ("GET", "/v1/models/nobody/nothing"),
    ("GET", "/v1/usage?format=csv"),
    ("GET", "/v1/usage?from=never"),
)
keyed = pytest.mark.parametrize(("method", "path"), KEYED, ids=lambda value: value)


def before_openrouter(made: World) -> World:
    """Let the upstream have a list of models, and one model's endpoints."""
    made.upstream.pages["/models"] = (listing(model(HAIKU)),)
    made.upstream.pages[UPSTREAM_ENDPOINTS] = (reply(200, RECORDED_ENDPOINTS),)
    return made


async def call(made: World, method: str, path: str) -> Answer:
    return await finish(await made.begin(chat("a/one"), method=method, path=path))


@keyed
async def test_every_route_that_needs_a_key_counts_and_is_limited(method: str, path: str) -> None:
    made = before_openrouter(world(per_minute=2))

    got = [await call(made, method, path) for _ in range(3)]

    assert [each.status == 429 for each in got] == [False, False, True]
    assert [each.headers["x-ratelimit-remaining"] for each in got] == ["1", "0", "0"]
    assert {each.headers["x-ratelimit-limit"] for each in got} == {"2"}
    assert int(got[2].headers["retry-after"]) > 0


async def test_all_routes_count_together() -> None:
    made = before_openrouter(world(per_minute=len(KEYED)))
    for method, path in KEYED:
        assert (await call(made, method, path)).status != 429

    for method, path in KEYED:
        assert (await call(made, method, path)).status == 429


@keyed
async def test_the_limiter_is_asked_for_a_key_without_a_limit_too(method: str, path: str) -> None:
    made = world()
    made.rate_limiter = Limiter(refused={"one"})

    got = await call(made, method, path)

    assert (got.status, got.error["metadata"]["code"]) == (429, "too_many_requests")
    assert "None" not in got.error["message"]
    assert not [name for name in got.headers if name.startswith("x-ratelimit")]
    assert (made.upstream.got, made.upstream.received) == ([], [])


@keyed
async def test_a_key_that_has_too_much_in_flight_is_refused_on_every_route(method: str, path: str) -> None:
    made = world(concurrent=1)
    caller = Caller(name="one", concurrent=1)
    begin(caller, "slow", made.memory.rates, now_s=made.ports.now_s(), deadline_s=60.0, stream=False)

    assert (await call(made, method, path)).error["metadata"]["code"] == "too_many_at_once"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("OPTIONS", "/v1/models"),
        ("OPTIONS", "/v1/chat/completions"),
        ("GET", "/health"),
        ("GET", "/openapi.json"),
        ("GET", "/nowhere"),
        ("DELETE", "/v1/usage"),
    ],
)
async def test_what_needs_no_key_is_not_counted(method: str, path: str) -> None:
    made = world(per_minute=1)
    made.rate_limiter = Limiter(refused={"one", "loopback", "nobody"})

    got = [await call(made, method, path) for _ in range(3)]

    assert 429 not in {each.status for each in got}
    assert made.memory.rates.used("one", now_s=made.ports.now_s()) == 0


async def test_the_limiter_counts_callers_with_their_own_keys_together() -> None:
    made = before_openrouter(World({"ALLOW_CLIENT_KEYS": "true"}))
    made.upstream.pages["/key"] = (accept_key,)
    made.rate_limiter = Limiter()

    for token in ("sk-or-1", "sk-or-2"):
        await made.begin(chat("a/one"), headers={"authorization": f"Bearer {token}"})
        await made.get("/v1/models", headers={"authorization": f"Bearer {token}"})
    await made.get("/v1/models")

    assert made.rate_limiter.asked == ["own-keys"] * 4 + ["tests"]


async def test_the_limiter_does_not_count_keys_that_openrouter_refuses() -> None:
    made = World({"ALLOW_CLIENT_KEYS": "true"})
    made.upstream.pages["/key"] = (fail(401),)
    made.rate_limiter = Limiter()

    assert (await made.get("/v1/models", headers={"authorization": "Bearer sk-or-made-up"})).status == 401
    assert made.rate_limiter.asked == []


def test_every_route_but_these_is_counted() -> None:
    open_to_all = {path for path, route in ROUTES.items() if route.access is Access.ANYBODY}

    assert open_to_all == {"/health", "/openapi.json"}
