from urllib.parse import quote

import pytest

from tests.support.catalog_world import UPSTREAM_ENDPOINTS, world_with
from tests.support.models import HAIKU
from tests.support.upstream import RESET, Act, breaks, fail, hang, refuse, reply
from tests.support.world import Answer, World, now_s

pytestmark = pytest.mark.anyio
LIST = "/v1/models"
ENDPOINTS = f"{LIST}/{HAIKU}/endpoints"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "..",
            "../key",
            "../..",
            "a/..",
            "a/.",
            "./a",
            "a/../b",
            "../a",
            "../../key",
            "a/../../key",
            ".a/b",
        ),
        *("", "/", "//", "a", "a/", "/a", "a//b", "//a", "a/b/c", "a/b/", "a/b//", "a/b/endpoints/x"),
        *("a b/c", "a/b?c", "a/b#c", "a/b\\c", "a\\b/c", "a@b/c", "a/b\r\nx: y", "a/b\0", "é/b", "a/b%"),
        *("a/" + "b" * 1_000, "a" * 1_000 + "/b", "a/b" * 5_000, "http://elsewhere.example/a/b"),
    ],
    ids=lambda name: ascii(name[:32]),
)
@pytest.mark.parametrize("tail", ["", "/endpoints"])
async def test_an_odd_name_is_not_found_and_causes_no_upstream_request(name: str, tail: str) -> None:
    world = world_with()
    safe = "/\\?#@: é\r\n\0%"  # unchanged, half encoded, fully encoded, and encoded twice
    forms = {quote(name, safe=safe), quote(name), quote(name, safe=""), quote(quote(name, safe=""), safe="")}
    forms.add(name.replace(".", "%2e"))

    for form in forms:
        got = await world.get(f"{LIST}/{form}{tail}")
        assert (got.status, got.error["code"]) in {(404, "not_found"), (400, "unknown_option")}, form

    assert set(world.upstream.got) <= {"/models"}


async def endpoints_after(act: Act) -> tuple[Answer, World]:
    world = world_with(act)
    return await world.get(ENDPOINTS), world


@pytest.mark.parametrize(
    ("act", "status"),
    [
        pytest.param(refuse, 502, id="refused"),
        pytest.param(breaks(RESET), 502, id="reset"),
        pytest.param(reply(200, b'{"data": ', RESET), 502, id="cut off"),
        pytest.param(hang, 504, id="hangs"),
        pytest.param(reply(200, b"{", 1e9), 504, id="hangs in its body"),
        pytest.param(fail(500), 500, id="500"),
        pytest.param(fail(503), 503, id="503"),
        pytest.param(fail(429, retry_after="7"), 429, id="429"),
        pytest.param(reply(502, b"<html>"), 502, id="html with 502"),
        pytest.param(reply(200, b"<html>"), 500, id="html"),
        pytest.param(reply(200), 500, id="empty"),
        pytest.param(reply(200, b'{"data": null}'), 500, id="no data"),
        pytest.param(reply(200, b'{"data": {"x": 1e999}}'), 500, id="no number"),
        pytest.param(reply(200, b'{"error": {"message": "canary", "code": 502}}'), 500, id="an error in 200"),
    ],
)
async def test_a_failed_lookup_of_endpoints_is_openrouters_error_and_retryable(act: Act, status: int) -> None:
    got, world = await endpoints_after(act)

    assert (got.status, got.error["metadata"]["source"]) == (status, "openrouter")
    assert got.error["metadata"]["retryable"] is True
    assert got.error["metadata"]["retry_after_s"] == (7 if status == 429 else None)
    assert b"canary" not in got.body
    assert now_s() <= 10
    assert all(each.ended or each.aborted for each in world.transport.replies)


@pytest.mark.parametrize(
    ("act", "code"),
    [
        pytest.param(fail(401, "No cookie auth credentials found"), "upstream_key_rejected", id="401"),
        pytest.param(reply(302, location="https://elsewhere.example/"), "redirected", id="redirect"),
    ],
)
async def test_a_permanent_error_is_not_retryable(act: Act, code: str) -> None:
    got, world = await endpoints_after(act)

    assert (got.error["code"], got.error["metadata"]["retryable"]) == (code, False)
    assert world.upstream.got == [UPSTREAM_ENDPOINTS]
