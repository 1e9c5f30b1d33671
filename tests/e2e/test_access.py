"""Access control: keys, loopback, CORS, checked settings, and redirects that must not get the key."""

from collections.abc import Callable

import pytest

from tests.support.chat import CHAT, complete_log, error_in, post, question
from tests.support.journal import Journal
from tests.support.runtimes import KEY, Gateway

HAIKU = "anthropic/claude-haiku-4.5"
PAGE, FOREIGN_PAGE = "https://page.example", "https://evil.example"


def test_a_gateway_without_keys_is_closed_and_the_error_says_how_to_set_keys(
    start_gateway: Callable[..., Gateway], journal: Journal
) -> None:
    closed = start_gateway(GATEWAY_KEYS=None)
    for headers in ({}, {"authorization": f"Bearer {KEY}"}, {"authorization": "Bearer"}):
        answer = post(closed, question(journal, "sim/ok"), **headers)
        error = error_in(answer)
        assert (answer.status_code, error["code"]) == (401, "gateway_closed")
        assert error["metadata"]["source"] == "gateway"
        assert "wrangler secret put GATEWAY_KEYS" in error["message"]
    assert journal.models() == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing_key"),
        ({"authorization": "Bearer"}, "missing_key"),
        ({"authorization": f"Basic {KEY}"}, "missing_key"),
        ({"authorization": "Bearer wrong-token-0123456789"}, "invalid_key"),
        ({"authorization": f"Bearer {KEY} x"}, "invalid_key"),
        ({"authorization": f"Bearer e2e:{KEY}"}, "invalid_key"),
        ({"x-api-key": KEY[:-1]}, "invalid_key"),
    ],
)
def test_a_request_without_a_key_or_with_a_wrong_key_is_a_401(
    gateway: Gateway, journal: Journal, headers: dict[str, str], code: str
) -> None:
    with gateway.client(headers=headers) as client:
        answer = client.post(CHAT, json=question(journal, "sim/ok"))
    assert answer.status_code == 401
    assert error_in(answer)["code"] == code
    assert journal.models() == []


@pytest.mark.parametrize(
    "headers", [{"authorization": f"Bearer {KEY}"}, {"authorization": f"bearer  {KEY}"}, {"x-api-key": KEY}]
)
def test_a_valid_key_is_accepted_in_either_header(
    gateway: Gateway, journal: Journal, headers: dict[str, str]
) -> None:
    with gateway.client(headers=headers) as client:
        assert client.post(CHAT, json=question(journal, "sim/ok")).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost:8787"])
def test_an_open_gateway_needs_no_key_on_loopback(open_gateway: Gateway, journal: Journal, host: str) -> None:
    assert post(open_gateway, question(journal, "sim/ok"), host=host).status_code == 200


@pytest.mark.parametrize("host", ["gateway.example", "localhost.evil.example", "127.0.0.1.evil.example:80"])
def test_an_open_gateway_is_closed_for_other_host_names(
    open_gateway: Gateway, journal: Journal, host: str
) -> None:
    answer = post(open_gateway, question(journal, "sim/ok"), host=host)
    assert (answer.status_code, error_in(answer)["code"]) == (401, "gateway_closed")
    assert journal.models() == []


@pytest.mark.parametrize("origin", [FOREIGN_PAGE, "null", "http://localhost:3000"])
def test_an_open_gateway_refuses_origins_that_are_not_allowed(
    open_gateway: Gateway, journal: Journal, origin: str
) -> None:
    answer = post(open_gateway, question(journal, "sim/ok"), origin=origin)
    assert (answer.status_code, error_in(answer)["code"]) == (403, "origin_not_allowed")
    assert "access-control-allow-origin" not in answer.headers
    assert journal.models() == []


FOREIGN_REQUESTS = {
    "a forged host": {"host": "evil.example:8787"},
    "a forged URL": {"host": "evil.example:8787", "mf-original-url": "http://localhost:8787/v1/usage"},
    "a proxy's host": {"x-forwarded-host": "gateway.example"},
    "a forwarded host": {"forwarded": "for=192.0.2.7;host=gateway.example"},
    "an image of a page": {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
    "an image of a page on this machine": {"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"},
    "a link": {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
    "a page": {"origin": FOREIGN_PAGE},
}


@pytest.mark.parametrize("headers", FOREIGN_REQUESTS.values(), ids=[*FOREIGN_REQUESTS])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_open_gateway_is_deaf_to_pages_and_forged_hosts(
    open_gateway: Gateway, simulator: str, method: str, headers: dict[str, str]
) -> None:
    before = len(complete_log(simulator))
    paths = ("/v1/usage", "/v1/key", "/v1/models", "/health?deep=1", f"/v1/models/{HAIKU}/endpoints")
    with open_gateway.client(headers=headers) as client:
        statuses = [client.request(method, path).status_code for path in paths]

    assert set(statuses) <= {401, 403}
    assert len(complete_log(simulator)) == before


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_an_open_gateway_can_be_looked_at_with_a_browser(open_gateway: Gateway, site: str) -> None:
    with open_gateway.client(headers={"sec-fetch-site": site, "sec-fetch-mode": "navigate"}) as client:
        assert client.get("/v1/usage").status_code == 200


def preflight(gateway: Gateway, origin: str) -> dict[str, str]:
    asked = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type, x-stainless-lang",
    }
    with gateway.client(headers=asked) as client:
        answer = client.options(CHAT)
    assert answer.status_code == 204
    assert "POST" in answer.headers["allow"]
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control")}


def test_a_preflight_of_an_allowed_origin_gets_cors_headers(custom_gateway: Gateway) -> None:
    granted = preflight(custom_gateway, PAGE)
    assert granted["access-control-allow-origin"] == PAGE
    assert "POST" in granted["access-control-allow-methods"]
    assert "x-stainless-lang" in granted["access-control-allow-headers"]


def test_a_preflight_of_another_origin_gets_no_cors_headers(
    custom_gateway: Gateway, gateway: Gateway
) -> None:
    assert preflight(custom_gateway, FOREIGN_PAGE) == {}
    assert preflight(gateway, PAGE) == {}


def test_an_allowed_origin_may_read_answers_errors_and_the_gateways_headers(
    custom_gateway: Gateway, journal: Journal
) -> None:
    for model in ("sim/ok", "sim/status-401"):
        answer = post(custom_gateway, question(journal, model), origin=PAGE)
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "origin" in answer.headers["vary"].lower()
        exposed = answer.headers["access-control-expose-headers"]
        assert {"x-gateway-receipt", "x-request-id", "retry-after"} <= set(exposed.split(", "))


def test_another_origin_may_not_read_answers(
    custom_gateway: Gateway, gateway: Gateway, journal: Journal
) -> None:
    for each, origin in ((custom_gateway, FOREIGN_PAGE), (gateway, PAGE)):
        answer = post(each, question(journal, "sim/ok"), origin=origin)
        assert "access-control-allow-origin" not in answer.headers


def test_every_route_names_an_invalid_setting_and_none_shows_its_value(
    start_gateway: Callable[..., Gateway], journal: Journal
) -> None:
    misconfigured = start_gateway(DEADLINE_MS="abc-canary")
    with misconfigured.client() as client:
        answers = [
            client.post(CHAT, json=question(journal, "sim/ok")),
            client.post(CHAT, content=b"no JSON"),
            client.get("/health"),
            client.get("/v1/nothing"),
        ]
    for answer in answers:
        error = error_in(answer)
        assert (answer.status_code, error["code"], error["param"]) == (500, "bad_setting", "DEADLINE_MS")
        assert "whole number" in error["message"]
        assert "canary" not in answer.text
        assert error["metadata"]["source"] == "gateway"
        assert answer.headers["x-should-retry"] == "false"
    assert journal.models() == []
    assert "canary" not in _worker_log(misconfigured)


def test_the_error_for_a_missing_upstream_key_has_the_command_that_sets_it(
    start_gateway: Callable[..., Gateway], journal: Journal
) -> None:
    keyless = start_gateway(OPENROUTER_API_KEY=None)
    with keyless.client() as client:
        assert client.get("/health").json()["status"] == "incomplete"
        answer = client.post(CHAT, json=question(journal, "sim/ok"))
    error = error_in(answer)
    assert (answer.status_code, error["code"]) == (500, "bad_setting")
    assert "wrangler secret put OPENROUTER_API_KEY" in error["message"]
    assert journal.models() == []


@pytest.mark.parametrize("model", ["sim/redirect", "sim/status-301", "sim/status-308"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_redirect_is_an_error_and_is_not_followed_with_the_key(
    gateway: Gateway, journal: Journal, simulator: str, model: str, stream: bool
) -> None:
    answer = post(gateway, question(journal, model, "sim/ok", stream=stream))
    assert (answer.status_code, error_in(answer)["code"]) == (502, "redirected")
    assert journal.models() == [model]
    assert not [entry for entry in complete_log(simulator) if entry["path"] == "/sim/trap"]


def _worker_log(gateway: Gateway) -> str:
    """Return the log without wrangler's list of the settings."""
    return "\n".join(line for line in gateway.log_text().splitlines() if "DEADLINE_MS:" not in line)
