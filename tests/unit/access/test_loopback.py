"""Who may call a gateway that is open on loopback: programs of this machine, no pages, no forged hosts."""

import pytest

from tests.support.models import HAIKU
from tests.support.world import Answer, World, chat, finish

pytestmark = pytest.mark.anyio
PAGE = "http://localhost:5173"
LOCAL = ["localhost", "localhost:8787", "LOCALHOST:8787", "127.0.0.1:8787", "[::1]:8787", "[::1]"]
FORGED = [
    "evil.example",
    "evil.example:8787",
    "localhost.evil.example:8787",
    "localhost.:8787",
    "127.0.0.1.evil.example",
    "evil.example, localhost:8787",
    "localhost:8787, evil.example",
    "localhost:8787@evil.example",
    "localhost:8787 evil.example",
    "evil.example:localhost",
    "0.0.0.0:8787",
    "127.0.0.2",
    "192.168.0.7:8787",
    "[::ffff:127.0.0.1]:8787",
    "[fe80::1]",
    "\u24dbocalhost",
    "localhost:\uff18\uff17\uff18\uff17",
]
HOST_HEADERS = ["host", "x-forwarded-host", "x-forwarded-server", "x-original-host"]
METHODS = [
    ("GET", "/v1/usage"),
    ("HEAD", "/v1/key"),
    ("GET", f"/v1/models/{HAIKU}/endpoints"),
    ("GET", "/health?deep=1"),
    ("POST", "/v1/plan"),
    ("POST", "/v1/chat/completions"),
]


def opened(**env: str) -> World:
    return World({"GATEWAY_KEYS": "", "OPEN_ON_LOOPBACK": "true", **env})


async def call(
    made: World,
    headers: dict[str, str],
    *,
    method: str = "GET",
    path: str = "/v1/usage",
    host: str = "localhost",
) -> Answer:
    return await finish(await made.begin(chat("a/one"), method=method, path=path, headers=headers, host=host))


@pytest.mark.parametrize("host", LOCAL)
@pytest.mark.parametrize("name", HOST_HEADERS)
async def test_a_loopback_host_is_let_in(name: str, host: str) -> None:
    assert (await call(opened(), {name: host})).status == 200


@pytest.mark.parametrize("host", FORGED)
@pytest.mark.parametrize("name", HOST_HEADERS)
async def test_a_forged_host_is_refused(name: str, host: str) -> None:
    got = await call(opened(), {"host": "localhost:8787"} | {name: host})

    assert (got.status, got.error["code"]) == (401, "gateway_closed")


@pytest.mark.parametrize(("method", "path"), METHODS)
async def test_a_forged_host_is_refused_for_every_method_and_reaches_nobody(method: str, path: str) -> None:
    made = opened()

    got = await call(made, {"host": "evil.example:8787"}, method=method, path=path)

    assert got.status == 401
    assert (made.upstream.got, made.upstream.received) == ([], [])


@pytest.mark.parametrize(
    ("forwarded", "is_let_in"),
    [
        ("for=127.0.0.1;host=localhost:8787", True),
        ('for="[::1]";host="[::1]:8787"', True),
        ("for=127.0.0.1", True),
        ("host=evil.example", False),
        ("for=127.0.0.1;HOST=evil.example;proto=http", False),
        ("host=localhost, host=evil.example", False),
        ('host="evil.example:8787"', False),
        ('host="localhost\\"evil.example"', False),
        ('host="local\\host"', False),
        ('host="evil.example', False),
        ("host = evil.example", False),
    ],
)
async def test_a_forwarded_header_must_name_loopback(forwarded: str, is_let_in: bool) -> None:
    assert (await call(opened(), {"forwarded": forwarded})).status == (200 if is_let_in else 401)


@pytest.mark.parametrize(
    ("url", "is_let_in"),
    [
        ("http://localhost:8787/v1/usage", True),
        ("http://evil.example:8787/v1/usage", False),
        ("http://localhost@evil.example/", False),
        ("http://[", False),
        ("", False),
        ("/v1/usage", False),
    ],
)
async def test_a_url_in_place_of_the_requests_must_lead_to_loopback(url: str, is_let_in: bool) -> None:
    assert (await call(opened(), {"mf-original-url": url})).status == (200 if is_let_in else 401)


@pytest.mark.parametrize("host", ["gateway.example", "localhost.", "", "192.168.0.7"])
async def test_the_urls_host_must_be_loopback_whatever_the_headers_say(host: str) -> None:
    assert (
        await call(opened(), {"host": "localhost", "x-forwarded-host": "localhost"}, host=host)
    ).status == 401


FOREIGN = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    {"sec-fetch-site": "something new"},
    {"sec-fetch-site": ""},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://localhost:3000", "sec-fetch-site": "same-site"},
    {"origin": f"{PAGE}, https://evil.example"},
    {"origin": "https://evil.example", "sec-fetch-site": "same-origin"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize(("method", "path"), METHODS)
async def test_a_page_of_somebody_elses_is_refused_for_every_method(
    method: str, path: str, headers: dict[str, str]
) -> None:
    made = opened(CORS_ORIGINS=PAGE)

    got = await call(made, headers, method=method, path=path)

    assert (got.status, got.error["code"]) == (403, "origin_not_allowed")
    assert (made.upstream.got, made.upstream.received) == ([], [])


@pytest.mark.parametrize("site", ["same-origin", "same-site", "cross-site"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/usage"), ("POST", "/v1/chat/completions")])
async def test_a_page_of_cors_origins_is_let_in(method: str, path: str, site: str) -> None:
    headers = {"origin": PAGE, "sec-fetch-site": site, "host": "localhost:8787"}

    got = await call(opened(CORS_ORIGINS=PAGE), headers, method=method, path=path)

    assert (got.status, got.headers["access-control-allow-origin"]) == (200, PAGE)


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_every_page_is_let_in_if_the_settings_say_so(headers: dict[str, str]) -> None:
    assert (await call(opened(CORS_ORIGINS="*"), headers)).status == 200


@pytest.mark.parametrize("site", ["none", "same-origin"])
async def test_an_address_that_somebody_types_is_let_in(site: str) -> None:
    assert (await call(opened(), {"sec-fetch-site": site, "sec-fetch-mode": "navigate"})).status == 200


async def test_a_gateway_with_keys_does_not_look_at_hosts() -> None:
    token = "0123456789abcdef"
    headers = {"x-api-key": token, "x-forwarded-host": "gateway.example", "sec-fetch-site": "cross-site"}

    got = await call(World({"GATEWAY_KEYS": f"one:{token}"}), headers, host="gateway.example")

    assert got.status == 200
