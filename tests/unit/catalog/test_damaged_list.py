"""A list in KV that is not quite one: no request fails, it counts as no list, and it is replaced."""

import asyncio
import json
from typing import Any
from zlib import crc32

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.app import run_cron
from gateway.catalog.refresh import LOOK_S, RETRY_S
from gateway.catalog.stored_catalog import KEY, VERSION, from_stored
from gateway.http.json_values import Json
from gateway.settings.settings import Settings
from tests.support.catalog_world import NEW, TTL_S, ids_in, ids_of, world_of
from tests.support.planning import listed
from tests.support.upstream import Act, fail
from tests.support.world import ENV, EPOCH_S, World, run

pytestmark = pytest.mark.anyio
BAD = b'a/one\t\t{"id":"a/one"'
LINES = {
    "no tabs": b"a/one",
    "a list": b"a/one\t\t[]",
    "latin-1": b'a/one\t\xe9\t{"id":"a/one"}',
    "no JSON": BAD + b",}",
    "another model": b'a/one\t\t{"id":"b/two"}',
    "not a number": BAD + b',"created":NaN}',
}


def stored(*lines: bytes) -> bytes:
    """Return a value with the right version, count and checksum, fetched just now."""
    body = b"\n".join(lines)
    header = {"version": VERSION, "at_s": EPOCH_S, "count": len(lines), "crc32": crc32(body)}
    return json.dumps(header).encode() + b"\n" + body


def damaged(line: bytes, *acts: Act) -> World:
    """Return an isolate before a KV whose list has one good line and this one."""
    world = world_of(*(acts or (NEW,)))
    world.cache.values[KEY] = stored(b'b/two\t\t{"id":"b/two"}', line)
    return world


async def cron(world: World) -> None:
    await run_cron(Settings.from_env({**ENV, **world.env}.get), world.ports, world.memory)


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
async def test_no_request_fails_and_the_list_is_fetched_anew(line: bytes) -> None:
    world = damaged(line)

    assert (await world.ask("a/one", "b/two")).status == 200
    assert (await world.ask("b/two", gateway={"max_cost_usd": 1})).status == 200
    await world.let_run()

    assert from_stored(world.cache.values[KEY]) is not None
    assert await ids_of(world) == ["a/new"]
    assert world.upstream.got == ["/models"]
    assert world.events("stored_catalog_ignored")
    assert not world.events("internal_error")


@pytest.mark.parametrize("query", ["", "?sort=price", "?q=zzz"])
@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
async def test_the_list_route_fetches_the_list_before_it_answers(line: bytes, query: str) -> None:
    world = damaged(line)

    got = await world.get(f"/v1/models{query}")

    assert ids_in(got) == ([] if query == "?q=zzz" else ["a/new"])
    assert world.upstream.got == ["/models"]


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
async def test_while_openrouter_is_down_there_is_no_list_and_chats_go_on(line: bytes) -> None:
    world = damaged(line, fail(500))

    assert (await world.get("/v1/models")).status == 503
    assert (await world.get("/v1/models/b/two")).status == 503
    assert (await world.ask("a/one", gateway={"max_cost_usd": 1})).status == 200
    assert (await world.ask("a/one")).status == 200
    plan = await world.begin(
        {"model": "a/one", "messages": [{"role": "user", "content": "Hi"}]}, path="/v1/plan"
    )
    assert plan.status == 200


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
async def test_the_cron_trigger_replaces_the_list(line: bytes) -> None:
    world = damaged(line)

    await cron(world)

    assert world.upstream.got == ["/models"]
    assert await ids_of(world_of(fail(500), cache=world.cache)) == ["a/new"]


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
async def test_the_isolates_own_damaged_copy_does_not_count_as_fresh(line: bytes) -> None:
    world = damaged(line)
    await world.ask("b/two")  # nothing shows yet that another line is not usable
    world.background.clear()
    await asyncio.sleep(TTL_S / 10)

    await cron(world)

    assert await ids_of(world) == ["a/new"]


async def test_a_damaged_copy_that_a_chat_finds_is_replaced_beside_that_chat() -> None:
    world = damaged(LINES["no JSON"])

    await world.ask("a/one")
    await world.let_run()

    assert world.memory.catalog.catalog is not None
    assert [each["id"] for each in world.memory.catalog.catalog.models()] == ["a/new"]


async def test_a_stored_list_that_was_found_damaged_is_not_used_again() -> None:
    world = damaged(LINES["no JSON"], fail(500), fail(500), NEW)
    await world.ask("a/one")
    await world.let_run()

    for _ in range(3):
        await asyncio.sleep(LOOK_S / 2)
        await world.ask("b/two")
        assert world.memory.catalog.catalog is None
    await asyncio.sleep(RETRY_S)
    await world.ask("b/two")
    await world.let_run()

    assert await ids_of(world) == ["a/new"]


MODELS = st.dictionaries(
    st.sampled_from(sorted({*listed("a/one"), "usd_per_million_tokens"} - {"id"})),
    st.recursive(
        st.none()
        | st.booleans()
        | st.sampled_from([0, -1, 1e308, -1e308, 10**400, "1e308", "-1", "nan", "\ud800", ""]),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "prompt",
                        "completion",
                        "request",
                        "overrides",
                        "max_completion_tokens",
                        "input_modalities",
                    ]
                ),
                inner,
                max_size=3,
            )
        ),
        max_leaves=6,
    ),
    max_size=5,
)


@example(fields={"usd_per_million_tokens": {"prompt": 1e308, "completion": 1e308}}, max_tokens=999_999_999)
@example(fields={"usd_per_million_tokens": {"prompt": -1e308, "completion": 1e308}}, max_tokens=999_999_999)
@example(fields={"pricing": {"request": "1e308"}}, max_tokens=1)
@example(fields={"top_provider": {"max_completion_tokens": 1e308}}, max_tokens=None)
@example(fields={"top_provider": {}, "context_length": 10**400}, max_tokens=None)
@given(fields=MODELS, max_tokens=st.sampled_from([None, 1, 999_999_999]))
def test_whatever_a_model_holds_no_request_fails_and_all_answers_are_json(
    fields: dict[str, Json], max_tokens: int | None
) -> None:
    async def ask() -> None:
        line = b"a/one\t\t" + json.dumps({**listed("a/one"), **fields}).encode()
        world = world_of(NEW)
        world.env = {**world.env, "BUDGET_DAY_USD": "1"}
        world.cache.values[KEY] = stored(line)
        extra: dict[str, Any] = {
            "tools": [{"type": "function", "function": {"name": "f"}}],
            "max_tokens": max_tokens,
        }
        answers = [await world.ask("a/one", gateway={"max_cost_usd": 1}, **extra)]
        answers += [
            await world.get(f"/v1/models{query}") for query in ("", "?sort=price", "?max_price=2", "/a/one")
        ]
        assert {each.status for each in answers} <= {200, 400, 402}
        for each in answers:
            json.loads(each.body, parse_constant=refuse)

    run(ask())


def refuse(name: str) -> None:
    raise AssertionError(name)
