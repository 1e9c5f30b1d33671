import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.body import OWN
from gateway.dialects.chat.dialect import CHAT
from gateway.dialects.openai_fields import OPENROUTERS_OWN
from gateway.routing.chain import Candidate
from gateway.settings.caller import Caller
from gateway.settings.price import Price
from gateway.settings.settings import Settings
from gateway.upstream.compose import Composer
from tests.support.planning import parsed

DIRECT = Candidate(model="direct:near/x", upstream="near", asked="x")
SETTINGS = Settings.from_env({"UPSTREAMS": '{"near":{"base_url":"https://direct.example/v1"}}'}.get)
CAPPED = Candidate(model="a/one", asked="a/one", max_price=Price(prompt=1.0, completion=2.0))


def sent(**fields: object) -> dict[str, Any]:
    composer = Composer(
        CHAT, parsed(**fields), Caller(name="tests"), Settings.from_env(lambda _: None), lambda _: None
    )
    sent_body = composer.request_for(CAPPED, None).body
    assert isinstance(sent_body, bytes)
    body: dict[str, Any] = json.loads(sent_body)
    return body


@pytest.mark.parametrize(
    ("requested", "limits"),
    [
        (None, {"prompt": 1.0, "completion": 2.0}),
        ({}, {"prompt": 1.0, "completion": 2.0}),
        ({"prompt": 50, "completion": 100}, {"prompt": 1.0, "completion": 2.0}),
        ({"prompt": 0.5}, {"prompt": 0.5, "completion": 2.0}),
        ({"prompt": "0.5", "image": 1}, {"prompt": "0.5", "completion": 2.0, "image": 1}),
        ({"prompt": None, "completion": "cheap"}, {"prompt": 1.0, "completion": 2.0}),
        ({"prompt": -1}, {"prompt": 1.0, "completion": 2.0}),
        ("none", {"prompt": 1.0, "completion": 2.0}),
    ],
    ids=repr,
)
def test_a_caller_cannot_raise_a_routes_price_ceiling(requested: object, limits: dict[str, object]) -> None:
    body = sent(provider={"sort": "price", "max_price": requested})

    assert body["provider"] == {"sort": "price", "max_price": limits}


def test_without_a_provider_field_only_the_routes_ceiling_is_sent() -> None:
    assert sent()["provider"] == {"max_price": {"prompt": 1.0, "completion": 2.0}}


def composed(candidate: Candidate, prefill: str | None = None, **fields: object) -> dict[str, Any]:
    composer = Composer(CHAT, parsed(**fields), Caller(name="tests"), SETTINGS, lambda _: None)
    first, again = (composer.request_for(candidate, prefill).body for _ in range(2))
    assert first == again
    assert isinstance(first, bytes)
    body: dict[str, Any] = json.loads(first)
    return body


ANY = st.none() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=3)
EFFORTS = st.dictionaries(st.sampled_from(["effort", "max_tokens"]), ANY)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "stream": st.booleans(),
        "stream_options": st.none() | st.dictionaries(st.sampled_from(["include_usage", "x"]), ANY),
        "reasoning": st.none() | EFFORTS,
        "reasoning_effort": ANY,
        "provider": st.none() | st.dictionaries(st.sampled_from(["order", "max_price", "a"]), ANY),
        "plugins": st.none() | st.lists(st.integers()),
        "session_id": st.none() | st.text(),
        "x": ANY,
        "models": st.just(["b/two"]),
        "gateway": st.just({"retries": 0}),
    },
)


@given(fields=FIELDS, prefill=st.none() | st.text(max_size=9))
def test_a_direct_upstream_gets_openais_fields_alone(fields: dict[str, Any], prefill: str | None) -> None:
    body = composed(DIRECT, prefill, **fields)

    messages: list[Any] = [{"role": "user", "content": "Hi"}]
    expected = {name: value for name, value in fields.items() if name not in OPENROUTERS_OWN | OWN}
    effort = (fields.get("reasoning") or {}).get("effort")
    if effort is not None:
        expected.setdefault("reasoning_effort", effort)
    if fields.get("stream"):
        expected["stream_options"] = {**(fields.get("stream_options") or {}), "include_usage": True}
    if prefill:
        messages.append({"role": "assistant", "content": prefill})
    assert body == {"model": "x", "messages": messages, **expected}


@given(fields=FIELDS, prefill=st.none() | st.text(max_size=9))
def test_openrouter_gets_everything_and_a_routes_ceiling(fields: dict[str, Any], prefill: str | None) -> None:
    body = composed(CAPPED, prefill, **fields)

    provider = body.pop("provider")
    messages = [
        {"role": "user", "content": "Hi"},
        *([{"role": "assistant", "content": prefill}] if prefill else []),
    ]
    sent = {name: value for name, value in fields.items() if name not in OWN | {"provider"}}
    assert body == {"model": "a/one", "messages": messages, **sent}
    assert provider == {**(fields.get("provider") or {}), "max_price": {"prompt": 1.0, "completion": 2.0}}


def test_a_ceiling_for_one_kind_of_price_leaves_the_callers_other_ceilings() -> None:
    candidate = Candidate(model="a/one", asked="a/one", max_price=Price(prompt=1.0))
    own = {"prompt": 5, "completion": 7, "image": 0.5}

    assert composed(candidate, provider={"max_price": own})["provider"]["max_price"] == {**own, "prompt": 1.0}
