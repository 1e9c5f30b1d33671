import json

import pytest

from gateway.config import Settings
from gateway.parse import parse
from gateway.plan import Plan, plan


def planned(env: dict[str, str] | None = None, **fields: object) -> Plan:
    body = {"messages": [{"role": "user", "content": "Hi"}], **fields}
    return plan(parse(json.dumps(body).encode()), Settings.from_env(env or {}))


def chain(env: dict[str, str] | None = None, **fields: object) -> list[str]:
    return [candidate.model for candidate in planned(env, **fields).chain]


CHAIN = {"DEFAULT_MODEL": "d", "FALLBACK_MODELS": "e f"}


def test_the_models_that_a_request_names_are_its_chain() -> None:
    assert chain(CHAIN, model="a", models=["b", "c"]) == ["a", "b", "c"]


def test_a_request_that_names_none_gets_the_settings_chain() -> None:
    assert chain(CHAIN) == ["d", "e", "f"]


@pytest.mark.parametrize("fields", [{}, {"model": "a", "models": ["b"]}], ids=repr)
def test_without_fallbacks_the_chain_is_its_first_model(fields: dict[str, object]) -> None:
    assert len(chain(CHAIN, **fields, gateway={"fallbacks": False})) == 1


TIMES = [
    ("deadline_s", "DEADLINE_MS", "deadline_ms"),
    ("attempt_s", "ATTEMPT_MS", "attempt_ms"),
    ("first_token_s", "FIRST_TOKEN_MS", "first_token_ms"),
    ("idle_s", "IDLE_MS", "idle_ms"),
]


@pytest.mark.parametrize(("limit", "setting", "option"), TIMES)
def test_a_time_is_the_settings(limit: str, setting: str, option: str) -> None:
    assert option
    assert getattr(planned({setting: "1500"}).limits, limit) == 1.5


@pytest.mark.parametrize(("limit", "setting", "option"), TIMES)
def test_a_time_that_the_request_asks_for_counts_more(limit: str, setting: str, option: str) -> None:
    assert getattr(planned({setting: "1500"}, gateway={option: 2500}).limits, limit) == 2.5


def test_an_attempt_has_no_time_of_its_own_unless_it_is_set() -> None:
    assert planned().limits.attempt_s is None


def test_no_retries_may_be_asked_for() -> None:
    assert planned({"RETRIES": "3"}, gateway={"retries": 0}).limits.retries == 0
