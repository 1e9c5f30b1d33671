"""Tests the key of the answer cache: it must include everything in a request that affects the answer."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.answer_cache import cacheable
from gateway.dialects.body import OWN, REFUSED
from gateway.dialects.chat.dialect import CHAT
from gateway.http.json_bytes import to_json_bytes
from gateway.http.json_values import Json
from gateway.pipeline.prepared import Prepared
from gateway.pipeline.session import Session
from gateway.routing.selection import select
from gateway.settings.caller import Caller
from gateway.settings.options import OPTIONS
from gateway.settings.settings import Settings
from tests.support.planning import parsed, planned, signals_of

# Field names that the gateway does not know: callers and providers may invent them.
NAMES = st.text("abc_", min_size=1, max_size=3).filter(lambda name: name not in (*OWN, *REFUSED))
LEAVES = st.none() | st.booleans() | st.integers(-2, 2) | st.floats(0, 1) | st.text(max_size=3)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner))
FIELDS = st.dictionaries(NAMES, VALUES, max_size=3)


TOKENS = "tests:canary-of-the-first-token"
DIRECT = {"near": {"base_url": "https://near.example/v1", "secret": "NEAR_KEY"}}
ENV = {
    "OPENROUTER_API_KEY": "sk-or-v1-canary",
    "GATEWAY_KEYS": TOKENS,
    "UPSTREAMS": json.dumps(DIRECT),
    "NEAR_KEY": "canary-of-the-direct-key",
}


def settings_of(**changes: str) -> Settings:
    return Settings.from_env({**ENV, **changes}.get)


SETTINGS = settings_of()


def key_of(of: Prepared, settings: Settings = SETTINGS) -> str:
    return cacheable.key_of(of, settings)


def prepared(caller: Caller | None = None, /, **fields: object) -> Prepared:
    fields = {"model": "a/one", **fields}
    chat, caller = parsed(**fields), caller or Caller(name="tests")
    return Prepared(
        caller=caller,
        dialect=CHAT,
        request=chat,
        headers=(),
        ticket="1",
        hold=None,  # type: ignore[arg-type]  # a cache key does not depend on budgets
        session=None,
        selection=select(chat, Settings.from_env(lambda _name: None), caller),
        signals=signals_of(),
        planned=planned(None, signals_of(), None, **fields),
    )


@given(one=FIELDS, other=FIELDS)
def test_two_bodies_have_the_same_key_if_and_only_if_they_are_equal(
    one: dict[str, object], other: dict[str, object]
) -> None:
    is_same = json.dumps(one) == json.dumps(other)

    assert (key_of(prepared(**one)) == key_of(prepared(**other))) is is_same


# Each changes the answer, or which of two cached answers may be returned.
DIFFERENT: dict[str, Prepared] = {
    "the caller": prepared(Caller(name="others")),
    "the caller's own key": prepared(Caller(name="tests", own_key="sk-or-1")),
    "another own key of the same short name": prepared(Caller(name="tests", own_key="sk-or-2")),
    "a stream": prepared(stream=True),
    "its usage chunk": prepared(stream=True, stream_options={"include_usage": True}),
    "another model": prepared(model="b/two"),
    "a further model": prepared(models=["b/two"]),
    "the models' order": prepared(model="b/two", models=["a/one"]),
    "one name that reads like two": prepared(model='a/one","b/two'),
    "JSON": prepared(response_format={"type": "json_object"}),
    "JSON, not checked": prepared(response_format={"type": "json_object"}, gateway={"check_json": False}),
    "reasoning alone": prepared(gateway={"allow_reasoning_only": True}),
    "the model that it states": prepared(gateway={"show_model": "requested"}),
    "the messages": prepared(messages=[{"role": "user", "content": "Ho"}]),
    "an unknown field": prepared(unheard_of=1),
}


def test_stream_and_openai_usage_are_part_of_the_key_even_if_no_field_differs() -> None:
    bare = prepared()
    streamed = replace(bare, request=replace(bare.request, stream=True))
    openais = replace(bare, request=replace(bare.request, openai_usage=True))

    assert len({key_of(each) for each in (bare, streamed, openais)}) == 3


def test_the_headers_that_go_upstream_are_part_of_the_key() -> None:
    bare = prepared()
    beta = replace(bare, headers=(("anthropic-beta", "a"),))

    assert key_of(bare) != key_of(beta)


def test_everything_that_affects_the_answer_changes_the_key() -> None:
    keys = {name: key_of(each) for name, each in {"as it is": prepared(), **DIFFERENT}.items()}

    assert len(set(keys.values())) == len(keys), keys


def test_without_fallbacks_only_the_first_model_is_part_of_the_key() -> None:
    alone = prepared(models=["b/two"], gateway={"fallbacks": False})

    assert key_of(alone) == key_of(prepared())
    assert key_of(alone) != key_of(prepared(models=["b/two"]))


NOT_IN_KEY = {
    "patience": "short",
    "watch": True,
    "max_wait_ms": 1_000,
    "deadline_ms": 1_000,
    "attempt_ms": 1_000,
    "first_token_ms": 1_000,
    "idle_ms": 1_000,
    "retries": 0,
    "errors": "all",
    "on_midstream": "restart",
    "hedge_ms": 100,
    "keepalive_ms": 1_000,
    "retry_first": True,
    "stop_on": ["rate_limited"],
    "retry_billed": True,
    "max_cost_usd": 1,
    "max_session_usd": 1,
    "loop_limit": 3,
    "strict": True,
    "cache_ttl_s": 5,
    "join": True,
    "order": "cheapest",
    "weights": {"a/one": 2},
    "allow_model_change": True,
    "embedding_space": "a/one/3",
}
WEIGHTED = {"order": "weighted"}  # `weights` requires this order
IN_KEY = {"check_json", "allow_reasoning_only", "fallbacks", "show_model"}


@pytest.mark.parametrize("name", [*NOT_IN_KEY])
def test_an_option_that_does_not_affect_the_answer_does_not_change_the_key(name: str) -> None:
    assert key_of(prepared(gateway=WEIGHTED | {name: NOT_IN_KEY[name]})) == key_of(prepared())


def test_every_option_is_classified_by_whether_it_affects_answers() -> None:
    assert NOT_IN_KEY.keys() | IN_KEY == OPTIONS.keys()


def test_ticket_and_session_do_not_change_the_key() -> None:
    again = replace(prepared(), ticket="2", session=Session(name="s", digest="d"))

    assert key_of(again) == key_of(prepared())


# What tells this gateway from another one of the zone that has a key of the same name.
OTHER_GATEWAYS = {
    "another account": {"OPENROUTER_API_KEY": "sk-or-v1-another"},
    "no account": {"OPENROUTER_API_KEY": ""},
    "another OpenRouter": {"OPENROUTER_BASE_URL": "https://eu.openrouter.ai/api/v1"},
    "the same account and another token": {"GATEWAY_KEYS": "tests:canary-of-another-token"},
    "one token more of this name": {"GATEWAY_KEYS": f"{TOKENS}\ntests:canary-of-the-second-token"},
}


@pytest.mark.parametrize("changes", OTHER_GATEWAYS.values(), ids=OTHER_GATEWAYS)
def test_another_gateway_of_the_zone_cannot_share_an_answer(changes: dict[str, str]) -> None:
    assert key_of(prepared(), settings_of(**changes)) != key_of(prepared())


@pytest.mark.parametrize(
    "changes",
    [
        {"UPSTREAMS": json.dumps({"near": {**DIRECT["near"], "base_url": "https://other.example/v1"}})},
        {"NEAR_KEY": "canary-of-another-direct-key"},
    ],
    ids=["another address", "another key"],
)
def test_a_direct_upstream_counts_where_it_is_named(changes: dict[str, str]) -> None:
    named = replace(prepared(), planned=replace(prepared().planned, requested=("direct:near/fast",)))

    assert key_of(named, settings_of(**changes)) != key_of(named)
    assert key_of(prepared(), settings_of(**changes)) == key_of(prepared())


@pytest.mark.parametrize(
    "changes",
    [
        {"GATEWAY_KEYS": f"others:canary-of-another-token\n{TOKENS}"},
        {"DEADLINE_MS": "1000"},
        {"SITE_URL": "https://app.example"},
    ],
    ids=["another caller's key", "a limit", "its site"],
)
def test_other_settings_make_no_other_key(changes: dict[str, str]) -> None:
    assert key_of(prepared(), settings_of(**changes)) == key_of(prepared())


def test_the_order_of_a_callers_tokens_makes_no_other_key() -> None:
    both = [TOKENS, "tests:canary-of-the-second-token"]
    keys = {key_of(prepared(), settings_of(GATEWAY_KEYS="\n".join(each))) for each in (both, both[::-1])}

    assert len(keys) == 1


def test_a_key_is_made_of_the_text_as_it_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []

    def write(value: Json) -> bytes:
        text = to_json_bytes(value)
        written.append(len(text))
        return text

    monkeypatch.setattr(cacheable, "to_json_bytes", write)
    monkeypatch.setattr(cacheable, "parse_json", None)
    key_of(prepared(x=[{}] * 10_000))

    assert sum(written) < 1_000


def test_a_key_reveals_nothing_about_the_request() -> None:
    key = key_of(prepared(Caller(name="tests", own_key="sk-or-1")))

    assert len(key) == 64
    assert set(key) <= set("0123456789abcdef")
