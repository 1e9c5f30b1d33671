import asyncio

import pytest

from tests.support.upstream import Act, after, answer, fail, recorded
from tests.support.world import Answer, World, now_s

pytestmark = pytest.mark.anyio
BUSY_40 = fail(429, retry_after="40")
FREE = ["a/one:free", "b/two:free"]


async def cooling_down(*acts: Act, model: str = "a/one", world: World | None = None) -> World:
    """Return a world whose model is cooling down after the first act; it plays the later ``acts`` next."""
    world = (world or World()).script(model, *acts)
    await world.ask(model, gateway={"deadline_ms": 1_000})
    world.upstream.received.clear()
    return world.script(model, *(acts[1:] or acts))


async def together(world: World, count: int, *models: str, **options: object) -> list[Answer]:
    return await asyncio.gather(*(world.ask(*models, gateway=options) for _ in range(count)))


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_model_that_is_cooling_down_is_skipped_and_listed_in_the_receipt(streamed: bool) -> None:
    world = await cooling_down(BUSY_40)
    await asyncio.sleep(15.0)

    got = await world.ask("a/one", "b/two", stream=streamed)

    assert world.upstream.models == ["b/two"]
    assert got.receipt["skipped"] == [{"model": "a/one", "reason": "resting", "wait_s": 25.0}]
    assert got.receipt["requested"] == ["a/one", "b/two"]
    assert now_s() == pytest.approx(15.0)


async def test_after_its_cooldown_the_model_is_tried_first_again() -> None:
    world = await cooling_down(BUSY_40, answer())
    await asyncio.sleep(40.0)

    got = await world.ask("a/one", "b/two")

    assert (got.receipt["served"], "skipped" in got.receipt) == ("a/one", False)


async def test_a_model_that_is_cooling_down_is_waited_for_if_the_others_have_failed() -> None:
    world = (await cooling_down(BUSY_40, answer())).script("b/two", fail(404))

    got = await world.ask("a/one", "b/two", gateway={"max_wait_ms": 40_000})

    assert world.upstream.models == ["b/two", "a/one"]
    assert got.receipt["served"] == "a/one"
    assert "skipped" not in got.receipt
    assert now_s() == pytest.approx(40.0)


async def test_if_all_models_are_cooling_down_the_first_to_be_ready_is_waited_for() -> None:
    world = await cooling_down(BUSY_40, answer())
    await cooling_down(fail(429, retry_after="9"), answer(), model="b/two", world=world)

    got = await world.ask("a/one", "b/two", gateway={"max_wait_ms": 40_000})

    assert got.receipt["served"] == "b/two"
    assert got.receipt["skipped"] == [{"model": "a/one", "reason": "resting", "wait_s": 40.0}]
    assert now_s() == pytest.approx(9.0)


async def test_a_chain_that_is_cooling_down_beyond_the_deadline_is_a_429_without_a_call() -> None:
    world = await cooling_down(BUSY_40)
    await cooling_down(fail(429, retry_after="25"), model="b/two", world=world)
    await asyncio.sleep(5.0)

    got = await world.ask("a/one", "b/two", gateway={"deadline_ms": 10_000})

    assert (got.status, got.error["code"]) == (429, "models_resting")
    assert got.headers["retry-after"] == "20"
    assert got.error["metadata"]["retry_after_s"] == 20.0
    assert got.error["metadata"]["retryable"] is True
    assert got.receipt["attempts"] == []
    assert [each["wait_s"] for each in got.receipt["skipped"]] == [35.0, 20.0]
    assert world.upstream.models == []
    assert now_s() == pytest.approx(5.0)


async def test_a_request_after_the_time_in_retry_after_succeeds() -> None:
    world = await cooling_down(BUSY_40, answer())
    refused = await world.ask("a/one", gateway={"deadline_ms": 10_000})

    await asyncio.sleep(float(refused.headers["retry-after"]))
    got = await world.ask("a/one", gateway={"deadline_ms": 10_000})

    assert got.status == 200


@pytest.mark.parametrize("name", ["err-429-free-daily", "sse-04"])
async def test_after_the_daily_free_limit_no_free_model_is_called(name: str) -> None:
    world = World().script(FREE[0], recorded(name))
    await world.ask(*FREE, stream=True)
    world.upstream.received.clear()

    got = await world.ask(*FREE, "c/paid")

    assert world.upstream.models == ["c/paid"]
    assert [each["model"] for each in got.receipt["skipped"]] == FREE


async def test_after_the_daily_free_limit_the_same_chain_skips_its_other_free_models() -> None:
    world = World().script(FREE[0], recorded("err-429-free-daily"))

    got = await world.ask(*FREE, "c/paid")

    assert world.upstream.models == [FREE[0], "c/paid"]
    assert got.receipt["served"] == "c/paid"


@pytest.mark.parametrize("others", [["c/paid"], ["a/one"]])
async def test_paid_models_are_called_while_free_ones_are_cooling_down(others: list[str]) -> None:
    world = await cooling_down(recorded("err-429-free-daily"), model=FREE[0])

    got = await world.ask(*others)

    assert (got.receipt["served"], now_s()) == (others[0], 0.0)


async def test_after_a_cooldown_one_request_probes_and_the_others_call_the_next_model() -> None:
    world = await cooling_down(BUSY_40, after(2.0, answer()))
    await asyncio.sleep(41.0)

    answers = await together(world, 5, "a/one", "b/two")

    assert sorted(each.receipt["served"] for each in answers) == ["a/one"] + ["b/two"] * 4
    assert world.upstream.models.count("a/one") == 1
    assert now_s() == pytest.approx(43.0)


async def test_after_a_successful_probe_all_requests_call_the_model() -> None:
    world = await cooling_down(BUSY_40, answer())
    await asyncio.sleep(41.0)
    await world.ask("a/one", "b/two")

    answers = await together(world, 5, "a/one", "b/two")

    assert {each.receipt["served"] for each in answers} == {"a/one"}


async def test_after_a_failed_probe_all_requests_skip_the_model() -> None:
    world = await cooling_down(BUSY_40)
    await asyncio.sleep(41.0)
    await world.ask("a/one", "b/two")
    world.upstream.received.clear()

    await together(world, 5, "a/one", "b/two")

    assert world.upstream.models == ["b/two"] * 5


async def test_if_many_requests_wait_for_the_same_model_one_probes() -> None:
    world = await cooling_down(BUSY_40, fail(429, retry_after="60"))

    answers = await together(world, 5, "a/one", deadline_ms=45_000)

    assert world.upstream.models == ["a/one"]
    assert {each.status for each in answers} == {429}


async def test_requests_that_wait_for_a_probe_go_on_as_soon_as_it_is_answered() -> None:
    world = await cooling_down(BUSY_40, after(1.0, answer()))
    await asyncio.sleep(41.0)

    answers = await together(world, 5, "a/one")

    assert {each.status for each in answers} == {200}
    assert now_s() < 44.0


@pytest.mark.parametrize("wait_s", [1.5, 17, 200, 86_400])
async def test_no_request_waits_while_another_model_is_ready(wait_s: float) -> None:
    world = World().script("a/one", fail(429, retry_after=str(wait_s)))
    world.script("b/two", fail(429, retry_after=str(wait_s)))

    got = [await world.ask("a/one", "b/two", "c/three") for _ in range(3)]

    assert [each.receipt["served"] for each in got] == ["c/three"] * 3
    assert world.upstream.models == ["a/one", "b/two"] + ["c/three"] * 3
    assert now_s() == 0.0


async def test_an_account_fault_starts_no_cooldown() -> None:
    world = World().script("a/one", fail(401, "User not found.", retry_after="60"), answer())
    await world.ask("a/one")

    got = await world.ask("a/one")

    assert got.receipt["served"] == "a/one"
    assert now_s() == 0.0
