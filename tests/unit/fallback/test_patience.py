"""Tests who is waited for, and how long: nobody is held by a silent model, and no slow healthy one is cut."""

import json

import pytest

from gateway.access import own_keys
from gateway.catalog import refresh
from gateway.faults.fault import jitter_s
from gateway.http.json_values import Json
from gateway.memory.cooldown import LOOK_AGAIN_S
from gateway.pipeline import budget_hold, prepare, read_request, read_spending
from gateway.settings.patience import NORMAL as NORMAL_PATIENCE
from gateway.settings.patience import PATIENCE
from gateway.settings.table import SETTINGS
from scripts.tools import ROOT
from tests.support.chunks import COMMENT, DONE, ROLE, STOP, USAGE, text, text_in
from tests.support.planning import catalog_of, listed
from tests.support.upstream import Act, Step, after, answer, fail, hang, healthy_stream, reply, stream
from tests.support.world import EPOCH_S, Answer, World, now_s, one_key

pytestmark = pytest.mark.anyio
BOTH = ("a/one", "b/two")
MANY = ("a/one", "b/two", "c/three", "d/four", "e/five", "f/six")
HOW = ["comments", "empty deltas", "silence"]
NORMAL = {"limit": "first_token", "limit_ms": 15_000, "because": "no measurements yet"}
REST = {"limit": "deadline", "limit_ms": 240_000, "because": "all the time that was left"}
PLAIN = {"limit": "attempt", "limit_ms": 90_000, "because": "patience: normal"}


def limit_in(got: Answer, index: int = 0) -> dict[str, object]:
    attempt = got.receipt["attempts"][index]
    return {name: attempt[name] for name in ("limit", "limit_ms", "because") if name in attempt}


def late(first: bytes, seconds: float) -> Act:
    """Return an act: a stream that sends comments or empty deltas each second, and then a healthy answer."""
    steps: tuple[Step, ...] = tuple(step for _ in range(int(seconds)) for step in (first, 1.0))
    return stream(*steps, text("Hello."), STOP, USAGE, DONE)


def reasoning_world(**options: Json) -> World:
    world = World()
    world.memory.catalog.catalog = catalog_of(listed("a/one", reasoning=options), listed("b/two"))
    return world


def measured(world: World, ms: float, *, count: int = 20) -> World:
    for _ in range(count):
        world.memory.latencies.note("a/one", ms, stream=True, answered=True, now_s=EPOCH_S)
    return world


async def test_a_silent_model_holds_a_stream_for_fifteen_seconds() -> None:
    world = World().script("a/one", hang)

    got = await world.ask(*BOTH, stream=True)

    assert got.receipt["served"] == "b/two"
    assert now_s() == pytest.approx(15.0)
    assert limit_in(got) == NORMAL
    assert limit_in(got, 1) == {}


@pytest.mark.parametrize(
    ("patience", "streamed", "seconds"),
    [
        ("short", True, 8.0),
        ("normal", True, 15.0),
        ("long", True, 60.0),
        ("short", False, 8.0),  # it is watched
        ("normal", False, 90.0),
        ("long", False, 270.0),
    ],
)
@pytest.mark.parametrize("level_of", ["setting", "request", "key", "task"])
async def test_the_level_of_patience_decides(
    patience: str, streamed: bool, seconds: float, level_of: str
) -> None:
    route = {"models": [*BOTH], "options": {"patience": patience} if level_of == "task" else {}}
    env = {"TASK_ROUTES": json.dumps({"task/mine": route})}
    if level_of == "setting":
        env["PATIENCE"] = patience
    if level_of == "key":
        env["GATEWAY_KEYS"] = one_key(options={"patience": patience})
    world = World(env).script("a/one", hang)
    options = {"gateway": {"patience": patience}} if level_of == "request" else {}

    got = await world.ask("task/mine", stream=streamed, **options)

    assert got.receipt["served"] == "b/two"
    assert now_s() == pytest.approx(seconds)


async def test_short_patience_does_not_watch_a_plain_answer_that_forbids_it() -> None:
    world = World({"PATIENCE": "short"}).script("a/one", hang)

    got = await world.ask("a/one", "b/two", gateway={"watch": False})

    assert got.receipt["served"] == "b/two"
    assert now_s() == pytest.approx(45.0)


@pytest.mark.parametrize(("patience", "seconds"), [("short", 120.0), ("normal", 240.0), ("long", 540.0)])
@pytest.mark.parametrize("streamed", [False, True])
async def test_the_last_model_gets_all_the_time_that_is_left(
    patience: str, seconds: float, streamed: bool
) -> None:
    world = World({"PATIENCE": patience}).script("a/one", hang)

    got = await world.ask("a/one", stream=streamed)

    assert (got.status, got.error["code"]) == (504, "attempt_timeout")
    assert limit_in(got) == {**REST, "limit_ms": seconds * 1000}
    assert now_s() == pytest.approx(seconds)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_chain_of_silent_models_ends_at_its_deadline_and_asks_all(streamed: bool) -> None:
    world = World()
    for model in MANY:
        world.script(model, hang)

    got = await world.ask(*MANY, stream=streamed)

    assert [each["model"] for each in got.receipt["attempts"]] == [*MANY]
    assert now_s() == pytest.approx(240.0)


async def test_a_plain_attempt_takes_at_most_half_of_what_is_left() -> None:
    world = World().script("a/one", hang).script("b/two", hang).script("c/three", hang)

    got = await world.ask(*MANY[:4])

    assert [each.at_s for each in world.upstream.received] == pytest.approx([0.0, 90.0, 165.0, 202.5])
    assert limit_in(got) == PLAIN
    assert limit_in(got, 1) == {
        "limit": "attempt",
        "limit_ms": 75_000,
        "because": "half of the time that was left",
    }


@pytest.mark.parametrize("act", [late(COMMENT, 50), late(ROLE, 50), after(50.0, healthy_stream())], ids=HOW)
@pytest.mark.parametrize(
    "reasoning",
    [{"mandatory": True}, {"mandatory": False, "default_enabled": True}],
    ids=["always", "by default"],
)
async def test_a_model_that_reasons_for_fifty_seconds_is_not_cut(
    act: Act, reasoning: dict[str, Json]
) -> None:
    got = await reasoning_world(**reasoning).script("a/one", act).ask(*BOTH, stream=True)

    assert (got.receipt["served"], text_in(got.events)) == ("a/one", "Hello.")


async def test_a_model_whose_reasoning_is_switched_off_is_not_waited_for_as_if_it_reasoned() -> None:
    world = reasoning_world(mandatory=False, default_enabled=True).script("a/one", hang)

    await world.ask(*BOTH, stream=True, reasoning={"enabled": False})

    assert now_s() == pytest.approx(15.0)


@pytest.mark.parametrize("act", [late(COMMENT, 12), late(ROLE, 12), after(12.0, healthy_stream())], ids=HOW)
async def test_a_first_token_after_twelve_seconds_is_waited_for(act: Act) -> None:
    got = await World().script("a/one", act).ask(*BOTH, stream=True)

    assert got.receipt["served"] == "a/one"


@pytest.mark.parametrize(
    "fields",
    [
        {"gateway": {"patience": "long"}},
        {"modalities": ["image", "text"]},
        {"reasoning": {"effort": "high"}},
        {"web_search_options": {}},
        {"messages": [{"role": "user", "content": "x" * 220_000}]},
    ],
    ids=["long", "image", "reasoning", "search", "prompt"],
)
async def test_a_first_token_after_forty_seconds_is_waited_for_where_that_is_usual(
    fields: dict[str, object],
) -> None:
    got = await World().script("a/one", after(40.0, healthy_stream())).ask(*BOTH, stream=True, **fields)

    assert got.receipt["served"] == "a/one"


async def test_the_last_model_may_take_three_minutes_for_its_first_token() -> None:
    world = World().script("a/one", fail(404)).script("b/two", after(180.0, healthy_stream()))

    assert (await world.ask(*BOTH, stream=True)).receipt["served"] == "b/two"


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_slow_model_is_not_cut_for_one_that_is_cooling_down(streamed: bool) -> None:
    world = World().script("b/two", fail(429, retry_after="600"))
    await world.ask("b/two")
    world.script("a/one", after(180.0, healthy_stream() if streamed else answer()))

    assert (await world.ask(*BOTH, stream=streamed)).receipt["served"] == "a/one"


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_slow_model_is_not_cut_for_one_that_the_request_could_not_pay(streamed: bool) -> None:
    world = World()
    world.memory.catalog.catalog = catalog_of(
        *(listed(model, supported_parameters=["max_tokens"]) for model in BOTH)
    )
    world.script("a/one", after(180.0, healthy_stream() if streamed else answer()))

    got = await world.ask(*BOTH, stream=streamed, max_tokens=1_000, gateway={"max_cost_usd": 0.0035})

    assert got.receipt["served"] == "a/one"


@pytest.mark.parametrize(
    ("env", "options"),
    [({"MAX_ATTEMPTS": "1"}, {}), ({}, {"stop_on": ["first_token_timeout"]}), ({}, {"fallbacks": False})],
    ids=["attempts", "stop_on", "fallbacks"],
)
async def test_a_slow_model_is_not_cut_if_no_other_would_be_asked(
    env: dict[str, str], options: dict[str, object]
) -> None:
    world = World(env).script("a/one", after(180.0, healthy_stream()))

    assert (await world.ask(*BOTH, stream=True, gateway=options)).receipt["served"] == "a/one"


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_slow_model_is_not_cut_for_one_that_the_hedge_has_asked(streamed: bool) -> None:
    world = World().script("b/two", hang)
    world.script("a/one", after(180.0, healthy_stream() if streamed else answer()))

    got = await world.ask(*BOTH, stream=streamed, gateway={"hedge_ms": 1_000})

    assert got.receipt["served"] == "a/one"
    assert now_s() == pytest.approx(180.0)


async def test_a_hedge_goes_on_with_the_third_model() -> None:
    world = World().script("a/one", hang).script("b/two", hang)

    got = await world.ask(*MANY[:3], stream=True, gateway={"hedge_ms": 1_000})

    assert (got.receipt["served"], round(now_s())) == ("c/three", 15)


async def test_a_model_is_waited_for_four_times_as_long_as_it_usually_takes() -> None:
    world = measured(World(), 2_000.0).script("a/one", hang)

    got = await world.ask(*BOTH, stream=True)

    assert limit_in(got) == {
        "limit": "first_token",
        "limit_ms": 8_000,
        "because": "4 times the p95 measured here",
    }


async def test_twenty_measurements_are_needed() -> None:
    world = measured(World(), 2_000.0, count=19).script("a/one", hang)

    assert limit_in(await world.ask(*BOTH, stream=True)) == NORMAL


async def test_openrouters_latencies_count_without_measurements_here() -> None:
    endpoints = {"data": {"endpoints": [{"latency_last_30m": {"p50": 900, "p90": 2_500}}]}}
    world = World().script("a/one", hang)
    world.upstream.pages["/models/a/one/endpoints"] = (answer_json(endpoints),)
    world.memory.catalog.catalog = catalog_of(listed("a/one", supported_parameters=["max_tokens"]))
    await world.get("/v1/models/a/one/endpoints")

    got = await world.ask(*BOTH, stream=True)

    assert limit_in(got)["limit_ms"] == 10_000
    assert limit_in(got)["because"] == "4 times the p90 of its slowest endpoint at OpenRouter"


def answer_json(payload: object) -> Act:
    return reply(200, json.dumps(payload).encode())


async def test_a_model_that_hangs_again_and_again_is_never_waited_for_longer() -> None:
    world = measured(World(), 1_000.0).script("a/one", hang)

    limits_ms = [limit_in(await world.ask(*BOTH, stream=True))["limit_ms"] for _ in range(30)]

    assert limits_ms[0] == 5_000
    assert set(limits_ms) == {5_000, 15_000}


async def test_a_model_that_has_become_slower_is_measured_anew() -> None:
    world = measured(World(), 500.0).script("a/one", after(10.0, healthy_stream()))

    served = [(await world.ask(*BOTH, stream=True)).receipt["served"] for _ in range(30)]

    assert served[0] == "b/two"
    assert served[-1] == "a/one"


async def test_a_limit_that_a_caller_has_set_changes_nothing_for_others() -> None:
    world = measured(World(), 2_000.0).script("a/one", hang)
    for _ in range(20):
        await world.ask(*BOTH, stream=True, gateway={"first_token_ms": 10})

    assert limit_in(await world.ask(*BOTH, stream=True))["limit_ms"] == 8_000


@pytest.mark.parametrize("by", ["request", "setting"])
@pytest.mark.parametrize(
    ("name", "streamed", "shown"),
    [
        ("first_token_ms", True, {"limit": "first_token", "because": "first_token_ms"}),
        ("attempt_ms", True, {"limit": "attempt", "because": "attempt_ms"}),
        ("attempt_ms", False, {"limit": "attempt", "because": "attempt_ms"}),
    ],
    ids=["first token", "attempt of a stream", "plain attempt"],
)
@pytest.mark.parametrize("ms", [2_000, 100_000])
async def test_a_time_in_milliseconds_goes_before_patience(
    by: str, name: str, streamed: bool, shown: dict[str, object], ms: int
) -> None:
    world = World({name.upper(): str(ms)} if by == "setting" else {}).script("a/one", hang)
    options = {"patience": "short", **({name: ms} if by == "request" else {})}

    got = await world.ask(*BOTH, stream=streamed, gateway={"deadline_ms": 240_000, **options})

    assert limit_in(got) == {**shown, "limit_ms": ms}
    assert now_s() == pytest.approx(ms / 1000)


async def test_the_models_share_a_deadline_that_was_set() -> None:
    world = World().script("a/one", hang).script("b/two", hang).script("c/three", hang)

    got = await world.ask(*MANY[:3], gateway={"deadline_ms": 30_000})

    assert [limit_in(got, index) for index in range(3)] == [
        {"limit": "attempt", "limit_ms": 10_000, "because": "its share of deadline_ms"},
        {"limit": "attempt", "limit_ms": 10_000, "because": "its share of deadline_ms"},
        {"limit": "deadline", "limit_ms": 10_000, "because": "what was left of deadline_ms"},
    ]


@pytest.mark.parametrize(
    ("options", "limit_ms", "because"),
    [
        ({}, 60_000, "patience: normal"),
        ({"patience": "long"}, 180_000, "patience: long"),
        ({"idle_ms": 900}, 900, "idle_ms"),
    ],
)
async def test_a_stream_that_stalls_shows_which_limit_ended_it(
    options: dict[str, object], limit_ms: int, because: str
) -> None:
    world = World().script("a/one", stream(text("Hel"), 1_000.0))

    got = await world.ask(*BOTH, stream=True, gateway=options)

    assert got.receipt["attempts"][0]["code"] == "idle_timeout"
    assert limit_in(got) == {"limit": "idle", "limit_ms": limit_ms, "because": because}


def test_the_table_in_the_documents_is_the_one_in_use() -> None:
    text = (ROOT / "docs/routing.md").read_text(encoding="utf-8")
    table = text.split("## Patience", 1)[1].split("|---|---|---|---|\n", 1)[1].split("\n\n", 1)[0]
    shown = [row.strip("| ").replace(" s", "").split(" | ")[1:] for row in table.splitlines()]

    fields = ("factor", "unmeasured_s", "slow_s", "plain_s", "deadline_s", "idle_s")
    assert shown == [[f"{getattr(each, name):.0f}" for each in PATIENCE.values()] for name in fields]


WAITS = {
    "the body of a request": read_request.BODY_TIMEOUT_S,
    "verdict on a caller's own key": own_keys.TIMEOUT_S,
    "the model list in KV": refresh.CACHE_TIMEOUT_S,
    "the model list of OpenRouter": prepare.PRICES_TIMEOUT_S,
    "a cached answer": 0.3,  # only the edge has this number: tests/unit cannot import it
    "D1 under a budget": read_spending.READ_TIMEOUT_S,
    "cooldowns and before retries, in all": int(SETTINGS["MAX_WAIT_MS"].default) / 1000,
    "one retry of the same model": jitter_s(1, draw=1.0),
    "a request that probes a model": LOOK_AGAIN_S,
    "first progress, another model is ready": NORMAL_PATIENCE.unmeasured_s,
    "a plain answer, another model is ready": NORMAL_PATIENCE.plain_s,
    "the complete chain": NORMAL_PATIENCE.deadline_s,
    "progress of a stream": NORMAL_PATIENCE.idle_s,
}


@pytest.mark.parametrize("wait", WAITS)
def test_the_table_of_all_waits_has_the_numbers_in_use(wait: str) -> None:
    text = (ROOT / "docs/routing.md").read_text(encoding="utf-8")
    table = text.split("### All waits", 1)[1].split("\n## ", 1)[0]
    [row] = [line for line in table.splitlines() if wait in line.split(" | ")[0]]

    assert f" {WAITS[wait]:g} s" in f" {row.split(' | ')[1]}"


def test_the_other_waits_of_the_table_are_those_in_use() -> None:
    assert [jitter_s(tries, draw=1.0) for tries in (1, 2, 3, 4, 5)] == [0.25, 0.5, 1.0, 2.0, 2.0]
    assert budget_hold.RESERVE_TIMEOUT_S == read_spending.READ_TIMEOUT_S
    source = (ROOT / "src/gateway/edge/answer_cache.py").read_text(encoding="utf-8")
    assert f"GET_TIMEOUT_S = {WAITS['a cached answer']}\n" in source


async def test_an_attempt_that_no_limit_ended_shows_none() -> None:
    got = await World().script("a/one", fail(504)).ask(*BOTH, stream=True)

    assert [limit_in(got, 0), limit_in(got, 1)] == [{}, {}]
