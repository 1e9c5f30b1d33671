"""The model list as Claude Code and Anthropic's SDKs read it."""

import json

import pytest

from gateway.catalog.claude_list import as_claudes
from gateway.http.json_values import Json
from gateway.settings.task_routes import DEFAULT_ROUTES
from tests.support.models import listing, model
from tests.support.planning import listed
from tests.support.world import TOKEN, Answer, World, chat, finish, one_key

pytestmark = pytest.mark.anyio
LIST = "/v1/models"
CLAUDE = {"authorization": f"Bearer {TOKEN}", "anthropic-version": "2023-06-01"}
TASKS = [f"claude-{route.name.replace('/', '-')}" for route in DEFAULT_ROUTES]
IDS = ["anthropic/claude-opus-5", "~anthropic/claude-sonnet-latest", "anthropic/other", "x/grok-claude-like"]


def world(**env: str) -> World:
    made = World(env)
    others = (model("a/one"), model("openai/gpt-5.4-mini"), model("a/Claude"))
    made.upstream.pages["/models"] = (listing(*map(model, IDS), *others),)
    return made


async def claudes(made: World, query: str = "limit=1000") -> Answer:
    return await made.get(f"{LIST}?{query}", headers=CLAUDE)


def ids_in(got: Answer) -> list[str]:
    assert got.status == 200, got.body
    return [each["id"] for each in got.json["data"]]


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.parametrize("query", ["?limit=1000", "?limit=1000&beta=true", ""])
async def test_claude_code_gets_the_tasks_and_the_models_that_it_shows(prefix: str, query: str) -> None:
    assert ids_in(await world().get(f"{prefix}{LIST}{query}", headers=CLAUDE)) == [*TASKS, *IDS]


async def test_everybody_else_gets_all_models_and_no_task_under_a_name_for_claude_code() -> None:
    for query in ("", "?limit=1000", "?limit=1000&sort=newest"):
        ids = ids_in(await world().get(LIST + query))
        assert {"a/one", "task/code"} <= {*ids}
        assert not {*TASKS} & {*ids}


async def test_an_entry_has_the_fields_of_all_readers() -> None:
    made = World()
    made.upstream.pages["/models"] = (
        listing(listed("anthropic/claude-opus-5", name="Claude Opus 5", created=1_790_000_000)),
    )

    got = (await claudes(made)).json
    entry = got["data"][-1]

    assert {name: entry[name] for name in ("type", "id", "display_name", "description", "created_at")} == {
        "type": "model",
        "id": "anthropic/claude-opus-5",
        "display_name": "Claude Opus 5",
        "description": "1,000,000 tokens of context. "
        "USD 1 for a million tokens of the prompt, 2 for those of the answer.",
        "created_at": "2026-09-21T14:13:20Z",
    }
    assert (entry["object"], entry["owned_by"], entry["created"]) == ("model", "anthropic", 1_790_000_000)
    assert entry["usd_per_million_tokens"] == {"prompt": 1.0, "completion": 2.0}
    assert got["object"] == "list"
    assert (got["has_more"], got["first_id"], got["last_id"]) == (False, TASKS[0], "anthropic/claude-opus-5")
    assert (got["links"], got["total_count"]) == ({"next": None}, len(TASKS) + 1)


async def test_a_task_has_a_name_and_a_description() -> None:
    routes = {
        "task/mine": {"models": ["a/one", "b/two"]},
        "task/said": {"models": ["a/one"], "reason": "Why."},
    }

    entries = {
        each["id"]: each for each in (await claudes(world(TASK_ROUTES=json.dumps(routes)))).json["data"]
    }

    assert entries["claude-task-mine"]["display_name"] == "Task: mine"
    assert entries["claude-task-mine"]["description"] == "a/one, then b/two."
    assert entries["claude-task-said"]["description"] == "Why."
    assert entries["claude-task-said"]["created_at"] == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize("created", [None, -1, 1e30, "soon", True, float("1e18"), {}])
def test_a_time_that_is_unknown_or_absurd_is_the_epoch(created: Json) -> None:
    assert as_claudes({"id": "anthropic/x", "created": created})["created_at"] == "1970-01-01T00:00:00Z"


def test_nothing_is_said_of_a_model_of_which_nothing_is_known() -> None:
    shown = as_claudes({"id": "anthropic/x"})

    assert (shown["display_name"], shown["description"]) == ("anthropic/x", "anthropic/x")


async def test_the_pages_are_those_of_anthropics_api() -> None:
    made, every = world(), [*TASKS, *IDS]

    first = (await claudes(made, "limit=3")).json
    assert ([each["id"] for each in first["data"]], first["has_more"]) == (every[:3], True)
    second = (await claudes(made, f"limit=3&after_id={first['last_id']}")).json
    assert ([each["id"] for each in second["data"]], second["has_more"]) == (every[3:6], True)
    last = (await claudes(made, f"limit=3&after_id={second['last_id']}")).json
    assert ([each["id"] for each in last["data"]], last["has_more"]) == (every[6:], False)
    before = (await claudes(made, f"limit=3&before_id={last['first_id']}")).json
    assert ([each["id"] for each in before["data"]], before["has_more"]) == (every[3:6], True)
    start = (await claudes(made, f"limit=3&before_id={every[1]}")).json
    assert ([each["id"] for each in start["data"]], start["has_more"]) == (every[:1], False)
    behind = (await claudes(made, f"after_id={every[-1]}")).json
    assert (behind["data"], behind["first_id"], behind["last_id"]) == ([], None, None)


async def test_a_page_has_20_models_without_a_limit() -> None:
    made = World()
    made.upstream.pages["/models"] = (listing(*(model(f"anthropic/claude-{n}") for n in range(30))),)

    got = await claudes(made, "")

    assert (len(ids_in(got)), got.json["has_more"]) == (20, True)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=-1", "limit"),
        ("limit=canary", "limit"),
        ("limit=" + "9" * 1_000, "limit"),
        ("limit=1&limit=2", "limit"),
        ("after_id=canary", "after_id"),
        ("before_id=canary", "before_id"),
        ("after_id=a/one", "after_id"),
        ("after_id=anthropic/other&before_id=anthropic/other", "before_id"),
    ],
)
async def test_a_wrong_page_is_refused_and_its_parameter_named(query: str, param: str) -> None:
    got = await claudes(world(), query)

    assert (got.status, got.error["param"]) == (400, param)
    assert b"canary" not in got.body


async def test_filters_and_the_order_apply_here_too() -> None:
    made = world()

    assert ids_in(await claudes(made, "q=claude&sort=newest")) == [each for each in IDS if "claude" in each]
    assert ids_in(await claudes(made, "q=claude&offset=1")) == ["~anthropic/claude-sonnet-latest", IDS[-1]]
    assert (await claudes(made, "sort=canary")).error["param"] == "sort"


async def test_a_key_sees_only_what_it_may_use() -> None:
    made = world(GATEWAY_KEYS=one_key(models=["task/code", "anthropic/*"]))

    assert ids_in(await claudes(made)) == ["claude-task-code", "anthropic/claude-opus-5", "anthropic/other"]


async def test_the_two_forms_have_different_etags_and_say_what_they_depend_on() -> None:
    made = world()
    one = await made.get(f"{LIST}?limit=10")
    response = await made.begin(b"", method="GET", path=f"{LIST}?limit=10", headers=CLAUDE)
    other = await finish(response)

    assert one.headers["etag"] != other.headers["etag"]
    assert ("vary", "anthropic-version") in response.headers
    again = await made.get(f"{LIST}?limit=10", headers={**CLAUDE, "if-none-match": other.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    "name", ["claude-task-code", "anthropic/claude-task-code", "claude-task-code%5B1m%5D"]
)
async def test_a_task_is_found_by_its_name_for_claude_code(name: str) -> None:
    got = await world().get(f"{LIST}/{name}")

    assert (got.status, got.json["id"], got.json["display_name"]) == (200, "claude-task-code", "Task: code")
    assert got.json["gateway"]["models"]


@pytest.mark.parametrize(
    "path",
    [
        "claude-task-nothing",
        "claude-task-Code",
        "claude-task-code/endpoints",
        "anthropic/claude-task-",
        "claude-9",
    ],
)
async def test_what_is_not_listed_is_not_found(path: str) -> None:
    assert (await world().get(f"{LIST}/{path}")).error["code"] == "not_found"


async def test_a_task_that_a_key_may_not_use_is_not_found() -> None:
    made = world(GATEWAY_KEYS=one_key(models=["anthropic/*"]))

    assert (await made.get(f"{LIST}/claude-task-code")).status == 404


@pytest.mark.parametrize(
    "name", ["claude-opus-5", "claude-opus-5[1m]", "claude-opus-5-20260901", "anthropic/claude-opus-5"]
)
async def test_a_model_is_found_by_its_short_name(name: str) -> None:
    made = world()
    plain = await made.get(f"{LIST}/{name}")
    read = await made.get(f"{LIST}/{name}", headers=CLAUDE)

    assert plain.json["id"] == read.json["id"] == "anthropic/claude-opus-5"
    assert "display_name" not in plain.json
    assert (read.json["type"], read.json["created_at"]) == ("model", "1970-01-01T00:00:00Z")


async def test_every_id_of_the_list_is_accepted_in_a_request() -> None:
    made = world()

    for name in ids_in(await claudes(made)):
        got = await finish(await made.begin(chat(name), path="/v1/plan"))
        assert got.status == 200, name


@pytest.mark.parametrize("path", ["/", "/api/hello"])
async def test_a_probe_is_answered_without_a_key_and_without_looking_anything_up(path: str) -> None:
    made = World({"GATEWAY_KEYS": "wrong", "PATIENCE": "wrong"})

    got = await made.get(path, method="HEAD", headers={})

    assert (got.status, got.body) == (204, b"")
    assert (made.upstream.got, made.cache.gets, made.log) == ([], 0, [])


@pytest.mark.parametrize(("path", "method"), [("/", "GET"), ("/api/hello", "POST"), ("/api/hello/x", "HEAD")])
async def test_nothing_else_is_served_at_the_path_of_a_probe(path: str, method: str) -> None:
    assert (await World().get(path, method=method)).status == 404
