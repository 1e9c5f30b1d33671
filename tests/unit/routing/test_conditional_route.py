"""Task routes that serve requests which name no task, by what an agent says of them."""

import json
import re

import pytest

from scripts.tools import ROOT
from tests.support.models import listing, model
from tests.support.upstream import accept_key, fail
from tests.support.world import TOKEN, Answer, World, chat, finish, one_key

pytestmark = pytest.mark.anyio
CLASS, TYPE = "x-claude-code-request-class", "x-claude-code-agent-type"
LONG = "word " * 4_000  # 20,000 bytes, which are some 5,000 tokens


def world(when: object = None, **more: object) -> World:
    """Return a gateway with the task ``task/cheap``, which has these conditions, and more tasks behind it."""
    routes = {"task/cheap": {"models": ["c/cheap", "c/next"], "when": when or {"request_class": "auxiliary"}}}
    return World({"TASK_ROUTES": json.dumps({**routes, **more})})


async def ask(
    made: World, body: object = None, *, path: str = "/v1/chat/completions", **headers: str
) -> Answer:
    given = {"authorization": f"Bearer {TOKEN}"} | {n.replace("_", "-"): v for n, v in headers.items()}
    return await finish(await made.begin(body or chat("a/one"), path=path, headers=given))


def cls(word: str) -> dict[str, str]:
    return {CLASS.replace("-", "_"): word}


async def test_a_route_serves_the_requests_that_meet_its_condition() -> None:
    got = await ask(world(), **cls("auxiliary"))

    assert (got.status, got.headers["x-gateway-model"]) == (200, "c/cheap")
    assert got.receipt["requested"] == ["c/cheap", "c/next"]
    assert got.receipt["route"] == {"task": "task/cheap", "when": {"request_class": "auxiliary"}}


@pytest.mark.parametrize("word", ["main", "Auxiliary", "auxiliary, main", "", "x" * 300, "auxiliar\u00ff"])
async def test_a_request_that_meets_no_condition_is_served_as_it_asks(word: str) -> None:
    got = await ask(world(), **cls(word))

    assert got.headers["x-gateway-model"] == "a/one"
    assert "route" not in got.receipt


async def test_a_class_that_is_not_known_is_compared_as_text() -> None:
    got = await ask(world({"request_class": ["later-class", "auxiliary"]}), **cls("later-class"))

    assert got.receipt["route"]["when"] == {"request_class": "later-class"}


async def test_an_agents_type_can_be_a_condition() -> None:
    got = await ask(world({"agent_type": "code reviewer"}), x_claude_code_agent_type=" code reviewer ")

    assert got.receipt["route"]["when"] == {"agent_type": "code reviewer"}


@pytest.mark.parametrize(
    ("when", "text", "meets"),
    [
        ({"prompt_tokens_over": 4_000}, LONG, True),
        ({"prompt_tokens_over": 4_000}, "short", False),
        ({"prompt_tokens_under": 4_000}, "short", True),
        ({"prompt_tokens_under": 4_000}, LONG, False),
        ({"prompt_tokens_over": 4_000, "prompt_tokens_under": 6_000}, LONG, True),
    ],
)
async def test_the_length_of_a_prompt_can_be_a_condition(when: object, text: str, meets: bool) -> None:
    got = await ask(world(when), {"model": "a/one", "messages": [{"role": "user", "content": text}]})

    assert got.headers["x-gateway-model"] == ("c/cheap" if meets else "a/one")


@pytest.mark.parametrize(
    ("asked", "meets"),
    [("claude-haiku-4-5", True), ("claude-opus-5", False), ("anthropic/claude-haiku-4.5", False)],
)
async def test_the_name_of_a_model_is_compared_as_the_caller_wrote_it(asked: str, meets: bool) -> None:
    got = await ask(world({"model": "claude-haiku-*"}), chat(asked))

    assert (got.headers["x-gateway-model"] == "c/cheap") is meets


async def test_the_first_name_counts() -> None:
    made = world({"model": "b/*"})

    assert (await ask(made, chat("a/one", "b/two"))).headers["x-gateway-model"] == "a/one"
    assert (await ask(made, chat("b/two", "a/one"))).headers["x-gateway-model"] == "c/cheap"


async def test_a_request_that_names_no_model_has_no_name_to_compare() -> None:
    assert (await ask(world({"model": "*"}), chat())).headers["x-gateway-model"] == "a/one"
    assert (await ask(world(), chat(), **cls("auxiliary"))).headers["x-gateway-model"] == "c/cheap"


async def test_all_fields_of_one_condition_must_be_met() -> None:
    made = world({"request_class": "auxiliary", "model": "b/*"})

    assert (await ask(made, chat("a/one"), **cls("auxiliary"))).headers["x-gateway-model"] == "a/one"
    assert (await ask(made, chat("b/two"), **cls("main"))).headers["x-gateway-model"] == "b/two"
    got = await ask(made, chat("b/two"), **cls("auxiliary"))
    assert got.receipt["route"]["when"] == {"request_class": "auxiliary", "model": "b/*"}


async def test_one_condition_of_several_must_be_met() -> None:
    made = world([{"request_class": "auxiliary"}, {"model": "b/*"}])

    assert (await ask(made, chat("b/two"), **cls("main"))).receipt["route"]["when"] == {"model": "b/*"}


async def test_the_first_route_in_the_written_order_counts() -> None:
    made = world(
        {"request_class": "auxiliary"}, **{"task/bulk": {"models": ["d/later"], "when": {"model": "*"}}}
    )

    assert (await ask(made, **cls("auxiliary"))).headers["x-gateway-model"] == "c/cheap"
    assert (await ask(made)).headers["x-gateway-model"] == "d/later"


@pytest.mark.parametrize("names", [("task/own",), ("a/one", "task/own"), ("claude-task-own",)])
async def test_a_task_that_the_caller_names_goes_before_all_conditions(names: tuple[str, ...]) -> None:
    made = world(**{"task/own": ["e/own"]})

    got = await ask(made, chat(*names), **cls("auxiliary"))

    assert "route" not in got.receipt
    assert "e/own" in got.receipt["requested"]


async def test_the_options_and_the_order_of_the_route_count() -> None:
    chosen = {
        "models": ["c/cheap"],
        "when": {"request_class": "auxiliary"},
        "options": {"deadline_ms": 4321, "max_session_usd": 1},
        "order": "cheapest",
    }
    made = world({"model": "never"}, **{"task/own": chosen})

    plan = (await ask(made, path="/v1/plan", **cls("auxiliary"))).json

    assert (plan["limits"]["deadline_ms"], plan["order"]) == (4321, "cheapest")
    assert {plan["decided_by"][name] for name in ("models", "order", "deadline_ms")} == {"task/own"}


async def test_the_plan_shows_the_route_and_the_condition() -> None:
    got = await ask(world(), path="/v1/plan", **cls("auxiliary"))

    assert got.json["route"] == {"task": "task/cheap", "when": {"request_class": "auxiliary"}}
    assert [(each["model"], each["task"]) for each in got.json["chain"]] == [
        ("c/cheap", "task/cheap"),
        ("c/next", "task/cheap"),
    ]
    assert (await ask(world(), path="/v1/plan")).json["route"] is None


async def test_the_route_falls_back_like_any_chain() -> None:
    got = await ask(world().script("c/cheap", fail(503)), **cls("auxiliary"))

    assert got.headers["x-gateway-model"] == "c/next"


def keyed(made: World, **fields: object) -> World:
    return World({**made.env, "GATEWAY_KEYS": one_key(**fields)})


@pytest.mark.parametrize("fields", [{"models": ["a/*"]}, {"limits": {"models": ["a/*"]}}], ids=repr)
async def test_a_route_of_which_the_key_allows_no_model_is_passed_over(fields: dict[str, object]) -> None:
    got = await ask(keyed(world(), **fields), **cls("auxiliary"))

    assert (got.status, got.headers["x-gateway-model"]) == (200, "a/one")
    assert "route" not in got.receipt


@pytest.mark.parametrize("allowed", [["task/cheap"], ["c/next"]])
async def test_a_route_has_only_the_models_that_the_key_allows(allowed: list[str]) -> None:
    got = await ask(keyed(world(), models=allowed), **cls("auxiliary"))

    assert got.headers["x-gateway-model"] == ("c/next" if allowed == ["c/next"] else "c/cheap")


@pytest.mark.parametrize(("allowed", "meets"), [(["anthropic/*"], True), (["a/*", "claude-*"], False)])
async def test_what_a_key_allows_is_compared_with_the_models_that_short_names_stand_for(
    allowed: list[str], meets: bool
) -> None:
    route = {"models": ["claude-haiku-4-5"], "when": {"request_class": "auxiliary"}}
    made = keyed(World({"TASK_ROUTES": json.dumps({"task/cheap": route})}), models=allowed)

    got = await ask(made, **cls("auxiliary"))

    if meets:
        assert got.headers["x-gateway-model"] == "anthropic/claude-haiku-4.5"
    else:
        assert got.headers["x-gateway-model"] == "a/one"


async def test_a_keys_limits_hold_for_the_route() -> None:
    made = keyed(world(), limits={"deadline_ms": 1234})

    assert (await ask(made, path="/v1/plan", **cls("auxiliary"))).json["limits"]["deadline_ms"] == 1234


async def test_a_caller_with_its_own_key_is_not_sent_to_a_direct_upstream() -> None:
    declared = {"near": {"base_url": "https://direct.example/v1"}}
    direct = {"models": ["direct:near/fast"], "when": {"request_class": "auxiliary"}}
    made = World(
        {
            "ALLOW_CLIENT_KEYS": "true",
            "UPSTREAMS": json.dumps(declared),
            "TASK_ROUTES": json.dumps({"task/near": direct}),
        }
    )
    made.upstream.pages["/key"] = (accept_key,)

    got = await ask(made, authorization="Bearer sk-or-v1-of-a-caller", **cls("auxiliary"))

    assert got.headers["x-gateway-model"] == "a/one"


async def test_headers_are_read_only_if_a_route_asks_for_them() -> None:
    assert not {CLASS, TYPE} & await headers_read(World())
    assert not {CLASS, TYPE} & await headers_read(world({"model": "a/*"}))
    assert {CLASS, TYPE} & await headers_read(world()) == {CLASS}


class Headers(dict[str, str]):
    """The headers of a request, which remember which of them were read."""

    def __init__(self) -> None:
        super().__init__(authorization=f"Bearer {TOKEN}")
        self.read: set[str] = set()

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]  # it is all that is used
        self.read.add(name)
        return super().get(name, default)


async def headers_read(made: World) -> set[str]:
    headers = Headers()
    await made.begin(chat("a/one"), headers=headers)
    return headers.read


async def test_the_model_list_shows_the_conditions_in_the_form_of_the_setting() -> None:
    made = world({"request_class": "auxiliary", "prompt_tokens_under": 500})
    made.upstream.pages["/models"] = (listing(model("a/one")),)

    shown = (await made.get("/v1/models/task/cheap")).json["gateway"]

    assert shown["when"] == [{"request_class": ["auxiliary"], "prompt_tokens_under": 500}]
    again = World({"TASK_ROUTES": json.dumps({"task/cheap": shown})})
    assert (await ask(again, **cls("auxiliary"))).headers["x-gateway-model"] == "c/cheap"


RECIPE = re.search(
    r"^TASK_ROUTES = '''\n(.*?)^'''$", (ROOT / "docs" / "recipes.md").read_text("utf-8"), re.M | re.S
)


@pytest.mark.parametrize(
    ("asked", "word", "text", "task"),
    [
        ("claude-sonnet-5", "auxiliary", "short", "task/background"),
        ("claude-sonnet-5", "compaction", "short", "task/background"),
        ("claude-haiku-4-5-20251001", "", "short", "task/background"),
        ("claude-sonnet-5", "main", "short", None),
        ("claude-sonnet-5", "compaction", "word " * 100_000, None),
    ],
)
async def test_the_recipe_for_background_work_does_what_it_says(
    asked: str, word: str, text: str, task: str | None
) -> None:
    assert RECIPE is not None
    body = {"model": asked, "messages": [{"role": "user", "content": text}]}

    got = await ask(World({"TASK_ROUTES": RECIPE.group(1)}), body, path="/v1/plan", **cls(word))

    assert got.json["chain"][0]["task"] == task
    assert (got.json["route"] or {}).get("task") == task
