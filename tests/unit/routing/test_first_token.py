"""Tests how long a stream's first progress is waited for, row by row."""

import json
from typing import Any

import pytest

from gateway.http.json_values import Json, JsonObject
from gateway.routing.chain import TimeLimit
from gateway.routing.signals import Usual
from gateway.settings.patience import PATIENCE
from tests.support.planning import listed, planned, signals_of

PLAIN_TEXT: list[Json] = ["max_tokens", "tools"]
OPTIONAL: JsonObject = {"mandatory": False, "default_enabled": False}
BY_DEFAULT: JsonObject = {"mandatory": False, "default_enabled": True}
MANDATORY: JsonObject = {"mandatory": True}
OFF: JsonObject = {"reasoning": {"enabled": False}}
ON: JsonObject = {"reasoning": {"effort": "low"}}
NO_EFFORT, OPENAI_OFF = {"reasoning": {"effort": "none"}}, {"reasoning_effort": "none"}
UNSEEN = {"reasoning": {"exclude": True}}
LONG: JsonObject = {"messages": [{"role": "user", "content": "x" * 220_000}]}
LINK: JsonObject = {"type": "file", "file": {"file_data": "https://page.example/a.pdf"}}
LINKED: JsonObject = {"messages": [{"role": "user", "content": [LINK]}]}
HERE, THERE = "the p95 measured here", "the p90 of its slowest endpoint at OpenRouter"
NONE, REASONS = "no measurements yet", "the model reasons"
MORE, LONG_PROMPT = "images, audio, search or another service", "a long prompt"


def limit_of(
    model: str = "a/one",
    *,
    fields: JsonObject | None = None,
    usual: Usual | None = None,
    patience: str = "normal",
    reasoning: Json = None,
    parameters: list[Json] = PLAIN_TEXT,
    is_listed: bool = True,
) -> TimeLimit:
    extra: dict[str, Json] = {} if reasoning is None else {"reasoning": reasoning}
    models = [listed("a/one", supported_parameters=[*parameters], **extra)] if is_listed else []
    signals = signals_of(*models, usual=usual)
    named: dict[str, Any] = {"models": [model, "b/two"], "stream": True, "gateway": {"patience": patience}}
    plan = planned(None, signals, **named | (fields or {}))
    assert plan.first_token_of is not None
    return plan.first_token_of(plan.chain[0])


@pytest.mark.parametrize(
    ("usual", "seconds", "because"),
    [
        (None, 15.0, NONE),
        (Usual(2_000.0, HERE), 8.0, f"4 times {HERE}"),
        (Usual(30_000.0, HERE), 120.0, f"4 times {HERE}"),
        (Usual(100.0, HERE), 5.0, f"4 times {HERE}, at least 5 s"),
        (Usual(5_000.0, THERE), 20.0, f"4 times {THERE}"),
    ],
)
def test_a_model_is_waited_for_as_long_as_is_usual_for_it(
    usual: Usual | None, seconds: float, because: str
) -> None:
    found = limit_of(usual=usual)

    assert (found.name, found.s, found.because) == ("first_token", seconds, because)


@pytest.mark.parametrize(
    ("reasoning", "parameters", "fields", "because"),
    [
        (None, PLAIN_TEXT, {}, NONE),
        (None, ["reasoning"], {}, REASONS),
        (None, ["reasoning"], OFF, NONE),
        (None, ["reasoning"], NO_EFFORT, NONE),
        (None, ["reasoning"], OPENAI_OFF, NONE),
        (None, ["reasoning"], ON, REASONS),
        (None, ["reasoning"], UNSEEN, REASONS),
        (None, PLAIN_TEXT, ON, NONE),
        (OPTIONAL, ["reasoning"], {}, NONE),
        (OPTIONAL, ["reasoning"], ON, REASONS),
        (OPTIONAL, ["reasoning"], {"reasoning": {"max_tokens": 2_000}}, REASONS),
        (OPTIONAL, ["reasoning"], {"reasoning_effort": "high"}, REASONS),
        (BY_DEFAULT, ["reasoning"], {}, REASONS),
        (BY_DEFAULT, ["reasoning"], OFF, NONE),
        (MANDATORY, ["reasoning"], {}, REASONS),
        (MANDATORY, ["reasoning"], OFF, REASONS),
        (None, PLAIN_TEXT, {"modalities": ["image", "text"]}, MORE),
        (None, PLAIN_TEXT, {"modalities": ["audio", "text"]}, MORE),
        (None, PLAIN_TEXT, {"modalities": ["text"]}, NONE),
        (None, PLAIN_TEXT, {"plugins": [{"id": "web"}]}, MORE),
        (None, PLAIN_TEXT, {"web_search_options": {}}, MORE),
        (None, PLAIN_TEXT, {"tools": [{"type": "openrouter:web_search"}]}, MORE),
        (None, PLAIN_TEXT, {"plugins": [{"id": "response-healing"}]}, NONE),
        (None, PLAIN_TEXT, LONG, LONG_PROMPT),
        (None, PLAIN_TEXT, LINKED, LONG_PROMPT),
    ],
)
def test_a_model_or_a_request_that_is_slow_by_nature_gets_a_minute(
    reasoning: Json, parameters: list[Json], fields: JsonObject, because: str
) -> None:
    found = limit_of(reasoning=reasoning, parameters=parameters, fields=fields)

    assert (found.s, found.because) == (15.0 if because == NONE else 60.0, because)


def test_a_variant_that_searches_the_web_gets_a_minute() -> None:
    assert limit_of("a/one:online").because == MORE


def test_a_model_that_reasons_gets_a_minute_also_if_it_is_usually_faster() -> None:
    assert limit_of(usual=Usual(1_000.0, HERE), reasoning=MANDATORY).s == 60.0


def test_a_model_that_reasons_for_long_gets_what_is_usual_for_it() -> None:
    assert limit_of(usual=Usual(40_000.0, HERE), reasoning=MANDATORY).s == 160.0


def test_without_a_model_list_only_the_request_can_say_that_a_model_reasons() -> None:
    assert limit_of(is_listed=False).because == NONE
    assert limit_of(is_listed=False, fields=ON).because == REASONS


@pytest.mark.parametrize(
    ("patience", "usual_s", "unmeasured_s", "slow_s"),
    [("short", 6.0, 8.0, 30.0), ("normal", 12.0, 15.0, 60.0), ("long", 24.0, 60.0, 180.0)],
)
def test_each_level_of_patience_has_its_own_times(
    patience: str, usual_s: float, unmeasured_s: float, slow_s: float
) -> None:
    assert limit_of(patience=patience, usual=Usual(3_000.0, HERE)).s == usual_s
    assert limit_of(patience=patience).s == unmeasured_s
    assert limit_of(patience=patience, fields=LONG).s == slow_s


@pytest.mark.parametrize("patience", [*PATIENCE])
def test_no_level_waits_less_than_five_seconds(patience: str) -> None:
    assert limit_of(patience=patience, usual=Usual(1.0, HERE)).s == 5.0


def test_a_direct_upstreams_model_reasons_if_openrouters_of_the_same_name_does() -> None:
    upstream = {"openai": {"base_url": "https://direct.example/v1", "secret": "OPENAI_API_KEY"}}
    signals = signals_of(listed("openai/gpt-5-mini", reasoning=MANDATORY))
    plan = planned(
        {"UPSTREAMS": json.dumps(upstream), "OPENAI_API_KEY": "sk-test"},
        signals,
        models=["direct:openai/gpt-5-mini", "b/two"],
        stream=True,
    )

    assert plan.first_token_of is not None
    assert plan.first_token_of(plan.chain[0]).because == REASONS
