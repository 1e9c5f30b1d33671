import pytest

from gateway.http.cors import CALLERS_HEADERS
from gateway.http.session_headers import AGENT_HEADERS, SESSION_HEADERS
from tests.support.world import Answer, World

pytestmark = pytest.mark.anyio
PATH = "/v1/chat/completions"
PAGE = "https://page.example"


async def preflight(origins: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await World({"CORS_ORIGINS": origins}).get(PATH, method="OPTIONS", headers=named)


async def test_an_allowed_page_may_call() -> None:
    got = await preflight(f"{PAGE} https://other.example", origin=PAGE)

    assert (got.status, got.body) == (204, b"")
    assert got.headers["access-control-allow-origin"] == PAGE
    assert got.headers["access-control-allow-methods"] == "POST, OPTIONS"
    assert got.headers["vary"] == "origin"


@pytest.mark.parametrize("origins", ["", "https://other.example", "https://page.example.evil.example"])
async def test_another_page_gets_no_cors_headers(origins: str) -> None:
    got = await preflight(origins, origin=PAGE)

    assert not [name for name in got.headers if name.startswith("access-control")]
    assert got.headers["vary"] == "origin"


async def test_a_star_allows_every_page_without_credentials() -> None:
    got = await preflight("*", origin=PAGE)

    assert got.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in got.headers


@pytest.mark.parametrize(
    ("requested", "allowed"),
    [
        ("authorization, x-stainless-lang", "authorization, x-stainless-lang"),
        ("session_id, x-claude-code-session-id", "session_id, x-claude-code-session-id"),
        ("session-id, session_id", "session-id, session_id"),
        (
            "authorization,http-referer,x-openrouter-title,x-title",
            "authorization,http-referer,x-openrouter-title,x-title",
        ),
        ("", CALLERS_HEADERS),
        ("bad header\r\nset-cookie: x", CALLERS_HEADERS),
        (", ".join(["x"] * 100), CALLERS_HEADERS),
    ],
)
async def test_the_headers_that_a_page_requests_are_allowed(requested: str, allowed: str) -> None:
    got = await preflight(PAGE, origin=PAGE, access_control_request_headers=requested)

    assert got.headers["access-control-allow-headers"] == allowed


def test_a_page_may_name_its_app() -> None:
    assert {"http-referer", "x-openrouter-title", "x-title"} <= {*CALLERS_HEADERS.split(", ")}


def test_every_header_that_names_a_session_is_allowed() -> None:
    assert {*SESSION_HEADERS, *AGENT_HEADERS.values()} < {*CALLERS_HEADERS.split(", ")}


async def test_an_allowed_page_can_read_errors_too() -> None:
    world = World({"CORS_ORIGINS": PAGE})

    got = await world.get("/nowhere", headers={"origin": PAGE})

    assert got.status == 404
    assert got.headers["access-control-allow-origin"] == PAGE
    assert "x-gateway-receipt" in got.headers["access-control-expose-headers"]
