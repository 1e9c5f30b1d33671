import json

import pytest

from tests.support.upstream import RESET, Act, after, answer, breaks, fail, reply
from tests.support.world import World

pytestmark = pytest.mark.anyio
MODELS = ["a/one", "b/two", "c/three"]


def empty_answer(cost_usd: float) -> Act:
    """Return an act: an empty answer that costs ``cost_usd``."""
    choice = {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
    return reply(200, json.dumps({"choices": [choice], "usage": {"cost": cost_usd}}).encode())


def note_of(model: str) -> str:
    return f"The cost of {model} is unknown (price or length): no ceiling limits it."


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_ceiling_on_a_model_of_unknown_price_is_noted(streamed: bool) -> None:
    got = await World().ask(*MODELS, stream=streamed, gateway={"max_cost_usd": 0.5})

    assert got.receipt["notes"] == [note_of("a/one")]
    assert got.receipt["served"] == "a/one"


async def test_without_a_ceiling_there_is_no_note() -> None:
    got = await World().ask(*MODELS, gateway={"strict": True})

    assert not {"notes", "skipped"} & set(got.receipt)


async def test_each_model_of_unknown_price_is_noted_once() -> None:
    world = World().script("a/one", fail(404)).script("b/two", fail(502), answer())

    got = await world.ask(*MODELS[:2], gateway={"max_cost_usd": 0.5})

    assert world.upstream.models == ["a/one", "b/two", "b/two"]
    assert got.receipt["notes"] == [note_of("a/one"), note_of("b/two")]


@pytest.mark.parametrize("streamed", [False, True])
async def test_strict_skips_models_without_a_known_price(streamed: bool) -> None:
    world = World()

    got = await world.ask(*MODELS, stream=streamed, gateway={"max_cost_usd": 0.5, "strict": True})

    assert world.upstream.models == []
    assert (got.status, got.error["code"]) == (402, "over_max_cost")
    assert got.error["metadata"]["source"] == "gateway"
    assert got.headers["x-should-retry"] == "false"
    assert got.receipt["skipped"] == [{"model": model, "reason": "price_unknown"} for model in MODELS]
    assert got.receipt["attempts"] == []


async def test_the_cost_of_failed_attempts_counts() -> None:
    world = World().script("a/one", empty_answer(0.3)).script("b/two", empty_answer(0.3))

    got = await world.ask(*MODELS, gateway={"max_cost_usd": 0.5})

    assert world.upstream.models == ["a/one", "b/two"]
    assert got.error["code"] == "empty_answer"
    assert got.receipt["skipped"] == [{"model": "c/three", "reason": "over_max_cost"}]
    assert got.receipt["cost_usd"] == 0.6
    assert [attempt["billed"] for attempt in got.receipt["attempts"]] == ["yes", "yes"]


async def test_below_the_ceiling_the_chain_goes_on() -> None:
    world = World().script("a/one", empty_answer(0.3))

    got = await world.ask(*MODELS, gateway={"max_cost_usd": 0.5})

    assert got.receipt["served"] == "b/two"
    assert got.receipt["cost_usd"] == pytest.approx(0.300_021)


async def test_a_reached_ceiling_ends_retries_of_the_same_model_too() -> None:
    world = World().script("a/one", empty_answer(0.6))

    got = await world.ask("a/one", gateway={"max_cost_usd": 0.5, "retries": 3})

    assert world.upstream.models == ["a/one"]
    assert got.error["code"] == "empty_answer"


async def test_a_reached_ceiling_ends_the_wait_for_a_model_that_is_cooling_down() -> None:
    world = World().script("a/one", fail(429, retry_after="20"), answer())
    world.script("b/two", empty_answer(0.6))

    got = await world.ask("a/one", "b/two", gateway={"max_cost_usd": 0.5})

    assert world.upstream.models == ["a/one", "b/two"]
    assert got.error["code"] == "empty_answer"


async def test_a_chain_without_a_ceiling_may_cost_any_amount() -> None:
    world = World().script("a/one", empty_answer(50.0))

    got = await world.ask(*MODELS)

    assert got.receipt["served"] == "b/two"


@pytest.mark.parametrize("ceiling", [0, -1, "1", True])
async def test_a_ceiling_is_a_number_above_zero(ceiling: object) -> None:
    got = await World().ask("a/one", gateway={"max_cost_usd": ceiling})

    assert (got.status, got.error["param"]) == (400, "gateway.max_cost_usd")


@pytest.mark.parametrize("cost_usd", [-5.0, 1e308])
async def test_an_impossible_cost_is_ignored_and_does_not_count(cost_usd: float) -> None:
    world = World().script("a/one", empty_answer(cost_usd)).script("b/two", empty_answer(0.3))

    got = await world.ask(*MODELS, gateway={"max_cost_usd": 0.2})

    assert world.upstream.models == MODELS[:2]
    assert [each["cost_usd"] for each in got.receipt["attempts"]] == [None, 0.3]
    assert got.receipt["cost_usd"] == 0.3


async def test_an_attempt_whose_connection_is_lost_while_the_model_works_may_be_billed() -> None:
    world = World().script("a/one", after(6.0, breaks(RESET))).script("b/two", breaks(RESET))

    got = await world.ask("a/one", "b/two", gateway={"retries": 0})

    attempts = [(each["code"], each["billed"]) for each in got.receipt["attempts"]]
    assert attempts == [("connection_lost", "unknown"), ("connection_failed", "no")]
