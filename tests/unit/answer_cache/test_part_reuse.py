"""The answer cache of embeddings: each input is cached for itself."""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import httpx
import pytest

from tests.support.speech import COST_USD, EMBEDDINGS
from tests.support.upstream import Act, reply
from tests.support.world import Answer, World

pytestmark = pytest.mark.anyio
Options: TypeAlias = Mapping[str, object]
CACHED: Options = {"cache_ttl_s": 60}


def embeds(dimensions: int = 3) -> Act:
    """Return an act: a vector for each input, which depends on the input alone."""

    async def act(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        inputs = asked["input"] if isinstance(asked["input"], list) else [asked["input"]]
        rows = [
            {"object": "embedding", "index": place, "embedding": vector_of(each, dimensions)}
            for place, each in enumerate(inputs)
        ]
        tokens = len(inputs)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens, "cost": COST_USD}
        answered = {"object": "list", "data": rows[::-1], "model": "m", "usage": usage}
        return await reply(200, json.dumps(answered).encode())(request)

    return act


def vector_of(given: object, dimensions: int) -> list[float]:
    return [len(str(given)) + 0.5, *[float(ord(str(given)[-1]))] * (dimensions - 1)]


async def ask(
    world: World,
    given: object,
    options: Options = CACHED,
    *,
    models: tuple[str, ...] = ("a/one",),
    **fields: Any,  # noqa: ANN401  # of a body
) -> Answer:
    answer = await EMBEDDINGS.ask(world, *models, input=given, gateway={**options}, **fields)
    await world.let_run()
    return answer


def vectors_in(answer: Answer) -> list[list[float]]:
    rows = answer.json["data"]
    assert [row["index"] for row in rows] == [*range(len(rows))]
    return [row["embedding"] for row in rows]


def asked_for(world: World) -> list[Any]:
    return [each.body["input"] for each in world.upstream.received]


async def test_only_what_is_not_cached_is_asked_for_and_the_order_stays() -> None:
    world = World().script("a/one", embeds())
    await ask(world, ["one", "two"])

    answer = await ask(world, ["zero", "two", "three", "one"])

    assert asked_for(world) == [["one", "two"], ["zero", "three"]]
    assert vectors_in(answer) == [vector_of(each, 3) for each in ("zero", "two", "three", "one")]
    assert answer.receipt["cache"] == {"hit": False, "age_s": None, "items": 4, "items_hit": 2}
    assert answer.json["usage"]["prompt_tokens"] == 2
    assert answer.receipt["cost_usd"] == COST_USD
    assert answer.headers["x-gateway-embedding-space"] == "a/one/3"


async def test_a_request_of_cached_inputs_costs_nothing() -> None:
    world = World().script("a/one", embeds())
    await ask(world, ["one", "two"])

    answer = await ask(world, "two")

    assert len(world.upstream.received) == 1
    assert vectors_in(answer) == [vector_of("two", 3)]
    assert answer.json["usage"] == {"prompt_tokens": 0, "total_tokens": 0, "cost": 0}
    assert answer.receipt["cache"]["hit"] is True
    assert answer.receipt["cost_usd"] == 0.0
    assert answer.headers["x-gateway-cache"] == "hit"
    assert answer.headers["x-gateway-model"] == "a/one"
    assert answer.headers["x-gateway-embedding-space"] == "a/one/3"


async def test_tokens_are_cached_too() -> None:
    world = World().script("a/one", embeds())
    await ask(world, [[1, 2], [3]])

    answer = await ask(world, [[3], [4]])

    assert asked_for(world)[1] == [[4]]
    assert vectors_in(answer) == [vector_of([3], 3), vector_of([4], 3)]


@pytest.mark.parametrize(
    "fields",
    [
        {"dimensions": 3},
        {"encoding_format": "float"},
        {"input_type": "search_query"},
        {"provider": {"only": ["x"]}},
    ],
)
async def test_a_request_that_differs_otherwise_shares_nothing(fields: dict[str, Any]) -> None:
    world = World().script("a/one", embeds())
    await ask(world, ["one"])

    await ask(world, ["one"], **fields)

    assert asked_for(world) == [["one"], ["one"]]


async def test_without_leave_nothing_is_cached() -> None:
    world = World().script("a/one", embeds())

    await ask(world, ["one"], {})
    answer = await ask(world, ["one"], {})

    assert len(world.upstream.received) == 2
    assert "cache" not in answer.receipt
    assert not world.answer_cache.values


async def test_the_request_goes_upstream_byte_for_byte_if_nothing_is_cached() -> None:
    world = World().script("a/one", embeds())

    await ask(world, ["\u00e9"])

    assert b'"input": ["\\u00e9"]' in world.upstream.received[0].raw


async def test_many_inputs_share_the_look_ups() -> None:
    world = World({"CACHE_LOOKUPS": "3"}).script("a/one", embeds())
    inputs = [f"text {number}" for number in range(8)]
    await ask(world, inputs)

    assert len(world.answer_cache.values) == 3
    answer = await ask(world, [*inputs[:7], "other"])

    assert asked_for(world)[1] == [*inputs[6:7], "other"]
    assert vectors_in(answer) == [vector_of(each, 3) for each in [*inputs[:7], "other"]]
    assert answer.receipt["cache"]["items_hit"] == 6


async def test_cached_vectors_of_another_length_are_never_mixed_in() -> None:
    world = World().script("a/one", embeds(3), embeds(4))
    await ask(world, ["one"])

    answer = await ask(world, ["one", "two"], {**CACHED, "retries": 0})

    assert (answer.status, answer.error["code"]) == (502, "malformed_answer")


async def test_cached_vectors_of_two_lengths_are_all_asked_for_again() -> None:
    world = World().script("a/one", embeds(3), embeds(4))
    await ask(world, ["one"])
    await ask(world, ["two"])

    answer = await ask(world, ["one", "two"])

    assert asked_for(world)[2] == ["one", "two"]
    assert vectors_in(answer) == [vector_of(each, 4) for each in ("one", "two")]


async def test_a_pinned_space_refuses_cached_vectors_of_another() -> None:
    world = World().script("a/one", embeds(3))
    await ask(world, ["one"])

    answer = await ask(world, ["one"], {**CACHED, "embedding_space": "a/one/4"})

    assert answer.error["code"] == "wrong_embedding_space"


async def test_models_of_several_spaces_are_cached_as_a_whole() -> None:
    world = World().script("a/one", EMBEDDINGS.fails(500)).script("b/two", embeds(4))
    options = {**CACHED, "allow_model_change": True, "retries": 0}
    models = ("a/one", "b/two")
    await ask(world, ["one", "two"], options, models=models)
    calls = len(world.upstream.received)

    again = await ask(world, ["one", "two"], options, models=models)
    other = await ask(world, ["one"], options, models=models)

    assert again.receipt["cache"]["hit"] is True
    assert again.headers["x-gateway-embedding-space"] == "b/two/4"
    assert other.receipt["cache"]["hit"] is False
    assert len(world.upstream.received) > calls


async def test_a_damaged_entry_is_asked_for_again() -> None:
    world = World().script("a/one", embeds())
    await ask(world, ["one"])
    world.answer_cache.values = {key: each[:-3] for key, each in world.answer_cache.values.items()}

    answer = await ask(world, ["one"])

    assert vectors_in(answer) == [vector_of("one", 3)]
    assert len(world.upstream.received) == 2
