import json
from typing import Any

import pytest

from gateway.settings.settings import Settings
from tests.support.planning import catalog_of, listed
from tests.support.upstream import DIRECT_BASE_URL, fail
from tests.support.world import ENV, TOKEN, Answer, World, chat, finish, one_key

pytestmark = pytest.mark.anyio


def world(**limits: object) -> World:
    made = World({"GATEWAY_KEYS": one_key(limits=limits)})
    made.memory.catalog.catalog = catalog_of(listed("a/one"), listed("b/two"))
    return made


async def plan_of(made: World, **fields: object) -> dict[str, Any]:
    return (await finish(await made.begin(chat("a/one") | fields, path="/v1/plan"))).json


async def ask(made: World, **fields: object) -> Answer:
    return await finish(await made.begin(chat("a/one") | fields))


def sent(made: World) -> dict[str, Any]:
    return made.upstream.received[-1].body


@pytest.mark.parametrize("asked", [{}, {"gateway": {"max_cost_usd": 100}}])
async def test_a_limit_on_the_cost_is_not_lifted_by_the_caller(asked: dict[str, object]) -> None:
    got = await ask(world(max_cost_usd=0.000_001), max_tokens=1_000, **asked)

    assert (got.status, got.error["code"]) == (402, "over_max_cost")


async def test_a_caller_can_be_stricter_than_its_limits() -> None:
    shown = await plan_of(world(max_cost_usd=5, retries=3), gateway={"max_cost_usd": 0.5, "retries": 0})

    assert (shown["limits"]["max_cost_usd"], shown["limits"]["retries"]) == (0.5, 0)
    assert shown["decided_by"]["max_cost_usd"] == "gateway.max_cost_usd"


async def test_a_limit_that_lowers_a_value_is_what_decided_it() -> None:
    made = world(max_cost_usd=5, retries=0, deadline_ms=1_000)
    shown = await plan_of(made, gateway={"max_cost_usd": 50, "deadline_ms": 60_000})

    limits = shown["limits"]
    assert (limits["max_cost_usd"], limits["retries"], limits["deadline_ms"]) == (5, 0, 1_000)
    assert {shown["decided_by"][name] for name in ("max_cost_usd", "retries", "deadline_ms")} == {"key one"}


@pytest.mark.parametrize(
    ("patience", "deadline_ms", "by"),
    [("normal", 240_000, "PATIENCE"), ("long", 300_000, "key one"), ("short", 120_000, "PATIENCE")],
)
async def test_a_limit_of_the_deadline_lowers_that_of_the_patience_and_never_raises_it(
    patience: str, deadline_ms: int, by: str
) -> None:
    made = world(deadline_ms=300_000)
    made.env = {**made.env, "PATIENCE": patience}

    shown = await plan_of(made)

    assert (shown["limits"]["deadline_ms"], shown["decided_by"]["deadline_ms"]) == (deadline_ms, by)


async def test_strict_cannot_be_undone() -> None:
    made = world(strict=True, max_cost_usd=5)

    got = await ask(made, model="not/listed", models=None, gateway={"strict": False})

    assert (got.status, got.receipt["skipped"][0]["reason"]) == (402, "price_unknown")
    assert made.upstream.received == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, {"max_tokens": 50}, id="no limit of the caller's"),
        pytest.param({"max_tokens": 500}, {"max_tokens": 50}, id="a higher one"),
        pytest.param({"max_tokens": 20}, {"max_tokens": 20}, id="a lower one"),
        pytest.param({"max_tokens": -1}, {"max_tokens": 50}, id="one that is none"),
        pytest.param({"max_completion_tokens": 500}, {"max_completion_tokens": 50}, id="the other name"),
        pytest.param(
            {"max_completion_tokens": 10, "max_tokens": 500},
            {"max_completion_tokens": 10, "max_tokens": 50},
            id="both names",
        ),
        pytest.param({"metadata": {"max_tokens": 7}}, {"max_tokens": 50}, id="a name further down"),
    ],
)
async def test_an_answer_is_not_longer_than_the_limit(
    fields: dict[str, object], expected: dict[str, int]
) -> None:
    made = world(max_tokens=50)

    got = await ask(made, **fields)

    assert got.status == 200
    assert {name: sent(made).get(name) for name in expected} == expected
    assert sent(made)["messages"] == chat()["messages"]
    was_changed = expected != {name: fields.get(name) for name in expected}
    assert got.receipt.get("notes", []) == (
        ["The key limits each answer to 50 tokens."] if was_changed else []
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"plugins": [{"id": "file-parser"}]},
        {"plugins": [{"id": "response-healing"}]},
        {"plugins": [{}]},
        {"web_search_options": {}},
        {"preset": "mine"},
        {"tools": [{"type": "openrouter:web_search"}]},
        {"tools": [{"type": "web_search_2027"}]},
    ],
)
async def test_a_key_without_plugins_uses_none_in_any_form(fields: dict[str, object]) -> None:
    made = world(plugins=[])

    got = await ask(made, **fields)

    assert (got.status, got.error["code"], got.error["param"]) == (403, "not_allowed", "plugins")
    assert made.upstream.received == []


@pytest.mark.parametrize("model", ["a/one:online", "a/one@preset/mine", "@preset/mine"])
async def test_a_key_without_plugins_uses_no_model_that_brings_some(model: str) -> None:
    got = await ask(world(plugins=[]), models=[model])

    assert (got.status, got.error["code"]) == (403, "model_not_allowed")


async def test_a_key_uses_the_plugins_that_it_may() -> None:
    made = world(plugins=["web"])

    assert (await ask(made, web_search_options={})).status == 200
    assert (await ask(made, models=["a/one:online"])).status == 200
    assert (await ask(made, tools=[{"type": "function", "function": {"name": "f"}}])).status == 200


async def test_a_limit_on_models_counts_beside_the_keys_own_models() -> None:
    made = world(models=["b/*"])

    assert (await ask(made)).error["code"] == "model_not_allowed"
    assert (await ask(made, models=["b/two"])).status == 200


@pytest.mark.parametrize("place", [{"models": ["b/*"]}, {"limits": {"models": ["b/*"]}}], ids=str)
async def test_a_key_that_is_limited_to_models_is_told_no_other_name(place: dict[str, Any]) -> None:
    declared = {"UPSTREAMS": json.dumps({"near": {"base_url": DIRECT_BASE_URL}})}
    made = World({"GATEWAY_KEYS": one_key(**place), **declared})
    made.memory.catalog.catalog = catalog_of(listed("a/one"), listed("b/two"), listed("a/two"))

    errors = [(await ask(made, models=[name])).error["message"] for name in ("task/no", "direct:no/one")]
    shown = (await made.get("/v1/models")).json["data"]
    found = [(await made.get(f"/v1/models/{name}")).status for name in ("b/two", "two", "a/one", "task/code")]

    assert [message.rpartition(" are: ")[2] for message in errors] == ["none.", "none."]
    assert [each["id"] for each in shown] == ["b/two"]
    assert found == [200, 200, 404, 404]


async def test_a_list_of_models_has_another_etag_under_another_limit() -> None:
    tags = set()
    for limits in ({}, {"models": ["a/*"]}, {"models": ["b/*"]}):
        tags.add((await world(**limits).get("/v1/models")).headers["etag"])

    assert len(tags) == 3


async def test_a_limit_on_retries_holds_while_models_fail() -> None:
    made = world(retries=0).script("a/one", fail(503))

    assert len((await ask(made, gateway={"retries": 10})).receipt["attempts"]) == 1


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_cost_usd": 0}, "`max_cost_usd` a number above 0"),
        ({"max_tokens": 0}, "`max_tokens` a whole number from 1"),
        ({"plugins": ["Web Search"]}, "`plugins` a list of names"),
        ({"models": []}, "`models` a list of names"),
        ({"budget": 1}, "no limits but max_cost_usd"),
        ([], "an object of `limits`"),
    ],
)
def test_a_wrong_limit_is_named(limits: object, words: str) -> None:
    with pytest.raises(Exception, match=words.replace("(", r"\(")) as raised:
        Settings.from_env({**ENV, "GATEWAY_KEYS": one_key(limits=limits)}.get)

    assert TOKEN not in str(raised.value)
