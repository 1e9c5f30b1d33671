"""The model list as Codex reads it: a second list beside OpenAI's."""

from typing import Any

import pytest

from tests.support.models import listing
from tests.support.planning import listed
from tests.support.world import World, one_key

pytestmark = pytest.mark.anyio
# The fields without which Codex reads no entry at all. Source: Codex CLI 0.171, as observed.
REQUIRED: dict[str, type | tuple[type, ...]] = {
    "slug": str,
    "display_name": str,
    "supported_reasoning_levels": list,
    "shell_type": str,
    "visibility": str,
    "supported_in_api": bool,
    "priority": int,
    "base_instructions": str,
    "support_verbosity": bool,
    "truncation_policy": dict,
    "experimental_supported_tools": list,
}


def world(**env: str) -> World:
    made = World(env)
    made.upstream.pages["/models"] = (
        listing(
            listed("a/agent", supported_parameters=["tools", "reasoning", "parallel_tool_calls"]),
            listed("a/plain", supported_parameters=["temperature"]),
        ),
    )
    return made


async def codexs(made: World, query: str = "client_version=0.171.0") -> dict[str, Any]:
    got = await made.get(f"/v1/models?{query}")
    assert got.status == 200, got.body
    return got.json


async def test_codex_gets_both_lists_with_every_field_that_it_needs() -> None:
    body = await codexs(world())

    assert body["object"] == "list"
    ids = [each["id"] for each in body["data"]]
    assert [each["slug"] for each in body["models"]] == [each for each in ids if each != "a/plain"]
    for entry in body["models"]:
        for name, kind in REQUIRED.items():
            assert isinstance(entry[name], kind), name
        assert entry["base_instructions"]
        assert entry["apply_patch_tool_type"] in ("freeform", None)


async def test_only_models_that_call_tools_and_tasks_are_listed() -> None:
    slugs = [each["slug"] for each in (await codexs(world()))["models"]]

    assert "a/agent" in slugs
    assert "task/code" in slugs
    assert "a/plain" not in slugs


async def test_an_entry_says_what_the_model_can_do() -> None:
    entry = next(each for each in (await codexs(world()))["models"] if each["slug"] == "a/agent")

    assert entry["supports_parallel_tool_calls"] is True
    assert entry["default_reasoning_level"] == "medium"
    assert entry["context_window"] > 0


async def test_a_key_that_is_limited_to_some_models_sees_only_those() -> None:
    made = world(GATEWAY_KEYS=one_key(models=["a/agent"]))

    assert [each["slug"] for each in (await codexs(made))["models"]] == ["a/agent"]


async def test_the_filters_hold_and_nobody_else_gets_the_second_list() -> None:
    made = world()

    assert [each["slug"] for each in (await codexs(made, "client_version=1&q=agent"))["models"]] == [
        "a/agent"
    ]
    assert "models" not in await codexs(made, "limit=5")
