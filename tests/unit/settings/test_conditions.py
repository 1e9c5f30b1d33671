import json

import pytest

from gateway.http.errors import ConfigError
from gateway.http.json_values import Json
from gateway.settings.conditions import FIELDS, MAX_CONDITIONS, MAX_WORDS, as_conditions
from gateway.settings.settings import Settings
from gateway.settings.task_routes import as_task_routes


def test_all_fields_of_a_condition_are_read() -> None:
    (condition,) = as_conditions(
        {
            "request_class": "auxiliary",
            "agent_type": [" reviewer ", "plugin:own agent"],
            "model": "claude-haiku-*",
            "prompt_tokens_over": 10,
            "prompt_tokens_under": 1e6,
        }
    )

    assert dict(condition) == {
        "request_class": ["auxiliary"],
        "agent_type": ["reviewer", "plugin:own agent"],
        "model": ["claude-haiku-*"],
        "prompt_tokens_over": 10,
        "prompt_tokens_under": 1_000_000,
    }


def test_when_can_be_a_list_of_conditions() -> None:
    assert len(as_conditions([{"model": "a*"}, {"request_class": ["x", "y"]}])) == 2


def test_a_condition_that_is_shown_can_be_set_again() -> None:
    read = as_conditions([{"model": "a*", "prompt_tokens_over": 5}, {"request_class": "x"}])
    shown: list[Json] = [{**each} for each in read]

    assert as_conditions(shown) == read


WRONG: list[tuple[object, str]] = [
    ({}, "request_class"),
    ([], "`when`"),
    ([[]], "`when`"),
    ("canary", "`when`"),
    (1, "`when`"),
    ([{"model": "a*"}] * (MAX_CONDITIONS + 1), "`when`"),
    ({"canary": 1}, "`when`"),
    ({"request_class": "main", "canary": 1}, "`when`"),
    ({"request_class": []}, "when.request_class"),
    ({"request_class": ""}, "when.request_class"),
    ({"request_class": 1}, "when.request_class"),
    ({"request_class": ["main", 1]}, "when.request_class"),
    ({"request_class": ["canary"] * (MAX_WORDS + 1)}, "when.request_class"),
    ({"request_class": "canary" * 20}, "when.request_class"),
    ({"agent_type": "canary\n"  "x"}, "when.agent_type"),
    ({"agent_type": "canarié"}, "when.agent_type"),
    ({"model": "canary with spaces"}, "when.model"),
    ({"model": []}, "when.model"),
    ({"model": {"canary": 1}}, "when.model"),
    ({"prompt_tokens_over": -1}, "when.prompt_tokens_over"),
    ({"prompt_tokens_over": True}, "when.prompt_tokens_over"),
    ({"prompt_tokens_over": "canary"}, "when.prompt_tokens_over"),
    ({"prompt_tokens_under": 1.5}, "when.prompt_tokens_under"),
    ({"prompt_tokens_over": 10, "prompt_tokens_under": 11}, "when.prompt_tokens_over"),
]  # fmt: skip  # one case a line


@pytest.mark.parametrize(("when", "field"), WRONG, ids=lambda value: json.dumps(value)[:60])
def test_the_error_for_a_wrong_condition_names_the_setting_the_task_and_the_field(
    when: object, field: str
) -> None:
    value = json.dumps({"task/mine": {"models": ["a/one"], "when": when}})

    with pytest.raises(ConfigError) as raised:
        Settings.from_env({"TASK_ROUTES": value}.get)

    assert raised.value.param == "TASK_ROUTES"
    assert "`task/mine`" in raised.value.message
    assert field in raised.value.message
    assert "canary" not in raised.value.message


def test_a_field_that_is_null_counts_as_absent() -> None:
    condition = {**dict.fromkeys(FIELDS), "model": "a*"}

    assert [dict(each) for each in as_conditions(condition)] == [{"model": ["a*"]}]


def test_routes_with_conditions_keep_the_order_in_which_they_are_written() -> None:
    when = {"model": "*"}
    value = {name: {"models": ["a/one"], "when": when} for name in ("task/z", "task/bulk", "task/a")}

    ordered = [route.name for route in as_task_routes(json.dumps(value)) if route.when]

    assert ordered == ["task/z", "task/bulk", "task/a"]
