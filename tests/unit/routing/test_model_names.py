"""The names that clients of Anthropic, OpenAI and Google use, and the models that they stand for."""

import json

import pytest

from gateway.memory.catalog import Catalog
from gateway.routing.model_names import resolve
from tests.support.models import listing, model
from tests.support.planning import catalog_of, listed
from tests.support.world import TOKEN, Answer, World, chat, finish, one_key

pytestmark = pytest.mark.anyio
CATALOG = catalog_of(
    listed("anthropic/claude-opus-5", canonical_slug="anthropic/claude-5-opus-20260901"),
    listed("anthropic/claude-sonnet-5"),
    listed("anthropic/claude-haiku-4.5", canonical_slug="anthropic/claude-4.5-haiku-20251001"),
    listed("anthropic/claude-opus-4"),
    listed("anthropic/claude-opus-4.5"),
    listed("anthropic/claude-3.5-haiku"),
    listed("anthropic/claude-3.7-sonnet", canonical_slug="anthropic/claude-3-7-sonnet-20250219"),
    listed("anthropic/claude-3.7-sonnet:thinking", canonical_slug="anthropic/claude-3-7-sonnet-20250219"),
    listed("anthropic/claude-x", canonical_slug="anthropic/claude-old-20260101"),
    listed("anthropic/claude-y", canonical_slug="anthropic/claude-old-20260101"),
    listed("anthropic/claude-z", canonical_slug="anthropic/claude-past-20260101"),
    listed("anthropic/claude-z:free", canonical_slug="anthropic/claude-past-20260101"),
    listed("~anthropic/claude-sonnet-latest"),
    listed("openai/gpt-5.4-mini"),
    listed("openai/gpt-4o"),
    listed("openai/gpt-4o-2024-08-06"),
    listed("openai/o3-mini"),
    listed("openai/gpt-twin"),
    listed("somebody/gpt-twin"),
    listed("somebody/claude-opus-4.5"),
    listed("google/gemini-2.5-pro"),
    listed("mistral/only"),
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("claude-opus-5", "anthropic/claude-opus-5"),
        ("claude-sonnet-5", "anthropic/claude-sonnet-5"),
        ("claude-opus-5[1m]", "anthropic/claude-opus-5"),
        ("claude-haiku-4-5-20251001", "anthropic/claude-haiku-4.5"),
        ("claude-haiku-4-5", "anthropic/claude-haiku-4.5"),
        ("claude-haiku-4.5", "anthropic/claude-haiku-4.5"),
        ("claude-4.5-haiku-20251001", "anthropic/claude-haiku-4.5"),
        ("claude-opus-4-5-20251101[1m]", "anthropic/claude-opus-4.5"),
        ("claude-opus-4-20250514", "anthropic/claude-opus-4"),
        ("claude-opus-4-5:nitro", "anthropic/claude-opus-4.5:nitro"),
        ("claude-3-5-haiku-latest", "anthropic/claude-3.5-haiku"),
        ("claude-3-5-haiku-20241022", "anthropic/claude-3.5-haiku"),
        ("claude-3-7-sonnet-20250219", "anthropic/claude-3.7-sonnet"),
        ("claude-past-20260101", "anthropic/claude-z"),
        ("claude-past-20260101:free", "anthropic/claude-z:free"),
        ("claude-past-20260101:floor", "anthropic/claude-z:floor"),
        ("claude-3-7-sonnet:thinking", "anthropic/claude-3.7-sonnet:thinking"),
        ("claude-sonnet-latest", "~anthropic/claude-sonnet-latest"),
        ("anthropic/claude-opus-5[1m]", "anthropic/claude-opus-5"),
        ("gpt-5-4-mini", "openai/gpt-5.4-mini"),
        ("gpt-4o", "openai/gpt-4o"),
        ("gpt-4o-2024-08-06", "openai/gpt-4o-2024-08-06"),
        ("o3-mini", "openai/o3-mini"),
        ("gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("gemini-2.5-pro-latest", "google/gemini-2.5-pro"),
    ],
)
def test_a_name_without_an_author_stands_for_the_model_of_its_author(name: str, expected: str) -> None:
    assert resolve(name, CATALOG) == expected


@pytest.mark.parametrize(
    "name",
    [
        "claude-opus-9",  # not listed
        "claude-old-20260101",  # a canonical slug of two models
        "gpt-twin",  # two authors
        "only",  # a name of no author of the table
        "gpt-4o-2099-01-01",
        "Claude-Opus-5",
        "claude-",
        "claude-opus-4-5-2025110",
        "claude-opus-4-5-20251101-20251101",
        "claude-opus-5[2m]",
        "anthropic/claude-opus-4-5",  # a name with its author is as the caller wants it
        "anthropic/claude-opus-9[1m]",
        "somebody/claude-opus-4.5",
        "openrouter/auto",
        "@preset/mine",
        "direct:near/claude-opus-5",
        "",
        "[1m]",
        "-" * 256,
        "claude-" + "1-" * 100,
    ],
)
def test_a_name_is_left_as_it_is_if_no_model_or_several_fit(name: str) -> None:
    assert resolve(name, CATALOG) == name


def test_a_name_that_is_listed_is_never_changed() -> None:
    own = catalog_of(listed("claude-opus-5"), listed("anthropic/claude-opus-5"), listed("x/y[1m]"))

    assert resolve("claude-opus-5", own) == "claude-opus-5"
    assert resolve("x/y[1m]", own) == "x/y[1m]"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("claude-opus-5", "anthropic/claude-opus-5"),
        ("claude-opus-5[1m]", "anthropic/claude-opus-5"),
        ("claude-haiku-4-5-20251001", "anthropic/claude-haiku-4.5"),
        ("claude-3-5-haiku-latest", "anthropic/claude-3.5-haiku"),
        ("claude-opus-4-20250514", "anthropic/claude-opus-4"),
        ("claude-sonnet-latest", "~anthropic/claude-sonnet-latest"),
        ("anthropic/claude-opus-5[1m]", "anthropic/claude-opus-5"),
        ("~anthropic/claude-sonnet-latest[1m]", "~anthropic/claude-sonnet-latest"),
        ("gpt-4o", "gpt-4o"),
        ("gemini-2.5-pro", "gemini-2.5-pro"),
        ("x/y[1m]", "x/y[1m]"),
    ],
)
def test_without_a_model_list_only_claude_has_a_rule(name: str, expected: str) -> None:
    assert resolve(name, None) == expected


def world(**env: str) -> World:
    made = World(env)
    made.upstream.pages["/models"] = (
        listing(model("anthropic/claude-opus-4.5"), model("anthropic/claude-haiku-4.5"), model("a/one")),
    )
    return made


async def ask(made: World, body: object, *, path: str = "/v1/chat/completions") -> Answer:
    headers = {"authorization": f"Bearer {TOKEN}"}
    await made.get("/v1/models")  # so that the isolate has the list
    return await finish(await made.begin(body, path=path, headers=headers))


async def test_the_model_is_asked_by_its_name_and_the_receipt_says_so() -> None:
    made = world()

    got = await ask(made, chat("claude-opus-4-5-20251101", "a/one"))

    assert [call.body["model"] for call in made.upstream.received] == ["anthropic/claude-opus-4.5"]
    assert got.headers["x-gateway-model"] == "anthropic/claude-opus-4.5"
    assert got.receipt["resolved"] == {"claude-opus-4-5-20251101": "anthropic/claude-opus-4.5"}
    assert got.receipt["requested"] == ["anthropic/claude-opus-4.5", "a/one"]


async def test_the_plan_says_what_a_name_stands_for() -> None:
    got = await ask(world(), chat("claude-opus-4-5", "a/one"), path="/v1/plan")

    assert got.json["resolved"] == {"claude-opus-4-5": "anthropic/claude-opus-4.5"}
    assert [each["model"] for each in got.json["chain"]] == ["anthropic/claude-opus-4.5", "a/one"]
    assert (await ask(world(), chat("a/one"), path="/v1/plan")).json["resolved"] == {}


async def test_two_names_of_one_model_are_one_candidate() -> None:
    got = await ask(
        world(), chat("claude-opus-4-5", "anthropic/claude-opus-4.5", "claude-opus-4.5"), path="/v1/plan"
    )

    assert [each["model"] for each in got.json["chain"]] == ["anthropic/claude-opus-4.5"]


async def test_a_name_that_nothing_fits_goes_on_as_it_is() -> None:
    made = world()

    got = await ask(made, chat("claude-opus-99"))

    assert [call.body["model"] for call in made.upstream.received] == ["claude-opus-99"]
    assert "resolved" not in got.receipt


async def test_without_a_model_list_a_claude_is_asked_at_anthropic() -> None:
    made = World()

    await finish(await made.begin(chat("claude-opus-4-5")))

    assert [call.body["model"] for call in made.upstream.received] == ["anthropic/claude-opus-4.5"]


@pytest.mark.parametrize("fields", [{"models": ["anthropic/*"]}, {"limits": {"models": ["anthropic/*"]}}])
async def test_what_a_key_allows_is_compared_with_the_model_that_a_name_stands_for(
    fields: dict[str, object],
) -> None:
    made = world(GATEWAY_KEYS=one_key(**fields))

    assert (await ask(made, chat("claude-opus-4-5"))).status == 200
    assert (await ask(made, chat("gpt-4o"))).error["code"] == "model_not_allowed"


async def test_a_key_that_allows_only_some_of_an_authors_models_allows_no_other_by_its_short_name() -> None:
    made = world(GATEWAY_KEYS=one_key(models=["anthropic/claude-haiku-*", "claude-*"]))

    got = await ask(made, chat("claude-opus-4-5"))

    assert (got.status, got.error["code"]) == (403, "model_not_allowed")
    assert made.upstream.received == []


async def test_names_in_settings_stand_for_the_same_models() -> None:
    weights = {"claude-opus-4-5": 0, "a/one": 1}
    routes = {"task/mine": {"models": [*weights], "order": "weighted", "weights": weights}}
    made = world(TASK_ROUTES=json.dumps(routes), DEFAULT_MODEL="claude-haiku-4-5")

    task = await ask(made, chat("task/mine"), path="/v1/plan")
    default = await ask(made, chat())

    assert [each["model"] for each in task.json["chain"]] == ["a/one", "anthropic/claude-opus-4.5"]
    assert default.headers["x-gateway-model"] == "anthropic/claude-haiku-4.5"
    deep = (await made.get("/health?deep=1")).json
    assert deep["chains"]["task/mine"]["not_listed"] == []


async def test_weights_count_under_the_name_that_the_caller_wrote() -> None:
    weights = {"claude-opus-4-5": 0, "a/one": 1}
    body = chat("claude-opus-4-5", "a/one", gateway={"order": "weighted", "weights": weights})

    got = await ask(world(), body, path="/v1/plan")

    assert [each["model"] for each in got.json["chain"]] == ["a/one", "anthropic/claude-opus-4.5"]


@pytest.mark.parametrize("name", ["claude-task-mine", "anthropic/claude-task-mine", "claude-task-mine[1m]"])
async def test_a_task_has_a_name_for_claude_code(name: str) -> None:
    made = world(TASK_ROUTES=json.dumps({"task/mine": ["a/one"]}))

    got = await ask(made, chat(name))

    assert got.headers["x-gateway-model"] == "a/one"
    assert got.receipt["resolved"] == {name: "task/mine"}


@pytest.mark.parametrize("name", ["claude-task-canary", "anthropic/claude-task-canary", "claude-task-Mine"])
async def test_an_unknown_task_is_refused_by_its_name_for_claude_code_too(name: str) -> None:
    made = world(TASK_ROUTES=json.dumps({"task/mine": ["a/one"]}))

    got = await ask(made, {"model": name, "messages": [{"role": "user", "content": "x"}]})

    assert (got.status, got.error["code"], got.error["param"]) == (400, "unknown_task", "model")
    assert "task/mine" in got.error["message"]
    assert "canary" not in got.error["message"]


async def test_a_receipt_with_many_long_names_fits_its_header() -> None:
    names = [f"claude-opus-4-5:{index}{'x' * 200}" for index in range(40)]

    got = await finish(await World().begin(chat(*names, stream=True)))

    assert len(got.headers["x-gateway-receipt"]) <= 4_096
    assert len(got.receipt["resolved"]) == len(names)


def test_a_name_is_looked_up_without_parsing_a_model() -> None:
    catalog = Catalog(0.0, CATALOG.lines, 0)

    resolve("claude-opus-4-5-20251101", catalog)

    assert catalog._parsed == {}  # what is parsed is kept for the isolate's life
