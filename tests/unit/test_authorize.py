import pytest

from gateway.authorize import authorize
from gateway.config import Settings
from gateway.errors import GatewayError
from gateway.wire import HttpRequest

TOKEN = "0123456789abcdef"
OTHER = "fedcba9876543210"
KEYS = {"GATEWAY_KEYS": f"one:{TOKEN},two:{OTHER}"}
OPEN = {"OPEN_ON_LOOPBACK": "true"}


def caller(env: dict[str, str], *, host: str = "gateway.example", **headers: str) -> str:
    async def no_body(_: int) -> bytes:
        return b""

    given = {name.replace("_", "-"): value for name, value in headers.items()}
    request = HttpRequest(method="POST", host=host, path="/", header=given.get, read_body=no_body)
    return authorize(request, Settings.from_env(env.get)).name


def refusal(env: dict[str, str], *, host: str = "gateway.example", **headers: str) -> str:
    with pytest.raises(GatewayError) as caught:
        caller(env, host=host, **headers)
    return caught.value.code


def test_without_keys_nobody_may_call() -> None:
    assert refusal({}, authorization=f"Bearer {TOKEN}") == "gateway_closed"


def test_a_closed_gateway_says_how_to_open_it() -> None:
    with pytest.raises(GatewayError, match="wrangler secret put GATEWAY_KEYS"):
        caller({})


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {TOKEN}"},
        {"authorization": f"bearer   {TOKEN} "},
        {"x_api_key": TOKEN},
        {"authorization": "Basic eDp5", "x_api_key": TOKEN},
    ],
    ids=repr,
)
def test_a_key_names_its_caller(headers: dict[str, str]) -> None:
    assert caller(KEYS, **headers) == "one"


def test_each_key_has_its_own_name() -> None:
    assert caller(KEYS, authorization=f"Bearer {OTHER}") == "two"


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": ""}, {"authorization": "Bearer "}, {"authorization": TOKEN}, {"x_api_key": "  "}],
    ids=repr,
)
def test_no_key_is_told_apart_from_a_wrong_one(headers: dict[str, str]) -> None:
    assert refusal(KEYS, **headers) == "missing_key"


@pytest.mark.parametrize(
    "token", ["x", TOKEN[:-1], TOKEN + "0", TOKEN.upper(), "one", f"one:{TOKEN}", "\udcff"]
)
def test_a_wrong_key_is_refused(token: str) -> None:
    assert refusal(KEYS, authorization=f"Bearer {token}") == "invalid_key"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_a_gateway_opened_for_development_lets_loopback_in(host: str) -> None:
    assert caller(OPEN, host=host) == "loopback"


@pytest.mark.parametrize("host", ["gateway.example", "localhost.evil.example", "127.0.0.1.evil.example", ""])
def test_a_gateway_opened_for_development_lets_nobody_else_in(host: str) -> None:
    assert refusal(OPEN, host=host) == "gateway_closed"


def test_keys_count_on_loopback_too() -> None:
    assert refusal(OPEN | KEYS, host="localhost") == "missing_key"


def test_a_foreign_page_may_not_spend_the_developers_money() -> None:
    assert refusal(OPEN, host="localhost", origin="https://evil.example") == "origin_not_allowed"


def test_a_page_that_was_allowed_may() -> None:
    assert caller(OPEN | {"CORS_ORIGINS": "http://a.example"}, host="localhost", origin="http://a.example")
