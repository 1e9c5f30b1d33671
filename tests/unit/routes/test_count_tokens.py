"""Counting tokens: an estimate without a call, from what requests to models of the same author took."""

import json
from typing import Any

import pytest

from gateway.memory.prompt_sizes import MIN_SIZES
from tests.support.speech import MESSAGES
from tests.support.upstream import Act, reply
from tests.support.world import TOKEN, Answer, World, finish, one_key

pytestmark = pytest.mark.anyio
PATH = "/v1/messages/count_tokens"
TEXT = [{"role": "user", "content": "word " * 1_000}]
ROUTES = {"task/code": {"models": ["openai/one"]}}


def takes(tokens: int) -> Act:
    """Return an act: an answer to a prompt that took so many tokens."""
    usage = {"input_tokens": tokens, "output_tokens": 2}
    return reply(200, json.dumps({**MESSAGES.plain("Hi"), "usage": usage}).encode())


async def count(world: World, model: str, messages: object = TEXT) -> Answer:
    headers = {"authorization": f"Bearer {TOKEN}"}
    return await finish(await world.begin({"model": model, "messages": messages}, path=PATH, headers=headers))


async def counted(world: World, model: str, messages: object = TEXT) -> dict[str, Any]:
    answer = await count(world, model, messages)
    assert answer.status == 200, answer.body
    return answer.json


async def seen(world: World, model: str, tokens: int, times: int = MIN_SIZES) -> World:
    """Return a gateway that has seen requests to a model."""
    world.script(model, *[takes(tokens)] * times)
    for _ in range(times):
        assert (await MESSAGES.ask(world, model, messages=TEXT)).status == 200
    return world


async def test_without_experience_it_takes_four_bytes_for_a_token_and_makes_no_call() -> None:
    world = World()

    got = await counted(world, "anthropic/one")

    assert 1_250 <= got["input_tokens"] <= 1_300
    assert got["gateway"] == {"estimated": True, "bytes_per_token": 4.0, "samples": 0, "error": None}
    assert not world.upstream.received


async def test_it_goes_by_what_requests_to_the_same_author_took() -> None:
    world = await seen(World(), "anthropic/one", 2_500)

    same, other = [await counted(world, each) for each in ("anthropic/two", "openai/one")]

    assert 2_400 <= same["input_tokens"] <= 2_600
    assert same["gateway"]["samples"] == MIN_SIZES
    assert other["gateway"]["samples"] == 0


async def test_fewer_requests_do_not_count() -> None:
    world = await seen(World(), "anthropic/one", 2_500, MIN_SIZES - 1)

    assert (await counted(world, "anthropic/one"))["gateway"]["samples"] == 0


@pytest.mark.parametrize("tokens", [0, -5, 1, 10**12])
async def test_a_count_that_no_tokenizer_gives_changes_nothing(tokens: int) -> None:
    world = await seen(World(), "anthropic/one", tokens)

    assert (await counted(world, "anthropic/one"))["gateway"]["samples"] == 0


@pytest.mark.parametrize("name", ["task/code", "claude-task-code", "claude-task-code[1m]"])
async def test_a_task_counts_as_its_first_model_by_each_of_its_names(name: str) -> None:
    world = await seen(World({"TASK_ROUTES": json.dumps(ROUTES)}), "openai/one", 2_500)

    assert (await counted(world, name))["gateway"]["samples"] == MIN_SIZES


async def test_images_and_documents_count_by_their_kind() -> None:
    data = "A" * 100_000
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    document = {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": data},
    }

    got = [
        (await counted(World(), "a/one", [{"role": "user", "content": [block]}]))["input_tokens"]
        for block in (image, document)
    ]

    assert 1_000 <= got[0] <= 1_100
    assert 2_000 <= got[1] <= 2_100


async def test_counting_has_a_rate_limit_of_its_own() -> None:
    world = World({"GATEWAY_KEYS": one_key(per_minute=1)}).script("a/one", MESSAGES.answers())

    counts = [(await count(world, "a/one")).status for _ in range(2)]
    answer = await MESSAGES.ask(world, "a/one")

    assert (counts, answer.status) == ([200, 429], 200)
