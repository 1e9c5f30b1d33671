import json

import pytest

from gateway.http.errors import ConfigError
from gateway.settings.price import Price
from gateway.settings.settings import Settings
from gateway.settings.task_routes import DEFAULT_ROUTES, as_task_routes


def routes(value: object) -> dict[str, tuple[str, ...]]:
    return {route.name: route.models for route in as_task_routes(json.dumps(value))}


def test_the_names_of_the_built_in_routes() -> None:
    names = {route.name for route in DEFAULT_ROUTES}

    assert names == {"task/classification", "task/code", "task/reasoning", "task/bulk"}
    assert {route.name for route in as_task_routes("")} == names


@pytest.mark.parametrize("route", DEFAULT_ROUTES, ids=lambda route: route.name)
def test_a_built_in_route_has_a_reason_and_several_models(route: object) -> None:
    assert getattr(route, "reason", "").endswith(".")
    assert len(set(getattr(route, "models", ()))) >= 2


def test_an_operator_can_add_replace_and_remove_routes() -> None:
    changed = routes({"task/mine": ["a/one"], "task/code": ["b/two", "c/three"], "task/bulk": None})

    assert changed["task/mine"] == ("a/one",)
    assert changed["task/code"] == ("b/two", "c/three")
    assert "task/bulk" not in changed
    assert "task/reasoning" in changed


def test_all_fields_of_a_route_are_read() -> None:
    value = {
        "models": ["a/one", "a/one", "b/two"],
        "reason": "Because.",
        "order": "weighted",
        "weights": {"a/one": 3},
        "max_price": {"prompt": 1, "completion": "2.5"},
        "require": ["tools"],
        "options": {"deadline_ms": 5000, "strict": True},
    }
    (route,) = [each for each in as_task_routes(json.dumps({"task/mine": value})) if each.name == "task/mine"]

    assert route.models == ("a/one", "b/two")
    assert (route.order, dict(route.weights)) == ("weighted", {"a/one": 3.0})
    assert route.max_price == Price(prompt=1.0, completion=2.5)
    assert (route.require, dict(route.options)) == (("tools",), {"deadline_ms": 5000, "strict": True})
    assert not route.is_built_in


def test_a_field_that_is_null_counts_as_absent() -> None:
    fields = ("reason", "order", "weights", "max_price", "require", "options")
    full = as_task_routes(json.dumps({"task/mine": {"models": ["a/one"], **dict.fromkeys(fields)}}))

    assert full == as_task_routes('{"task/mine": ["a/one"]}')


WRONG = [
    {"mine": ["a/one"]},
    {"task/Mine": ["a/one"]},
    {"task/mine": []},
    {"task/mine": "a/one"},
    {"task/mine": 1},
    {"task/mine": ["a one"]},
    {"task/mine": [1]},
    {"task/mine": ["task/code"]},
    {"task/mine": ["a/one"] * 30},
    {"task/mine": {}},
    {"task/mine": {"models": ["a/one"], "canary": 1}},
    {"task/mine": {"models": ["a/one"], "order": "canary"}},
    {"task/mine": {"models": ["a/one"], "weights": {"a/one": -1}}},
    {"task/mine": {"models": ["a/one"], "weights": ["canary"]}},
    {"task/mine": {"models": ["a/one"], "max_price": 1}},
    {"task/mine": {"models": ["a/one"], "max_price": {"prompt": "canary"}}},
    {"task/mine": {"models": ["a/one"], "max_price": {"prompt": -1}}},
    {"task/mine": {"models": ["a/one"], "require": "tools"}},
    {"task/mine": {"models": ["a/one"], "require": ["To ols"]}},
    {"task/mine": {"models": ["a/one"], "options": {"deadline_ms": 0}}},
    {"task/mine": {"models": ["a/one"], "options": {"canary": 0}}},
    {"task/mine": {"models": ["a/one"], "options": {"fallbacks": False}}},
    {"task/mine": {"models": ["a/one"], "options": []}},
    ["task/mine"],
]


@pytest.mark.parametrize("value", WRONG, ids=json.dumps)
def test_the_error_for_a_wrong_route_does_not_contain_its_values(value: object) -> None:
    with pytest.raises(ConfigError, match="TASK_ROUTES") as raised:
        Settings.from_env({"TASK_ROUTES": json.dumps(value)}.get)

    assert "canary" not in raised.value.message
    assert raised.value.param == "TASK_ROUTES"


@pytest.mark.parametrize("text", ["{", "canary", "[1", '{"a": NaN'])
def test_invalid_json_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="TASK_ROUTES must be JSON"):
        Settings.from_env({"TASK_ROUTES": text}.get)


@pytest.mark.parametrize(
    "env", [{"DEFAULT_MODEL": "task/typo"}, {"FALLBACK_MODELS": "a, task/typo"}], ids=repr
)
def test_a_task_in_the_default_chain_must_exist(env: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="names a task") as raised:
        Settings.from_env(env.get)

    assert raised.value.param in env
