import json

import pytest

from gateway.http.errors import ConfigError
from gateway.settings.price import Price
from gateway.settings.settings import Settings
from gateway.settings.upstreams import split_direct

OPENAI = {"base_url": "https://api.openai.example/v1/", "secret": "OPENAI_API_KEY"}
KEY = "canary-of-another-key"


def read(declared: object, **env: str) -> Settings:
    return Settings.from_env({"UPSTREAMS": json.dumps(declared), **env}.get)


def test_an_upstream_has_its_own_host_and_its_own_key() -> None:
    prices = {"gpt-5-mini": {"prompt": 0.25, "completion": 2}}
    settings = read({"openai": {**OPENAI, "usd_per_million_tokens": prices}}, OPENAI_API_KEY=KEY)

    direct = settings.direct["openai"]
    assert (direct.upstream.base_url, direct.upstream.api_key) == ("https://api.openai.example/v1", KEY)
    assert direct.upstream.name == "openai"
    assert direct.prices == {"gpt-5-mini": Price(prompt=0.25, completion=2.0)}
    assert KEY not in repr(settings) + repr(direct) + str(settings.direct)


def test_an_upstream_can_have_no_key() -> None:
    settings = read({"local": {"base_url": "http://127.0.0.1:9/v1"}})

    assert settings.direct["local"].upstream.api_key == ""


def test_the_error_for_a_missing_secret_names_it() -> None:
    with pytest.raises(ConfigError, match="wrangler secret put OPENAI_API_KEY") as raised:
        read({"openai": OPENAI})

    assert raised.value.param == "OPENAI_API_KEY"


@pytest.mark.parametrize("secret", ["OPENROUTER_API_KEY", "GATEWAY_KEYS"])
def test_the_gateways_own_secrets_cannot_be_sent_to_a_direct_upstream(secret: str) -> None:
    with pytest.raises(ConfigError, match=f"UPSTREAMS must not send {secret}"):
        read({"openai": {**OPENAI, "secret": secret}}, **{secret: "one:0123456789abcdef"})


def test_a_secret_can_be_sent_to_one_host_only() -> None:
    other = {**OPENAI, "base_url": "https://other.example/v1"}

    with pytest.raises(ConfigError, match="two hosts"):
        read({"openai": OPENAI, "other": other}, OPENAI_API_KEY=KEY)


WRONG = [
    {"OpenAI": OPENAI},
    {"openrouter": OPENAI},
    {"openai": "https://api.openai.example"},
    {"openai": {}},
    {"openai": {**OPENAI, "base_url": "http://canary.example/v1"}},
    {"openai": {**OPENAI, "base_url": 1}},
    {"openai": {**OPENAI, "base_url": "https://user:canary@api.example"}},
    {"openai": {**OPENAI, "secret": "canary"}},
    {"openai": {**OPENAI, "secret": 1}},
    {"openai": {**OPENAI, "canary": 1}},
    {"openai": {**OPENAI, "usd_per_million_tokens": {"m": {"prompt": "canary"}}}},
    {"openai": {**OPENAI, "usd_per_million_tokens": {"m": 1}}},
    {"openai": {**OPENAI, "usd_per_million_tokens": {"m": {"prompt": 1}}}},
    {"openai": {**OPENAI, "usd_per_million_tokens": 5}},
    {"openai": {**OPENAI, "usd_per_million_tokens": [{}]}},
    {"openai": {**OPENAI, "base_url": "https://api.openai.example:99999/v1"}},
    {"openai": {**OPENAI, "base_url": "https://api.openai.example/a b"}},
    ["openai"],
    {"openai": {**OPENAI, "dialects": ["canary"]}},
    {"openai": {**OPENAI, "dialects": "chat"}},
    {"openai": {**OPENAI, "dialects": []}},
    {"openai": {**OPENAI, "dialects": [["chat"]]}},
    {"openai": {**OPENAI, "dialects": ["messages"]}},
    {"openai": {**OPENAI, "format": "canary"}},
    {"openai": {**OPENAI, "format": ["openai"]}},
    {"openai": {**OPENAI, "format": "anthropic", "dialects": ["chat"]}},
]


@pytest.mark.parametrize("declared", WRONG, ids=json.dumps)
def test_the_error_for_a_wrong_declaration_does_not_contain_its_values(declared: object) -> None:
    with pytest.raises(ConfigError, match="UPSTREAMS") as raised:
        read(declared, OPENAI_API_KEY=KEY)

    assert "canary" not in raised.value.message


@pytest.mark.parametrize(
    "env",
    [
        {"DEFAULT_MODEL": "direct:missing/m"},
        {"FALLBACK_MODELS": "a/one, direct:missing/m"},
        {"DEFAULT_MODEL": "direct:openai"},
        {"TASK_ROUTES": '{"task/mine": ["direct:missing/m"]}'},
    ],
    ids=repr,
)
def test_a_direct_model_in_the_settings_must_have_a_declared_upstream(env: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="UPSTREAMS"):
        read({"openai": OPENAI}, OPENAI_API_KEY=KEY, **env)


@pytest.mark.parametrize(
    ("model", "parts"),
    [
        ("direct:openai/gpt-5-mini", ("openai", "gpt-5-mini")),
        ("direct:local/org/model", ("local", "org/model")),
        ("direct:openai", ("openai", "")),
        ("openai/gpt-5-mini", None),
    ],
)
def test_a_direct_name_is_split_into_upstream_and_model(model: str, parts: tuple[str, str] | None) -> None:
    assert split_direct(model) == parts
