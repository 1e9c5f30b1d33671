"""Fields of a request that hold JSON of any other kind: none of it is a fault of the gateway."""

import json
from typing import Any

import pytest

from gateway.dialects.body import OWN
from gateway.dialects.chat.fields import FIELDS
from gateway.dialects.chat.requirements import SAYING_MORE
from gateway.dialects.openai_fields import OPENROUTERS_OWN
from gateway.dialects.openrouter_fields import CHOOSING
from gateway.dialects.requirements import PARAMETERS
from gateway.settings.options import OPTIONS
from tests.support.planning import catalog_of, listed
from tests.support.upstream import DIRECT_BASE_URL
from tests.support.world import World, chat, finish, one_key

pytestmark = pytest.mark.anyio
NAMES = sorted({*FIELDS, *OPENROUTERS_OWN, *SAYING_MORE, *PARAMETERS, *CHOOSING, "user"} - {*OWN, "messages"})
VALUES: list[Any] = [
    *(None, True, 0, -1, 1.5, 1e308, "x", "\ud800", [], {}, [[]], [{}], [["x"]], [None, 7]),
    *({"a": [{}]}, {"id": ["web"]}, [{"id": ["web"], "type": {}}], {"effort": [{}]}, {"include_usage": [1]}),
    *({"type": ["x"]}, {"type": "json_schema", "json_schema": {"schema": {"type": ["object"]}}}),
    *({"max_price": {"prompt": [], "completion": {}}}, {"sort": [], "order": {}, "require_parameters": [1]}),
]
PARTS: dict[str, list[Any]] = {
    "text": [{}, [], 7],
    "image_url": [[], {"url": [1]}, "x", None],
    "file": [[{}], {"file_data": {}}, {"file_data": [1]}],
    "input_audio": [{"data": [1]}, 7],
}
CONTENTS: list[Any] = [
    *(None, 1, [], {}, [[]], ["x"], [{}], [{"type": ["text"]}]),
    *([{"type": kind, kind: value}] for kind, values in PARTS.items() for value in values),
]


def world() -> World:
    key = one_key(budget={"day_usd": 1}, limits={"plugins": [], "max_tokens": 50})
    made = World({"GATEWAY_KEYS": key, "UPSTREAMS": json.dumps({"near": {"base_url": DIRECT_BASE_URL}})})
    made.memory.catalog.catalog = catalog_of(listed("a/one"))
    return made


async def statuses(made: World, body: dict[str, Any]) -> set[int]:
    """Return the statuses of a plan, and of calls of OpenRouter's model and of a direct one."""
    calls = [
        ("/v1/plan", "a/one"),
        ("/v1/chat/completions", "a/one"),
        ("/v1/chat/completions", "direct:near/x"),
    ]
    return {
        (await finish(await made.begin({**body, "models": [model]}, path=path))).status
        for path, model in calls
    }


@pytest.mark.parametrize("name", NAMES)
async def test_no_value_of_a_field_is_a_fault_of_the_gateway(name: str) -> None:
    made = world()

    for value in VALUES:
        found = await statuses(made, chat(provider={"require_parameters": True}) | {name: value})
        assert max(found) < 500, value
    assert made.events("internal_error") == []


@pytest.mark.parametrize("name", OPTIONS)
async def test_no_value_of_an_option_is_a_fault_of_the_gateway(name: str) -> None:
    made = world()

    for value in VALUES:
        assert max(await statuses(made, chat(gateway={name: value}))) < 500, value
    assert made.events("internal_error") == []


async def test_no_content_of_a_message_is_a_fault_of_the_gateway() -> None:
    made = world()

    for content in CONTENTS:
        found = await statuses(made, {"messages": [{"role": "user", "content": content}]})
        assert max(found) < 500, content
    assert made.events("internal_error") == []
