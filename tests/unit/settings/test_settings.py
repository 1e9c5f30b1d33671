from dataclasses import fields
from hashlib import sha256

import pytest

from gateway.http.errors import ConfigError
from gateway.settings.budget import Budget
from gateway.settings.settings import Settings
from gateway.settings.table import SETTINGS

CANARY = "canary"
LONG = "canary-of-a-token-that-is-long"
# Settings that are read into a field with another name, or together with other settings.
DERIVED = {
    "OPENROUTER_API_KEY": "upstream",
    "OPENROUTER_BASE_URL": "upstream",
    "GATEWAY_KEYS": "gateway_keys",
    "DEFAULT_MODEL": "default_chain",
    "FALLBACK_MODELS": "default_chain",
    "FALLBACK_MODEL": "default_chain",
    "TASK_ROUTES": "task_routes",
    "UPSTREAMS": "direct",
    "BUDGET_DAY_USD": "budget",
    "BUDGET_MONTH_USD": "budget",
}


def read(**env: str) -> Settings:
    return Settings.from_env(env.get)


def test_settings_can_be_read_from_an_empty_environment() -> None:
    settings = read()

    assert settings.upstream.base_url == "https://openrouter.ai/api/v1"
    assert settings.default_chain == ("openrouter/auto",)
    assert settings.gateway_keys == ()
    assert not settings.open_on_loopback


def test_an_empty_value_means_the_default() -> None:
    assert read(**dict.fromkeys(SETTINGS, "")) == read()


def test_the_table_and_the_fields_of_settings_match() -> None:
    named = {DERIVED.get(name, name.lower()) for name in SETTINGS}

    assert named | {"all_origins"} == {field.name for field in fields(Settings)}


def test_every_setting_has_a_meaning() -> None:
    assert all(setting.meaning.endswith(".") for setting in SETTINGS.values())


def test_a_choice_may_be_written_in_any_case() -> None:
    assert read().budget_hold == "estimate"
    assert read(BUDGET_HOLD=" Worst ").budget_hold == "worst"


def test_keys_are_secrets() -> None:
    assert {name for name, setting in SETTINGS.items() if setting.secret} >= {
        "OPENROUTER_API_KEY",
        "GATEWAY_KEYS",
    }


WRONG = [
    ("OPENROUTER_API_KEY", "canary\nkey"),
    ("OPENROUTER_API_KEY", "canary-ключ"),
    ("GATEWAY_KEYS", "canarycanarycanary"),
    ("GATEWAY_KEYS", "name:canary"),
    ("GATEWAY_KEYS", ":canarycanarycanarycanary"),
    ("GATEWAY_KEYS", "good:0123456789abcdef,canary"),
    ("BUDGET_HOLD", "canary"),
    ("BUDGET_HOLD", "estimate, canary"),
    ("DEADLINE_MS", "canary"),
    ("DEADLINE_MS", "0"),
    ("DEADLINE_MS", "-1"),
    ("DEADLINE_MS", "1.5"),
    ("DEADLINE_MS", "3600001"),
    ("DEADLINE_MS", "٣"),
    ("DEADLINE_MS", "9" * 5_000),
    ("ATTEMPT_MS", "canary"),
    ("FIRST_TOKEN_MS", "0"),
    ("IDLE_MS", "canary"),
    ("RETRIES", "11"),
    ("MAX_BODY_BYTES", "canary"),
    ("SITE_URL", "https://canary.example\r\nx: y"),
    ("APP_TITLE", "canary é"),
    ("OPEN_ON_LOOPBACK", "canary"),
    *[
        (name, value)
        for name in ("BUDGET_DAY_USD", "BUDGET_MONTH_USD")
        for value in ("canary", "1e305", "0.0000001", "-1", "nan", "inf", "1e999")
    ],
    ("CORS_ORIGINS", "https://canary.example/"),
    ("CORS_ORIGINS", "canary.example"),
    ("CORS_ORIGINS", "https://*.canary.example"),
    ("CORS_ORIGINS", "https://canary.example:443"),
    ("CORS_ORIGINS", "null"),
    ("CORS_ORIGINS", "https://ok.example https://canary.example/path"),
    ("GATEWAY_KEYS", '{"name": "canary", "token": "canarycanarycanary"}'),
    ("GATEWAY_KEYS", "canary key:canarycanarycanary"),
    ("DEFAULT_MODEL", "task/canary"),
    ("FALLBACK_MODEL", "direct:canary/x"),
    ("FALLBACK_MODELS", "a/one,direct:canary/x"),
    ("OPENROUTER_BASE_URL", "http://canary.example/api/v1"),
    ("OPENROUTER_BASE_URL", "canary"),
    ("OPENROUTER_BASE_URL", "https://"),
    ("OPENROUTER_BASE_URL", "ftp://canary.example"),
    ("OPENROUTER_BASE_URL", "https://user:canary@openrouter.ai"),
    ("OPENROUTER_BASE_URL", "https://canary.example?key=1"),
    ("OPENROUTER_BASE_URL", "https://canary.example#x"),
    ("OPENROUTER_BASE_URL", "http://localhost.canary.example"),
    ("OPENROUTER_BASE_URL", "http://localhost@canary.example"),
    ("OPENROUTER_BASE_URL", "https://user:canary@openrouter\u2100.ai"),
    ("OPENROUTER_BASE_URL", "https://[canary]/api/v1"),
]


@pytest.mark.parametrize(("name", "value"), [pytest.param(*row, id=f"{row}"[:60]) for row in WRONG])
def test_the_error_for_a_wrong_value_names_the_setting_and_not_the_value(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(**{name: value})

    assert caught.value.param == name
    assert caught.value.message.startswith(f"{name} ")
    assert CANARY not in str(caught.value.to_json())
    assert caught.value.kind.status == 500


@pytest.mark.parametrize(
    "url",
    ["http://localhost:9090/api/v1", "http://127.0.0.1:1", "http://[::1]:1/x", "https://proxy.example/v1"],
)
def test_http_is_allowed_for_loopback_hosts(url: str) -> None:
    assert read(OPENROUTER_BASE_URL=url).upstream.base_url == url


def test_the_base_url_loses_its_last_slash() -> None:
    assert read(OPENROUTER_BASE_URL="https://a.example/v1/ ").upstream.base_url == "https://a.example/v1"


@pytest.mark.parametrize("separator", ["\n", ",", ", ", "\r\n"])
def test_gateway_keys_are_stored_as_digests(separator: str) -> None:
    settings = read(GATEWAY_KEYS=f"one:{LONG}{separator}two : {LONG}2")

    digests = (sha256(LONG.encode()).digest(), sha256(f"{LONG}2".encode()).digest())
    assert [(key.name, key.digest) for key in settings.gateway_keys] == [
        ("one", digests[0]),
        ("two", digests[1]),
    ]


def test_a_token_can_contain_a_colon() -> None:
    (key,) = read(GATEWAY_KEYS=f"one:a:{LONG}").gateway_keys

    assert (key.name, key.digest) == ("one", sha256(f"a:{LONG}".encode()).digest())


def test_no_secret_is_in_the_representation() -> None:
    settings = read(OPENROUTER_API_KEY=f"sk-{LONG}", GATEWAY_KEYS=f"one:{LONG}")

    assert CANARY not in repr(settings) + str(settings) + repr(settings.upstream)


@pytest.mark.parametrize(
    ("env", "chain"),
    [
        ({"DEFAULT_MODEL": "a"}, ("a",)),
        ({"DEFAULT_MODEL": "a", "FALLBACK_MODEL": "b"}, ("a", "b")),
        ({"DEFAULT_MODEL": "a", "FALLBACK_MODELS": "b, c\nd e"}, ("a", "b", "c", "d", "e")),
        ({"DEFAULT_MODEL": "a", "FALLBACK_MODELS": "b a b"}, ("a", "b")),
        ({"DEFAULT_MODEL": "a", "FALLBACK_MODELS": "b", "FALLBACK_MODEL": "c"}, ("a", "b")),
    ],
    ids=repr,
)
def test_the_chain_is_the_default_model_and_its_fallbacks(
    env: dict[str, str], chain: tuple[str, ...]
) -> None:
    assert read(**env).default_chain == chain


@pytest.mark.parametrize(
    ("value", "flag"), [("true", True), (" TRUE ", True), ("1", True), ("false", False), ("0", False)]
)
def test_a_flag_can_be_written_in_several_ways(value: str, flag: bool) -> None:
    assert read(OPEN_ON_LOOPBACK=value).open_on_loopback is flag


def test_a_budget_of_0_means_no_budget_and_the_smallest_budget_counts() -> None:
    assert read(BUDGET_DAY_USD="0").budget == Budget()
    assert read(BUDGET_DAY_USD="0.000001").budget == Budget(day_micros=1)


def test_a_missing_upstream_key_is_an_error_when_it_is_required() -> None:
    with pytest.raises(ConfigError, match="OPENROUTER_API_KEY is not set"):
        read().require_upstream_key()


@pytest.mark.parametrize("name", ["DEFAULT_MODEL", "FALLBACK_MODELS", "FALLBACK_MODEL"])
@pytest.mark.parametrize("value", ["modèle", "x" * 257])
def test_a_models_name_must_be_valid_in_a_header(name: str, value: str) -> None:
    with pytest.raises(ConfigError):
        Settings.from_env({name: value}.get)


def test_a_blank_default_model_means_the_default() -> None:
    assert Settings.from_env({"DEFAULT_MODEL": "  "}.get).default_chain == ("openrouter/auto",)
