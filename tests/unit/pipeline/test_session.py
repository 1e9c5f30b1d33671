"""Tests how a request names its session, how that chooses a model, and what OpenRouter is told of it."""

import json
from typing import Any

import pytest

from gateway.dialects.model_request import ModelRequest
from gateway.http.message import HttpRequest
from gateway.http.session_headers import SESSION_HEADERS
from gateway.pipeline.session import MAX_NAME_CHARACTERS, Session, session_of
from gateway.settings.caller import Caller
from tests.support.planning import parsed
from tests.support.upstream import DIRECT_BASE_URL, answer, fail
from tests.support.world import TOKEN, Answer, World, chat, finish

OTHER_TOKEN = "canary-of-another-token"
KEYS = f"one:{TOKEN}\ntwo:{OTHER_TOKEN}"
LONG = "word " * 9_000  # 45,000 bytes, which are 11,250 tokens


async def _no_body(_limit: int) -> bytes:
    return b""


def found(
    chat_request: ModelRequest | None = None, caller: Caller | None = None, **headers: str
) -> Session | None:
    named = {name.replace("__", "-"): value for name, value in headers.items()}
    request = HttpRequest(method="POST", host="h", path="/", header=named.get, read_body=_no_body)
    return session_of(request, chat_request or parsed(), caller or Caller(name="one"))


def name_of(session: Session | None) -> str | None:
    return session.name if session else None


async def ask(world: World, *, token: str = TOKEN, body: object = None, **headers: str) -> Answer:
    given = {"authorization": f"Bearer {token}"} | {n.replace("__", "-"): v for n, v in headers.items()}
    return await finish(await world.begin(body or chat("a/one", "b/two"), headers=given))


def sent(world: World) -> dict[str, Any]:
    return world.upstream.received[-1].body


SOURCES: list[tuple[dict[str, str], dict[str, str]]] = [
    ({"session_id": "in the body"}, {}),
    *[({}, {header.replace("-", "__"): f"in {header}"}) for header in SESSION_HEADERS],
    ({"prompt_cache_key": "in the cache key"}, {}),
]


@pytest.mark.parametrize("first", range(len(SOURCES)))
def test_the_first_name_in_the_stated_order_counts(first: int) -> None:
    body = {name: value for fields, _ in SOURCES[first:] for name, value in fields.items()}
    headers = {name: value for _, named in SOURCES[first:] for name, value in named.items()}
    (expected,) = [*SOURCES[first][0].values(), *SOURCES[first][1].values()]

    assert name_of(found(parsed(**body), None, **headers)) == expected


@pytest.mark.parametrize(
    "name",
    ["", "   ", "a\nb", "a\0", "a" * (MAX_NAME_CHARACTERS + 1), "\ud800", "\u202e"],
    ids=["empty", "blank", "two lines", "NUL", "too long", "a surrogate", "a direction"],
)
def test_a_name_that_is_none_is_ignored_and_the_next_one_counts(name: str) -> None:
    assert found(parsed(session_id=name)) is None
    assert name_of(found(parsed(session_id=name), x__session__id="s")) == "s"
    assert name_of(found(parsed(prompt_cache_key="k"), x__session__id=name)) == "k"


@pytest.mark.parametrize("name", ["s", "a" * MAX_NAME_CHARACTERS, "séance 1", "0198c0de-aaaa"])
def test_a_printable_name_counts(name: str) -> None:
    assert name_of(found(parsed(session_id=name))) == name


@pytest.mark.parametrize("value", [1, [], {}, None, True])
def test_a_cache_key_of_another_type_names_no_session(value: object) -> None:
    assert found(parsed(prompt_cache_key=value)) is None


def test_a_user_stands_for_a_session_but_does_not_name_one() -> None:
    session = found(parsed(user="s"))

    assert session is not None
    assert session.name is None
    assert session.digest != found(parsed(session_id="s")).digest  # type: ignore[union-attr]  # it names one


def test_callers_never_share_a_session() -> None:
    callers = [
        Caller(name="one"),
        Caller(name="two"),
        Caller(name="own-1", own_key="sk-or-v1-1"),
        Caller(name="own-1", own_key="sk-or-v1-2"),
    ]
    digests = {session.digest for each in callers if (session := found(parsed(session_id="s"), each))}

    assert len(digests) == len(callers)


@pytest.mark.anyio
@pytest.mark.parametrize("header", SESSION_HEADERS)
async def test_a_session_of_a_header_is_named_to_openrouter(header: str) -> None:
    world = World()

    await ask(world, **{header.replace("-", "__"): "s-1"})

    assert sent(world)["session_id"] == "s-1"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"session_id": "mine"}, "mine"),
        ({"session_id": "x" * 300}, "x" * 300),  # OpenRouter decides
        ({"session_id": None}, "s-1"),
        ({"prompt_cache_key": "k"}, "s-1"),
    ],
)
async def test_the_bodys_own_session_stays(fields: dict[str, object], expected: str) -> None:
    world = World()

    await ask(world, body=chat("a/one") | fields, x__session__id="s-1")

    assert sent(world)["session_id"] == expected


@pytest.mark.anyio
@pytest.mark.parametrize("fields", [{}, {"user": "u"}])
async def test_without_a_name_none_is_sent(fields: dict[str, object]) -> None:
    world = World()

    await ask(world, body=chat("a/one") | fields)

    assert "session_id" not in sent(world)


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_a_direct_upstream_is_told_no_session(stream: bool) -> None:
    direct = {"near": {"base_url": DIRECT_BASE_URL, "secret": "NEAR_KEY"}}
    world = World({"UPSTREAMS": json.dumps(direct), "NEAR_KEY": "canary-of-near"})

    got = await ask(world, body=chat("direct:near/m", stream=stream), x__session__id="s-1")

    assert got.status == 200
    assert "s-1" not in json.dumps(sent(world))


def long_chat(**fields: object) -> dict[str, object]:
    return chat("a/one", "b/two") | fields | {"messages": [{"role": "user", "content": LONG}]}


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [False, True])
async def test_a_long_session_stays_with_the_model_that_answered_it(stream: bool) -> None:
    world = World().script("a/one", fail(404))

    got = [await ask(world, body=long_chat(stream=stream), session__id="s-1") for _ in range(3)]

    assert world.upstream.models == ["a/one", "b/two", "b/two", "b/two"]
    assert [each.receipt.get("sticky") for each in got] == [None, True, True]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(long_chat(gateway={"order": "given"}), {"session__id": "s"}, id="an order is set"),
        pytest.param(chat("a/one", "b/two"), {"session__id": "s"}, id="a short prompt"),
        pytest.param(long_chat(), {}, id="no session"),
        pytest.param(long_chat(user="u"), {}, id="only a user"),
    ],
)
async def test_otherwise_the_chain_has_the_given_order(
    body: dict[str, object], headers: dict[str, str]
) -> None:
    world = World().script("a/one", fail(404), answer())

    got = [await ask(world, body=body, **headers) for _ in range(2)]

    assert world.upstream.models == ["a/one", "b/two", "a/one"]
    assert "sticky" not in got[1].receipt


@pytest.mark.anyio
@pytest.mark.parametrize("order", ["sticky", "auto"])
async def test_both_orders_prefer_the_sessions_model_for_a_short_prompt_too(order: str) -> None:
    world = World().script("a/one", fail(404))
    body = chat("a/one", "b/two", gateway={"order": order}, prompt_cache_key="k")

    got = [await ask(world, body=body) for _ in range(2)]

    assert world.upstream.models == ["a/one", "b/two", "b/two"]
    assert got[1].receipt["sticky"] is True


@pytest.mark.anyio
async def test_a_sessions_model_that_cools_down_is_not_preferred() -> None:
    world = World().script("a/one", fail(404), answer())
    world.script("b/two", answer(), fail(429, retry_after="60"))
    await ask(world, body=long_chat(), session__id="s-1")
    await ask(world, body=chat("b/two", gateway={"deadline_ms": 1_000}))

    got = await ask(world, body=long_chat(), session__id="s-1")

    assert got.receipt["served"] == "a/one"
    assert "sticky" not in got.receipt


@pytest.mark.anyio
async def test_the_sessions_of_two_callers_do_not_mix() -> None:
    world = World({"GATEWAY_KEYS": KEYS}).script("a/one", fail(404), answer())

    await ask(world, body=long_chat(), session__id="s-1")
    got = await ask(world, token=OTHER_TOKEN, body=long_chat(), session__id="s-1")

    assert got.receipt["served"] == "a/one"
    assert "sticky" not in got.receipt


@pytest.mark.anyio
async def test_a_plan_shows_the_order_and_the_preference() -> None:
    world = World().script("a/one", fail(404))
    headers = {"authorization": f"Bearer {TOKEN}", "session-id": "s-1"}

    before = (await finish(await world.begin(long_chat(), path="/v1/plan", headers=headers))).json
    await ask(world, body=long_chat(), session__id="s-1")
    after = (await finish(await world.begin(long_chat(), path="/v1/plan", headers=headers))).json

    assert (before["order"], before["sticky"], before["chain"][0]["model"]) == ("auto", False, "a/one")
    assert (after["order"], after["sticky"], after["chain"][0]["model"]) == ("auto", True, "b/two")
    assert after["decided_by"]["order"] == "session"


@pytest.mark.anyio
async def test_a_session_in_a_header_does_not_change_which_cached_answer_is_returned() -> None:
    world = World()
    body = chat("a/one", gateway={"cache_ttl_s": 60})

    await ask(world, body=body, session__id="s-1")
    await world.let_run()
    got = await ask(world, body=body, session__id="s-2")

    assert got.receipt["cache"]["hit"]
    assert len(world.upstream.received) == 1
