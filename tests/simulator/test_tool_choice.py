"""Which tool `sim/tools` calls, as loops of OpenAI's SDKs need it."""

import json
from typing import Any

import pytest

from simulator.asked import Tool
from simulator.tool_choice import arguments_of
from tests.simulator.rig import Rig


def _function(name: str, **properties: object) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "name": name, "parameters": schema}


LOOK_UP = _function("look_up", city={"type": "string"})
BILLING, SALES = _function("transfer_to_billing_agent"), _function("transfer_to_sales")


@pytest.mark.parametrize(
    ("schema", "arguments"),
    [
        ({"type": "object"}, {"city": "Oslo"}),
        ({"type": "object", "properties": {}}, {}),
        ({"properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}}}, {"a": 1, "b": True}),
        ({"properties": {"a": {"type": "number"}, "b": {}}, "required": ["a"]}, {"a": 1}),
        ({"properties": {"a": {"enum": ["red", "blue"]}, "b": {"const": 5}}}, {"a": "red", "b": 5}),
        ({"properties": {"a": {"type": ["string", "null"]}}}, {"a": "Oslo"}),
        ({"properties": {"a": {"type": "array", "items": {"type": "string"}}}}, {"a": ["Oslo"]}),
        ({"properties": {"a": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}}, {"a": 1}),
        (
            {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"properties": {"b": {}}}}},
            {"a": {"b": "Oslo"}},
        ),
    ],
)
def test_arguments_fit_the_schema(schema: dict[str, Any], arguments: object) -> None:
    assert json.loads("".join(arguments_of(Tool("look_up", schema)))) == arguments


def test_a_schema_that_contains_itself_ends() -> None:
    schema = {"properties": {"a": {"$ref": "#"}}}
    assert json.loads("".join(arguments_of(Tool("look_up", schema))))["a"]["a"]


def _play(sim: Rig, prompt: str, *tools: dict[str, Any]) -> list[str]:
    """Return what the model does until it says something: the tools' names, and then the text."""
    history: list[dict[str, Any]] = [{"role": "user", "content": prompt}]
    done: list[str] = []
    for _ in range(5):
        output = sim.ask("/responses", "sim/tools", input=history, tools=list(tools)).json()["output"]
        history += output
        for item in output:
            if item["type"] == "message":
                return [*done, item["content"][0]["text"]]
            done.append(item["name"])
            result = {"type": "function_call_output", "call_id": item["call_id"], "output": "done"}
            history.append(result)
    raise AssertionError("the model does not come to an end")


SAID = "It is raining in Oslo."


def test_the_first_tool_is_called_once(sim: Rig) -> None:
    assert _play(sim, "How is the weather?", LOOK_UP, _function("other")) == ["look_up", SAID]


def test_a_handoff_is_called_when_the_prompt_names_it(sim: Rig) -> None:
    tools = (BILLING, SALES, LOOK_UP)
    assert _play(sim, "Ask the billing agent", *tools) == ["transfer_to_billing_agent", "look_up", SAID]
    assert _play(sim, "Use transfer_to_sales", *tools) == ["transfer_to_sales", "look_up", SAID]
    assert _play(sim, "How is the weather?", *tools) == ["look_up", SAID]
    assert _play(sim, "How is the weather?", BILLING) == [SAID]
    assert _play(sim, "Ask the billing agent", BILLING) == ["transfer_to_billing_agent", SAID]


def test_chat_and_messages_take_the_arguments_from_the_schema_too(sim: Rig) -> None:
    schema = {"type": "object", "properties": {"days": {"type": "integer"}}}
    function = {"type": "function", "function": {"name": "forecast", "parameters": schema}}
    call = sim.chat("sim/tools", tools=[function]).json()["choices"][0]["message"]["tool_calls"][0]
    assert json.loads(call["function"]["arguments"]) == {"days": 1}
    tool = {"name": "forecast", "input_schema": schema}
    assert sim.messages("sim/tools", tools=[tool]).json()["content"][0]["input"] == {"days": 1}
