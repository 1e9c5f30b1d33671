import asyncio

import pytest

from gateway.catalog.refresh import CLOCK_SKEW_S, FETCH_TIMEOUT_S, RETRY_S
from gateway.catalog.stored_catalog import KEY, catalog_of, to_stored
from gateway.memory.catalog import CatalogMemory
from gateway.memory.isolate import Memory
from tests.support.catalog_world import NEW, OLD, TTL_S, ask_and_let_it_refresh, ids_in, ids_of, world_of
from tests.support.upstream import RESET, Act, after, breaks, fail, hang, refuse, reply
from tests.support.world import EPOCH_S, now_s

pytestmark = pytest.mark.anyio

FAILURES: dict[str, Act] = {
    "refused": refuse,
    "reset": breaks(RESET),
    "500": fail(500),
    "401": fail(401),
    "429": fail(429, retry_after="5"),
    "redirect": reply(302, location="https://elsewhere.example/"),
    "html": reply(200, b"<html>"),
    "empty": reply(200),
    "cut short": reply(200, b'{"data": [{"id": "a/'),
    "cut off": reply(200, b'{"data": [', RESET),
    "no models": reply(200, b'{"data": []}'),
    "an error": reply(200, b'{"error": {"code": 500}}'),
    "no number": reply(200, b'{"data": [{"id": "a/b", "created": 1e999}]}'),
    "too deep": reply(200, b'{"data": [{"id": "a/b", "name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]}"),
    "hangs": hang,
    "hangs in its body": reply(200, b"{", 1e9),
}
failing = pytest.mark.parametrize("act", FAILURES.values(), ids=FAILURES)


@failing
async def test_while_openrouter_fails_a_stale_copy_is_returned_with_its_age(act: Act) -> None:
    world = world_of(OLD, act)
    await ids_of(world)
    stored = world.cache.values[KEY]
    await asyncio.sleep(5_000)

    await ask_and_let_it_refresh(world)
    got = await world.get("/v1/models")

    assert ids_in(got) == ["a/old"]
    assert int(got.headers["age"]) >= 5_000
    assert world.cache.values[KEY] == stored
    assert world.events("catalog_not_refreshed")


@failing
async def test_while_openrouter_fails_and_there_is_no_copy_an_error_is_returned(act: Act) -> None:
    world = world_of(act)

    got = await world.get("/v1/models")

    assert (got.status, got.error["code"]) == (503, "openrouter_error")
    metadata = got.error["metadata"]
    assert (metadata["source"], metadata["retryable"]) == ("openrouter", True)
    assert world.cache.values == {}
    assert now_s() <= FETCH_TIMEOUT_S


@failing
async def test_after_a_failure_the_next_request_fetches_again(act: Act) -> None:
    world = world_of(act, NEW)
    await world.get("/v1/models")

    assert await ids_of(world) == ["a/new"]


@failing
async def test_no_reply_is_left_open(act: Act) -> None:
    world = world_of(act)

    await world.get("/v1/models")

    assert all(each.ended or each.aborted for each in world.transport.replies)


async def test_several_requests_at_once_on_a_cold_isolate_make_one_call() -> None:
    world = world_of(after(3.0, NEW))

    got = await asyncio.gather(*(ids_of(world) for _ in range(20)))

    assert got == [["a/new"]] * 20
    assert world.upstream.got == ["/models"]
    assert now_s() < 4.0


async def test_several_requests_at_once_with_a_stale_copy_make_one_call() -> None:
    world = world_of(OLD, after(3.0, NEW))
    await ids_of(world)
    await asyncio.sleep(TTL_S + 1)

    await asyncio.gather(*(ask_and_let_it_refresh(world) for _ in range(20)))

    assert world.upstream.got == ["/models"] * 2


async def test_requests_that_wait_for_a_fetch_that_hangs_end_with_it_and_the_next_request_fetches() -> None:
    world = world_of(hang, NEW)

    got = await asyncio.gather(*(world.get("/v1/models") for _ in range(5)))

    assert {each.status for each in got} == {503}
    assert now_s() < FETCH_TIMEOUT_S + 1
    assert world.upstream.got == ["/models"]
    assert await ids_of(world) == ["a/new"]


async def test_after_the_client_of_a_fetch_has_left_the_next_request_fetches() -> None:
    world = world_of(hang, NEW)
    leaving = asyncio.create_task(world.get("/v1/models"))
    await asyncio.sleep(1)
    leaving.cancel()
    await asyncio.wait([leaving])

    assert await ids_of(world) == ["a/new"]
    assert now_s() == 1.0


async def test_when_the_client_of_a_fetch_leaves_one_of_the_waiting_requests_takes_over() -> None:
    world = world_of(hang, after(2.0, NEW))
    leaving = asyncio.create_task(world.get("/v1/models"))
    await asyncio.sleep(0.1)
    waiting = [asyncio.create_task(ids_of(world)) for _ in range(10)]
    await asyncio.sleep(0.9)
    leaving.cancel()

    got = await asyncio.gather(*waiting)

    assert got == [["a/new"]] * 10
    assert world.upstream.got == ["/models"] * 2
    assert now_s() < 4.0


async def test_a_fetch_that_never_ends_blocks_other_requests_only_until_its_time_limit() -> None:
    world = world_of(NEW)
    world.memory = Memory(catalog=CatalogMemory(fetching_until_s=EPOCH_S + FETCH_TIMEOUT_S))

    assert await ids_of(world) == ["a/new"]
    assert now_s() < FETCH_TIMEOUT_S + 1


async def test_a_bug_in_a_fetch_is_logged_and_leaves_a_stale_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of(OLD, NEW)
    await ids_of(world)
    await asyncio.sleep(TTL_S + 1)
    monkeypatch.setattr("gateway.catalog.refresh.compact", None)

    await ask_and_let_it_refresh(world)

    assert await ids_of(world) == ["a/old"]
    assert [event["error"] for event in world.events("internal_error")] == ["TypeError"]


async def test_after_a_failure_a_stale_copy_is_not_refreshed_for_retry_s() -> None:
    world = world_of(OLD, fail(500))
    await ids_of(world)
    await asyncio.sleep(5_000)

    refreshes = [(await ask_and_let_it_refresh(world))[1] for _ in range(5)]
    await asyncio.sleep(RETRY_S)
    refreshes.append((await ask_and_let_it_refresh(world))[1])

    assert refreshes == [True, False, False, False, False, True]


async def test_a_copy_from_the_future_is_ignored() -> None:
    future = catalog_of([{"id": "a/future"}], fetched_at_s=EPOCH_S + 86_400.0)
    world = world_of(NEW)
    world.cache.values[KEY] = to_stored(future)

    assert await ids_of(world) == ["a/new"]


async def test_an_isolates_own_copy_from_the_future_is_replaced() -> None:
    future = catalog_of([{"id": "a/future"}], fetched_at_s=EPOCH_S + 86_400.0)
    world = world_of(NEW)
    world.memory.catalog.catalog = future
    world.cache.values[KEY] = to_stored(catalog_of([{"id": "a/stored"}], fetched_at_s=EPOCH_S))

    assert await ids_of(world) == ["a/stored"]


async def test_clocks_may_differ_a_little() -> None:
    ahead = catalog_of([{"id": "a/ahead"}], fetched_at_s=EPOCH_S + CLOCK_SKEW_S)
    world = world_of(NEW)
    world.cache.values[KEY] = to_stored(ahead)

    got, has_refreshed = await ask_and_let_it_refresh(world)

    assert (ids_in(got), got.headers["age"], has_refreshed) == (["a/ahead"], "0", False)
