import json
from hashlib import sha256

import pytest

from gateway.access.authorize import authorize, key_in_settings
from gateway.http.errors import GatewayError
from gateway.http.message import HttpRequest
from gateway.settings.caller import Caller
from gateway.settings.settings import Settings

TOKEN = "0123456789abcdef"
OTHER = "fedcba9876543210"
DIGEST = sha256(TOKEN.encode()).hexdigest()
KEYS = {"GATEWAY_KEYS": f"one:{TOKEN},two:{OTHER}"}
OWN = "sk-or-v1-canary-of-a-callers-own-key"
OWN_KEYS = {"ALLOW_CLIENT_KEYS": "true"}
OPEN = {"OPEN_ON_LOOPBACK": "true"}
NOW_S = 1_800_000_000.0


def caller(env: dict[str, str], *, host: str = "gateway.example", **headers: str) -> str:
    return authorized(env, host=host, **headers).name


def authorized(env: dict[str, str], *, host: str = "gateway.example", **headers: str) -> Caller:
    async def no_body(_: int) -> bytes:
        return b""

    given = {name.replace("_", "-"): value for name, value in headers.items()}
    request = HttpRequest(method="POST", host=host, path="/", header=given.get, read_body=no_body)
    settings = Settings.from_env(env.get)
    return authorize(request, settings, key_in_settings(request, settings, now_s=NOW_S), now_s=NOW_S)


def refusal(env: dict[str, str], *, host: str = "gateway.example", **headers: str) -> str:
    with pytest.raises(GatewayError) as caught:
        caller(env, host=host, **headers)
    return caught.value.code


def test_a_gateway_without_keys_refuses_every_request() -> None:
    assert refusal({}, authorization=f"Bearer {TOKEN}") == "gateway_closed"


def test_a_gateway_without_keys_says_how_to_create_one() -> None:
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
def test_a_key_identifies_its_caller(headers: dict[str, str]) -> None:
    assert caller(KEYS, **headers) == "one"


def test_each_key_has_its_own_name() -> None:
    assert caller(KEYS, authorization=f"Bearer {OTHER}") == "two"


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": ""}, {"authorization": "Bearer "}, {"authorization": TOKEN}, {"x_api_key": "  "}],
    ids=repr,
)
def test_a_missing_key_has_its_own_error_code(headers: dict[str, str]) -> None:
    assert refusal(KEYS, **headers) == "missing_key"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"cookie": f"authorization=Bearer {TOKEN}"}, "missing_key"),
        ({"proxy_authorization": f"Bearer {TOKEN}"}, "missing_key"),
        ({"x_goog_api_key": TOKEN}, "missing_key"),
        ({"authorization": f"Basic {TOKEN}"}, "missing_key"),
        ({"authorization": f"Token {TOKEN}"}, "missing_key"),
        ({"authorization": f"Bearer,{TOKEN}"}, "missing_key"),
        ({"authorization": f"Bearer Bearer {TOKEN}"}, "invalid_key"),
        ({"authorization": f"Bearer {TOKEN}, Bearer {OTHER}"}, "invalid_key"),
        ({"authorization": f"Bearer {TOKEN}\0"}, "invalid_key"),
        ({"authorization": f"Bearer {DIGEST}"}, "invalid_key"),
        ({"authorization": f"Bearer {'x' * 7_000}"}, "invalid_key"),
        ({"authorization": "Bearer wrong", "x_api_key": "wrong too"}, "invalid_key"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_key_counts_in_its_two_headers_only_and_exactly(headers: dict[str, str], code: str) -> None:
    assert refusal(KEYS, **headers) == code


@pytest.mark.parametrize("wrong", ["wrong", f"{TOKEN}0", "sk-or-v1-of-somebody", "sk-ant-api03-x", "\0", "é"])
def test_a_wrong_key_beside_a_right_one_is_ignored(wrong: str) -> None:
    for env in (KEYS, KEYS | OWN_KEYS):
        assert caller(env, authorization=f"Bearer {wrong}", x_api_key=TOKEN) == "one"
        assert caller(env, authorization=f"Bearer {TOKEN}", x_api_key=wrong) == "one"


def test_of_two_right_keys_the_one_in_authorization_counts() -> None:
    assert caller(KEYS, authorization=f"Bearer {OTHER}", x_api_key=TOKEN) == "two"


def test_an_expired_key_beside_a_right_one_is_ignored() -> None:
    old = {"name": "old", "token": OTHER, "expires": "2020-01-01"}
    env = {"GATEWAY_KEYS": json.dumps([old, {"name": "new", "token": TOKEN}])}

    assert caller(env, authorization=f"Bearer {OTHER}", x_api_key=TOKEN) == "new"
    assert caller(env, authorization=f"Bearer {TOKEN}", x_api_key=OTHER) == "new"
    assert refusal(env, authorization="Bearer wrong", x_api_key=OTHER) == "expired_key"
    assert refusal(env, authorization=f"Bearer {OTHER}", x_api_key="wrong") == "expired_key"


def test_an_openrouter_key_beside_an_expired_key_is_found() -> None:
    env = keys(expires="2020-01-01") | OWN_KEYS

    assert authorized(env, authorization=f"Bearer {TOKEN}", x_api_key=OWN).own_key == OWN
    assert authorized(env, authorization=f"Bearer {OWN}", x_api_key=TOKEN).own_key == OWN
    assert refusal(env, authorization=f"Bearer {TOKEN}", x_api_key="wrong") == "expired_key"


@pytest.mark.parametrize(
    ("first", "second"), [(OWN, ""), ("", OWN), (OWN, "wrong"), ("wrong", OWN), (OWN, f"{OWN}-2")]
)
def test_an_openrouter_key_is_found_in_either_header(first: str, second: str) -> None:
    found = authorized(KEYS | OWN_KEYS, authorization=f"Bearer {first}", x_api_key=second)

    assert found.own_key == OWN


def test_an_openrouter_key_that_no_header_can_carry_is_ignored_beside_one_that_can() -> None:
    found = authorized(OWN_KEYS, authorization=f"Bearer {OWN}é", x_api_key=OWN)

    assert found.own_key == OWN


def test_x_api_key_is_read_only_if_authorization_has_no_key_of_the_gateways() -> None:
    read: list[str] = []

    def header(name: str) -> str | None:
        read.append(name)
        return f"Bearer {TOKEN}" if name == "authorization" else None

    async def no_body(_: int) -> bytes:
        return b""

    request = HttpRequest(method="POST", host="a.example", path="/", header=header, read_body=no_body)

    settings = Settings.from_env(KEYS.get)
    key = key_in_settings(request, settings, now_s=NOW_S)

    assert authorize(request, settings, key, now_s=NOW_S).name == "one"
    assert read == ["authorization"]


@pytest.mark.parametrize(
    "token", ["x", TOKEN[:-1], TOKEN + "0", TOKEN.upper(), "one", f"one:{TOKEN}", "\udcff"]
)
def test_a_wrong_key_is_refused(token: str) -> None:
    assert refusal(KEYS, authorization=f"Bearer {token}") == "invalid_key"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_open_on_loopback_accepts_loopback_hosts(host: str) -> None:
    assert caller(OPEN, host=host) == "loopback"


@pytest.mark.parametrize("host", ["gateway.example", "localhost.evil.example", "127.0.0.1.evil.example", ""])
def test_open_on_loopback_refuses_other_hosts(host: str) -> None:
    assert refusal(OPEN, host=host) == "gateway_closed"


def test_a_gateway_with_keys_requires_one_on_loopback_too() -> None:
    assert refusal(OPEN | KEYS, host="localhost") == "missing_key"


def test_open_on_loopback_refuses_web_pages_of_other_origins() -> None:
    assert refusal(OPEN, host="localhost", origin="https://evil.example") == "origin_not_allowed"


def test_open_on_loopback_accepts_web_pages_of_cors_origins() -> None:
    assert caller(OPEN | {"CORS_ORIGINS": "http://a.example"}, host="localhost", origin="http://a.example")


def keys(**fields: object) -> dict[str, str]:
    return {"GATEWAY_KEYS": json.dumps([{"name": "one", "token": TOKEN, **fields}])}


def test_a_caller_has_the_rights_and_limits_of_its_key() -> None:
    found = authorized(
        keys(models=["a/*"], admin=True, budget={"day_usd": 1.5}, per_minute=3, concurrent=2,
             options={"retries": 0}),
        x_api_key=TOKEN,
    )  # fmt: skip  # short fields

    assert (found.models, found.admin, found.budget.day_micros) == (("a/*",), True, 1_500_000)
    assert (found.per_minute, found.concurrent, dict(found.options)) == (3, 2, {"retries": 0})


@pytest.mark.parametrize(
    ("expires", "is_over"),
    [
        ("2020-01-01", True),
        ("2027-01-15T08:00:00+00:00", True),  # exactly now
        ("2027-01-15T08:00:01+00:00", False),
        ("2099-01-01", False),
    ],
)
def test_a_key_is_refused_from_its_expiry_time_on(expires: str, is_over: bool) -> None:
    env = keys(expires=expires)

    assert (refusal(env, x_api_key=TOKEN) if is_over else caller(env, x_api_key=TOKEN)) == (
        "expired_key" if is_over else "one"
    )


def test_a_key_with_origins_refuses_web_pages_of_other_origins() -> None:
    env = keys(origins=["https://app.example"])

    assert caller(env, x_api_key=TOKEN, origin="https://app.example") == "one"
    assert caller(env, x_api_key=TOKEN) == "one"
    assert refusal(env, x_api_key=TOKEN, origin="https://evil.example") == "origin_not_allowed"


@pytest.mark.parametrize("cors_origins", ["https://all.example", "*"])
def test_cors_origins_may_use_a_key_that_has_origins(cors_origins: str) -> None:
    env = keys(origins=["https://app.example"]) | {"CORS_ORIGINS": cors_origins}

    for origin in ("https://app.example", "https://all.example"):
        assert caller(env, x_api_key=TOKEN, origin=origin) == "one"
    if cors_origins != "*":
        assert refusal(env, x_api_key=TOKEN, origin="https://evil.example") == "origin_not_allowed"


def test_a_key_without_origins_accepts_web_pages_of_any_origin() -> None:
    assert caller(keys(), x_api_key=TOKEN, origin="https://any.example") == "one"


def test_a_caller_may_use_its_own_openrouter_key_if_that_is_allowed() -> None:
    found = authorized({**KEYS, "ALLOW_CLIENT_KEYS": "true"}, authorization=f"Bearer {OWN}")

    assert found.own_key == OWN
    assert found.name.startswith("own-")
    assert OWN not in repr(found)
    assert refusal(KEYS, authorization=f"Bearer {OWN}") == "invalid_key"


def test_own_keys_are_accepted_by_a_gateway_without_keys() -> None:
    assert authorized({"ALLOW_CLIENT_KEYS": "true"}, x_api_key=OWN).own_key == OWN
    assert refusal({"ALLOW_CLIENT_KEYS": "true"}, x_api_key=TOKEN) == "gateway_closed"


def test_a_caller_with_its_own_key_is_no_admin_and_has_no_budget() -> None:
    found = authorized({"ALLOW_CLIENT_KEYS": "true"}, x_api_key=OWN)

    assert (found.admin, bool(found.budget), found.per_minute) == (False, False, None)
