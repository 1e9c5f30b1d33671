import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.dialects.chat.dialect import CHAT
from gateway.fallback import execute
from gateway.http.message import ClientGoneError
from gateway.memory.latencies import Latencies
from tests.support.chunks import COMMENT, ROLE, STOP, USAGE, text, text_in
from tests.support.models import listing, priced
from tests.support.takeovers import world_of
from tests.support.upstream import HANG, Act, after, answer, fail, hang, healthy_stream, recorded, stream
from tests.support.world import Answer, World, chat, finish, now_s

pytestmark = pytest.mark.anyio
MODELS = ["a/one", "b/two", "c/three", "d/four"]
HEDGE = {"hedge_ms": 2_000}
REFUSED_KEY = recorded("err-401")


async def hedged(*acts: Act, streamed: bool = False, **options: object) -> tuple[Answer, World]:
    world = world_of(*acts, models=MODELS)
    models = MODELS[: len(acts)]
    return await world.ask(*models, stream=streamed, gateway={**HEDGE, **options}), world


def begun(world: World) -> list[tuple[str, float]]:
    return [(each.model, round(each.at_s, 2)) for each in world.upstream.received]


def outcomes(got: Answer) -> list[tuple[str, str]]:
    return [(attempt["model"], attempt["outcome"]) for attempt in got.receipt["attempts"]]


def quick(word: str, *, streamed: bool) -> Act:
    return healthy_stream(word) if streamed else answer(word)


def words(got: Answer, *, streamed: bool) -> str:
    return text_in(got.events) if streamed else str(got.json["choices"][0]["message"]["content"])


@pytest.mark.parametrize("streamed", [False, True])
async def test_no_second_lane_starts_if_the_first_commits_in_time(streamed: bool) -> None:
    got, world = await hedged(
        after(1.9, quick("One.", streamed=streamed)), quick("Two.", streamed=streamed), streamed=streamed
    )

    assert begun(world) == [("a/one", 0.0)]
    assert outcomes(got) == [("a/one", "answered")]


@pytest.mark.parametrize("silence", [(HANG,), (COMMENT, HANG), (ROLE, 1.0, ROLE, HANG)])
async def test_a_stream_without_progress_is_hedged(silence: tuple[bytes | float]) -> None:
    got, world = await hedged(stream(*silence), healthy_stream("Two."), streamed=True)

    assert begun(world) == [("a/one", 0.0), ("b/two", 2.0)]
    assert text_in(got.events) == "Two."


async def test_a_stream_that_has_committed_is_not_hedged() -> None:
    _, world = await hedged(stream(text("a"), 9.0, STOP, USAGE), healthy_stream(), streamed=True)

    assert world.upstream.models == ["a/one"]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("one_s", "two_s", "winner", "at_s"), [(60.0, 3.0, "b/two", 5.0), (4.0, 60.0, "a/one", 4.0)]
)
async def test_the_first_to_commit_wins_and_the_other_is_cancelled(
    streamed: bool, one_s: float, two_s: float, winner: str, at_s: float
) -> None:
    one, two = (quick(word, streamed=streamed) for word in MODELS[:2])
    got, world = await hedged(after(one_s, one), after(two_s, two), streamed=streamed)

    loser = next(model for model in MODELS[:2] if model != winner)
    assert got.receipt["served"] == words(got, streamed=streamed) == winner
    assert sorted(outcomes(got)) == sorted([(winner, "answered"), (loser, "cancelled")])
    lost = next(attempt for attempt in got.receipt["attempts"] if attempt["model"] == loser)
    assert (lost["billed"], lost["cost_usd"], lost["code"]) == ("unknown", None, None)
    assert world.upstream.cancelled == [loser]
    assert now_s() == pytest.approx(at_s)


async def test_a_loser_whose_reply_had_begun_is_aborted() -> None:
    got, world = await hedged(stream(COMMENT, HANG), after(1.0, healthy_stream("Two.")), streamed=True)

    assert text_in(got.events) == "Two."
    assert world.transport.replies[0].aborted
    assert got.headers["x-gateway-trace"] == "a/one=cancelled,b/two=ok"


async def test_the_chain_goes_on_if_both_lanes_fail() -> None:
    got, world = await hedged(after(3.0, fail(404)), after(2.0, fail(502)), after(1.0, answer("Three.")))

    assert begun(world)[:2] == [("a/one", 0.0), ("b/two", 2.0)]
    assert got.receipt["served"] == "c/three"
    assert outcomes(got)[:2] == [("a/one", "failed"), ("b/two", "failed")]


async def test_the_error_of_an_exhausted_chain_lists_the_attempts_of_both_lanes() -> None:
    got, _ = await hedged(after(3.0, fail(404)), after(3.0, fail(403)), after(3.0, fail(404)), errors="all")

    assert [each in got.error["message"] for each in MODELS] == [True, True, True, False]
    assert sorted(outcomes(got)) == [(model, "failed") for model in MODELS[:3]]
    assert [each["model"] for each in got.error["metadata"]["errors"]] == MODELS[:3]


async def test_after_a_quick_failure_the_first_lane_calls_the_next_model() -> None:
    got, world = await hedged(fail(502), after(1.0, answer("Two.")))

    assert begun(world) == [("a/one", 0.0), ("b/two", 0.0)]
    assert outcomes(got) == [("a/one", "failed"), ("b/two", "answered")]


async def test_at_most_two_models_are_called_at_once() -> None:
    _, world = await hedged(hang, hang, hang, hang, deadline_ms=60_000)

    open_at = {each.model: each.at_s for each in world.upstream.received}
    assert open_at["a/one"] == 0.0
    assert open_at["b/two"] == 2.0
    assert min(open_at["c/three"], open_at["d/four"]) > 10.0
    assert now_s() == pytest.approx(60.0, abs=0.05)


async def test_a_chain_of_one_model_is_not_hedged() -> None:
    _, world = await hedged(after(9.0, answer()))

    assert world.upstream.models == ["a/one"]


async def test_after_a_stop_no_attempt_begins_but_one_in_flight_may_win() -> None:
    got, world = await hedged(after(4.0, REFUSED_KEY), after(5.0, answer("Two.")), answer())

    assert got.receipt["served"] == "b/two"
    assert world.upstream.models == MODELS[:2]


@pytest.mark.parametrize("late", [fail(502), recorded("err-402-in-flight")], ids=["provider", "account"])
async def test_after_a_stop_no_attempt_follows_one_in_flight_that_fails(late: Act) -> None:
    got, world = await hedged(after(4.0, REFUSED_KEY), after(5.0, late), answer())

    assert (got.status, got.error["code"]) == (401, "upstream_key_rejected")
    assert world.upstream.models == MODELS[:2]
    assert sorted(outcomes(got)) == [("a/one", "failed"), ("b/two", "failed")]


@pytest.mark.parametrize("streamed", [False, True])
async def test_if_both_lanes_commit_at_once_one_is_served_and_the_other_is_closed(streamed: bool) -> None:
    one, two = (quick(word, streamed=streamed) for word in MODELS[:2])
    for _ in range(8):
        got, world = await hedged(after(5.0, one), after(3.0, two), streamed=streamed)

        served = got.receipt["served"]
        loser = next(model for model in MODELS[:2] if model != served)
        assert words(got, streamed=streamed) == served == got.headers["x-gateway-model"]
        assert sorted(outcomes(got)) == sorted([(served, "answered"), (loser, "cancelled")])
        assert all(each.aborted or each.ended for each in world.transport.replies)


async def test_a_bug_in_one_lane_does_not_leave_the_reply_of_the_other_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def note(_: Latencies, model: str, *__: object, **___: object) -> None:
        if model == "a/one":
            raise RuntimeError("a bug")

    monkeypatch.setattr(Latencies, "note", note)
    one, two = stream(text("a"), HANG), stream(text("b"), HANG)
    for _ in range(8):
        world = world_of(after(5.0, one), after(3.0, two))
        response = await world.begin(chat(*MODELS[:2], stream=True, gateway=HEDGE))

        # If the other lane is read first, its answer is served. The bug is logged in either case.
        served = int(response.status == 200)
        assert not served or dict(response.headers)["x-gateway-model"] == "b/two"
        assert [line["error"] for line in world.events("internal_error")] == ["RuntimeError"]
        assert sum(not each.aborted for each in world.transport.replies) == served


@pytest.mark.parametrize("slow", [hang, stream(COMMENT, HANG)], ids=["no headers", "no progress"])
async def test_a_client_that_leaves_cancels_both_lanes(slow: Act) -> None:
    async def leaves(_: bytes) -> None:
        if now_s() > 4.0:
            raise ClientGoneError

    world = world_of(slow, slow, answer())
    options = {**HEDGE, "keepalive_ms": 1_000}
    response = await world.begin(chat(*MODELS[:3], stream=True, gateway=options))

    await finish(response, on_write=leaves)

    assert world.upstream.models == MODELS[:2]
    assert len(world.upstream.cancelled) + sum(each.aborted for each in world.transport.replies) == 2
    attempts = world.events("request_done")[0]["attempts"]
    assert isinstance(attempts, list)
    assert [each["outcome"] for each in attempts if isinstance(each, dict)] == ["cancelled"] * 2


async def test_a_request_that_is_cancelled_cancels_both_lanes() -> None:
    world = world_of(hang, hang)
    asking = asyncio.create_task(world.ask(*MODELS[:2], gateway=HEDGE))
    await asyncio.sleep(3.0)

    asking.cancel()
    await asyncio.wait({asking})

    assert sorted(world.upstream.cancelled) == MODELS[:2]


async def test_an_attempt_does_not_begin_if_the_other_lane_leaves_too_little_of_the_ceiling() -> None:
    prices = {"a/one": "0.0006", "b/two": "0.0003", "c/three": "0.0006"}  # USD per token, 1,000 at most
    world = world_of(hang, after(0.6, fail(404)), hang)
    world.script("a/one", after(2.5, fail(429, retry_after="0.9")), answer())
    listed = [{**priced("0", price), "id": name} for name, price in prices.items()]
    world.upstream.pages["/models"] = (listing(*listed),)
    await world.get("/v1/models")

    options = {**HEDGE, "max_cost_usd": 1.0, "deadline_ms": 20_000}
    got = await world.ask(*prices, max_tokens=1_000, gateway=options)

    assert world.upstream.models == ["a/one", "b/two", "c/three"]
    assert [(each["model"], each["reason"]) for each in got.receipt["skipped"]] == [
        ("a/one", "over_max_cost")
    ]


@pytest.mark.parametrize("status", [502, 404])
async def test_the_error_is_the_fault_of_the_last_allowed_attempt(status: int) -> None:
    world = World({"MAX_ATTEMPTS": "1"}).script("a/one", after(3.0, fail(status)))

    got = await world.ask(*MODELS[:2], gateway=HEDGE)

    assert got.codes == [got.error["code"]]
    assert got.error["code"] != "over_max_cost"


def a_walk(monkeypatch: pytest.MonkeyPatch, *lanes: Callable[[], Awaitable[str]]) -> Any:  # noqa: ANN401  # private
    """Return the walk over a chain whose lanes are these."""
    left = iter(lanes)
    monkeypatch.setattr(execute._Walk, "lane", lambda _: next(left)())
    schedule, receipt = SimpleNamespace(ready=True), SimpleNamespace(attempts=[])
    ask = SimpleNamespace(dialect=CHAT)
    fields: Any = {"plan": None, "ask": ask, "memory": None, "schedule": schedule, "receipt": receipt}
    return execute._Walk(ports=World().ports, **fields)


async def a_lane(wait_s: float, turns: int) -> str:
    """Play a lane that ends some turns of the loop after a time."""
    await asyncio.sleep(wait_s)
    for _ in range(turns):
        await asyncio.sleep(0)
    return "answer"


@pytest.mark.parametrize("turns", [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0)])
async def test_a_hedge_leaves_no_callback_to_the_loop(
    turns: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    gather = asyncio.gather

    async def gather_at_once(*tasks: "asyncio.Task[str]", return_exceptions: bool) -> list[Any]:
        """Do what Python does from 3.12 on: it waits for no task that has ended."""
        if all(task.done() for task in tasks):
            return [task.result() for task in tasks]
        return await gather(*tasks, return_exceptions=return_exceptions)

    monkeypatch.setattr(asyncio, "gather", gather_at_once)
    walk = a_walk(monkeypatch, lambda: a_lane(2.0, turns[0]), lambda: a_lane(1.0, turns[1]))

    assert await walk.hedged(1.0) == "answer"

    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    assert [each for each in ready if not each.cancelled()] == []


async def test_a_stream_that_won_is_closed_if_its_client_leaves_while_the_other_lane_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = world_of(after(3.0, healthy_stream("One.")), after(5.0, healthy_stream("Two.")), models=MODELS)

    async def leave() -> None:
        asking.cancel()
        await asyncio.sleep(0)

    monkeypatch.setattr(execute, "run_due_callbacks", leave)
    asking = asyncio.create_task(world.ask(*MODELS[:2], stream=True, gateway=HEDGE))
    await asyncio.wait({asking})

    assert [each.aborted for each in world.transport.replies] == [True]
