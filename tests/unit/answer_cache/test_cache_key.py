"""Which requests are the same to the cache of answers: nothing that shapes an answer may be left out."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.answer_cache.cacheable import key_of
from gateway.dialects.chat.fields import OWN, REFUSED
from gateway.pipeline.prepare import Prepared
from gateway.routing.selection import select
from gateway.settings.caller import Caller
from gateway.settings.options import OPTIONS
from gateway.settings.settings import Settings
from tests.support.planning import parsed, planned, signals_of

# Names as callers and providers make them up: nothing that the gateway knows of is needed to tell them apart.
NAMES = st.text("abc_", min_size=1, max_size=3).filter(lambda name: name not in (*OWN, *REFUSED))
LEAVES = st.none() | st.booleans() | st.integers(-2, 2) | st.floats(0, 1) | st.text(max_size=3)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner))
FIELDS = st.dictionaries(NAMES, VALUES, max_size=3)


def prepared(caller: Caller | None = None, /, **fields: object) -> Prepared:
    fields = {"model": "a/one", **fields}
    chat, caller = parsed(**fields), caller or Caller(name="tests")
    return Prepared(
        caller=caller,
        chat=chat,
        ticket="1",
        accounts=(),
        rate_headers=(),
        session=None,
        selection=select(chat, Settings.from_env(lambda _name: None), caller),
        signals=signals_of(),
        planned=planned(None, signals_of(), None, **fields),
    )


@given(one=FIELDS, other=FIELDS)
def test_two_bodies_have_one_key_if_they_are_the_same_and_only_then(
    one: dict[str, object], other: dict[str, object]
) -> None:
    is_same = json.dumps(one) == json.dumps(other)

    assert (key_of(prepared(**one)) == key_of(prepared(**other))) is is_same


# Each shapes the answer, or which of two answers is given.
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
    "JSON, unchecked": prepared(response_format={"type": "json_object"}, gateway={"check_json": False}),
    "reasoning alone": prepared(gateway={"allow_reasoning_only": True}),
    "the messages": prepared(messages=[{"role": "user", "content": "Ho"}]),
    "a field that nobody knows": prepared(unheard_of=1),
}


def test_its_key_says_by_itself_what_its_fields_say_too() -> None:
    bare = prepared()
    streamed = replace(bare, chat=replace(bare.chat, stream=True))
    openais = replace(bare, planned=replace(bare.planned, openai_usage=True))

    assert len({key_of(each) for each in (bare, streamed, openais)}) == 3


def test_whatever_shapes_an_answer_makes_another_key() -> None:
    keys = {name: key_of(each) for name, each in {"as it is": prepared(), **DIFFERENT}.items()}

    assert len(set(keys.values())) == len(keys), keys


def test_without_fallbacks_the_first_model_is_the_only_one_that_counts() -> None:
    alone = prepared(models=["b/two"], gateway={"fallbacks": False})

    assert key_of(alone) == key_of(prepared())
    assert key_of(alone) != key_of(prepared(models=["b/two"]))


NO_MATTER = {
    "deadline_ms": 1_000,
    "attempt_ms": 1_000,
    "first_token_ms": 1_000,
    "idle_ms": 1_000,
    "retries": 0,
    "errors": "all",
    "on_midstream": "restart",
    "hedge_ms": 100,
    "keepalive_ms": 1_000,
    "max_cost_usd": 1,
    "strict": True,
    "cache_ttl_s": 5,
    "order": "cheapest",
    "weights": {"a/one": 2},
}
WEIGHTED = {"order": "weighted"}  # without it there are no weights
SHAPING = {"check_json", "allow_reasoning_only", "fallbacks"}


@pytest.mark.parametrize("name", [*NO_MATTER])
def test_what_only_says_how_to_get_an_answer_makes_no_other_key(name: str) -> None:
    assert key_of(prepared(gateway=WEIGHTED | {name: NO_MATTER[name]})) == key_of(prepared())


def test_of_every_option_it_is_known_whether_it_shapes_answers() -> None:
    assert NO_MATTER.keys() | SHAPING == OPTIONS.keys()


def test_what_differs_from_call_to_call_makes_no_other_key() -> None:
    again = replace(prepared(), ticket="2", rate_headers=(("x-ratelimit-limit", "1"),), session="s")

    assert key_of(again) == key_of(prepared())


def test_a_key_tells_nothing_of_the_request() -> None:
    key = key_of(prepared(Caller(name="tests", own_key="sk-or-1")))

    assert len(key) == 64
    assert set(key) <= set("0123456789abcdef")
