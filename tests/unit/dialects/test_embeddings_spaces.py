"""Another model's vectors are no fallback: which chains embeddings may have, and what the caller is told."""

import json

import pytest

from gateway.dialects.embeddings.spaces import SpaceNames
from tests.support.speech import EMBEDDINGS
from tests.support.upstream import DIRECT_BASE_URL, reply
from tests.support.world import World, one_key

pytestmark = pytest.mark.anyio
DECLARED = {"base_url": DIRECT_BASE_URL, "secret": "OPENAI_KEY", "dialects": ["embeddings"]}
UPSTREAMS = json.dumps({"openai": DECLARED})
DIRECT = {"UPSTREAMS": UPSTREAMS, "OPENAI_KEY": "sk-direct"}
SMALL, DIRECT_SMALL = "openai/text-embedding-3-small", "direct:openai/text-embedding-3-small"
SPACE = "x-gateway-embedding-space"


@pytest.mark.parametrize(
    ("models", "spaces"),
    [
        (("a/one", "a/one:free", "a/one:nitro", "direct:x/one", "direct:x/a/one", "one"), {"a/one"}),
        (("direct:x/one", "direct:y/one"), {"one"}),
        (("a/one", "b/one"), {"a/one", "b/one"}),
        (("a/one", "b/one", "direct:x/one"), {"a/one", "b/one", "one"}),
        (("a/one", "a/two"), {"a/one", "a/two"}),
        (("direct:x/nomic:v1", "direct:x/nomic:v2"), {"nomic:v1", "nomic:v2"}),
    ],
)
def test_which_names_stand_for_one_model(models: tuple[str, ...], spaces: set[str]) -> None:
    names = SpaceNames(models)

    assert {names.of(model) for model in models} == spaces


async def test_another_model_is_refused_before_any_call() -> None:
    world = World()

    answer = await EMBEDDINGS.ask(world, "a/one", "b/two")

    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "invalid_field", "models")
    assert "cannot be compared" in answer.error["message"]
    assert not world.upstream.received


async def test_a_task_of_several_models_is_refused() -> None:
    routes = json.dumps({"task/embed": {"models": ["a/one", "b/two"]}})
    world = World({"TASK_ROUTES": routes})

    answer = await EMBEDDINGS.ask(world, "task/embed")

    assert (answer.status, answer.error["code"]) == (400, "invalid_field")
    assert not world.upstream.received


async def test_a_model_must_be_named_because_the_defaults_are_for_texts() -> None:
    world = World({"DEFAULT_MODEL": "a/one", "FALLBACK_MODELS": "b/two"})

    answer = await EMBEDDINGS.ask(world)

    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "missing_field", "model")
    assert not world.upstream.received


async def test_a_conditional_route_for_texts_does_not_take_over() -> None:
    routes = json.dumps({"task/all": {"models": ["b/two"], "when": [{"model": "*"}]}})
    world = World({"TASK_ROUTES": routes}).script("a/one", EMBEDDINGS.answers("x"))

    answer = await EMBEDDINGS.ask(world, "a/one")

    assert answer.receipt["served"] == "a/one"


async def test_the_space_is_told() -> None:
    world = World().script("a/one", EMBEDDINGS.answers("xyz"))

    answer = await EMBEDDINGS.ask(world, "a/one")

    assert answer.headers[SPACE] == "a/one/3"
    assert answer.receipt["embedding_space"] == "a/one/3"


async def test_with_leave_another_model_answers_and_its_space_is_told() -> None:
    world = World().script("a/one", EMBEDDINGS.fails(500)).script("b/two", EMBEDDINGS.answers("xy"))

    answer = await EMBEDDINGS.ask(world, "a/one", "b/two", gateway={"allow_model_change": True})

    assert answer.receipt["served"] == "b/two"
    assert answer.headers[SPACE] == "b/two/2"


async def test_the_same_model_at_a_direct_upstream_is_a_fallback() -> None:
    world = World(DIRECT).script(SMALL, EMBEDDINGS.fails(500))
    world.script("text-embedding-3-small", EMBEDDINGS.answers("xy"))

    answer = await EMBEDDINGS.ask(world, SMALL, DIRECT_SMALL)

    assert answer.receipt["served"] == DIRECT_SMALL
    assert answer.headers[SPACE] == f"{SMALL}/2"


@pytest.mark.parametrize(
    ("given", "pinned"),
    [
        ({"model": "b/two"}, "a/one/3"),
        ({"models": ["a/one", "b/two"], "allow": True}, "a/one/3"),
        ({"model": "a/one", "dimensions": 4}, "a/one/3"),
    ],
)
async def test_a_pinned_space_is_checked_before_the_call(given: dict[str, object], pinned: str) -> None:
    world = World()
    allow = given.pop("allow", False)
    options = {"embedding_space": pinned, "allow_model_change": allow}

    answer = await EMBEDDINGS.ask(world, gateway=options, **given)  # type: ignore[arg-type]  # fields of a body

    assert (answer.status, answer.error["code"]) == (400, "invalid_field")
    assert answer.error["param"] == "gateway.embedding_space"
    assert not world.upstream.received


async def test_an_answer_in_another_space_is_not_returned() -> None:
    world = World().script("a/one", EMBEDDINGS.answers("xy"))

    answer = await EMBEDDINGS.ask(world, "a/one", gateway={"embedding_space": "a/one/3"})

    assert (answer.status, answer.error["code"]) == (502, "wrong_embedding_space")
    assert SPACE not in answer.headers


async def test_an_answer_in_the_pinned_space_is_returned() -> None:
    world = World().script("a/one", EMBEDDINGS.answers("xyz"))

    answer = await EMBEDDINGS.ask(world, "a/one", gateway={"embedding_space": "a/one/3"})

    assert answer.status == 200


async def test_a_model_whose_answer_is_wrong_is_asked_again() -> None:
    short = {**EMBEDDINGS.plain("x"), "data": []}
    world = World()
    world.script("a/one", reply(200, json.dumps(short).encode()), EMBEDDINGS.answers("x"))

    answer = await EMBEDDINGS.ask(world, "a/one")

    assert (answer.status, answer.codes) == (200, ["empty_answer", None])


async def test_watching_has_no_effect_and_the_receipt_says_so() -> None:
    world = World().script("a/one", EMBEDDINGS.answers("x"))

    answer = await EMBEDDINGS.ask(world, "a/one", gateway={"watch": True})

    assert "stream" not in world.upstream.received[0].body
    assert any("watch has no effect" in each for each in answer.receipt["notes"])


async def test_a_limit_on_the_tokens_of_answers_does_not_bind_embeddings() -> None:
    keys = one_key(limits={"max_tokens": 5})
    world = World({"GATEWAY_KEYS": keys}).script("a/one", EMBEDDINGS.answers("x"))

    answer = await EMBEDDINGS.ask(world, "a/one")

    assert answer.status == 200
    assert "max_tokens" not in world.upstream.received[0].body
