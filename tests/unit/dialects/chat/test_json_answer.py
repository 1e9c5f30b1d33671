import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.json_text import json_in
from gateway.http.json_values import Json, JsonObject
from tests.support.chunks import DONE, STOP, text, text_in
from tests.support.upstream import Act, answer, stream
from tests.support.world import Answer, World

pytestmark = pytest.mark.anyio
OBJECT: JsonObject = {"type": "json_object"}


def schema(root: Json) -> JsonObject:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": root}}}


def choices(*messages: JsonObject, finish: str = "stop") -> Act:
    return answer(
        choices=[
            {"index": index, "message": {"role": "assistant", **message}, "finish_reason": finish}
            for index, message in enumerate(messages)
        ]
    )


async def ask(act: Act, response_format: JsonObject = OBJECT, **options: Json) -> Answer:
    """Return the answer of two models; the second one answers {}."""
    world = World().script("a/one", act).script("b/two", choices({"content": "{}"}))
    return await world.ask(
        "a/one", "b/two", response_format=response_format, gateway={"retries": 0, **options}
    )


def contents(got: Answer) -> list[Any]:
    return [choice["message"]["content"] for choice in got.json["choices"]]


@pytest.mark.parametrize(
    "content",
    [
        '{"a":1}',
        ' {"a":1}\n',
        '```json\n{"a":1}\n```',
        '```JSON\r\n{"a":1}\r\n```\r\n',
        '```\n{"a":1}\n```',
        '```json{"a":1}```',
        '```{"a":1}```',
        '\n\n  ```json \n {"a":1} \n ``` \n',
        '```javascript\n{"a":1}\n```',
        '```jsonc \n{"a":1}\n```',
        '{"a":1}\n```',
        '```json\n{"a":1}',
        '\ufeff{"a":1}',
        '\ufeff```json\n{"a":1}\n```',
        '\u00a0{"a":1}\u00a0',
    ],
)
async def test_a_client_that_asked_for_json_gets_text_that_parses(content: str) -> None:
    got = await ask(choices({"content": content}))

    assert got.receipt["served"] == "a/one"
    assert json.loads(contents(got)[0]) == {"a": 1}


async def test_a_fence_around_the_texts_of_parts_is_taken_off() -> None:
    parts: list[Json] = [{"type": "text", "text": "```json\n"}, "{}", {"type": "text", "text": "\n```"}]

    assert contents(await ask(choices({"content": parts}))) == ["{}"]


async def test_texts_of_parts_must_be_json_too() -> None:
    got = await ask(choices({"content": [{"type": "text", "text": "Hi"}]}))

    assert got.codes == ["invalid_json_answer", None]


@pytest.mark.parametrize(
    "content",
    [
        "```",
        "```json```",
        "``{}``",
        "```jsonx {}```",
        "````{}````",
        "x {}",
        "{}x",
        "Here:\n```json\n{}\n```",
        "```json\n{}\n```\nAnything else?",
        "```json\n{\n```",
    ],
)
async def test_what_is_in_a_fence_must_be_json(content: str) -> None:
    assert (await ask(choices({"content": content}))).codes == ["invalid_json_answer", None]


NO_OBJECTS = [
    "null",
    '"Porto"',
    "7",
    "1.5",
    "true",
    "[]",
    '[{"a":1}]',
    "```json\n[]\n```",
    '"```json\\n{}\\n```"',
]


@pytest.mark.parametrize("response_format", [OBJECT, schema("object")], ids=["json_object", "schema"])
@pytest.mark.parametrize("content", NO_OBJECTS)
async def test_what_is_no_object_is_no_answer_to_a_request_for_one(
    content: str, response_format: JsonObject
) -> None:
    got = await ask(choices({"content": content}), response_format)

    assert got.codes == ["invalid_json_answer", None]


@pytest.mark.parametrize(
    ("root", "content", "fits"),
    [
        ("array", "[]", True),
        ("array", "{}", False),
        ("string", '"Porto"', True),
        (None, "7", True),
        (["object", "null"], "null", True),
        ("canary", "7", True),
    ],
)
async def test_a_schema_says_which_type_the_json_has(root: Json, content: str, fits: bool) -> None:
    got = await ask(choices({"content": content}), schema(root))

    assert got.codes[0] == (None if fits else "invalid_json_answer")


async def test_each_choice_is_treated_alone() -> None:
    got = await ask(
        choices({"content": "```\n{}\n```"}, {"content": "```\nno\n```"}, {"content": '{"a": 1}'})
    )

    assert contents(got) == ["{}", "```\nno\n```", '{"a": 1}']


@pytest.mark.parametrize(
    "message",
    [
        {"content": None, "refusal": "No."},
        {
            "content": "Let me see.",
            "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f"}}],
        },
        {"content": "```\n{}\n```", "function_call": {"name": "f", "arguments": "{}"}},
    ],
    ids=["refusal", "tool calls", "the older form of a tool call"],
)
async def test_tool_calls_and_refusals_stay_as_they_are(message: JsonObject) -> None:
    got = await ask(choices(message))

    assert got.codes == [None]
    assert contents(got) == [message["content"]]


async def test_without_the_check_a_fence_stays() -> None:
    assert contents(await ask(choices({"content": "```\n{}\n```"}), check_json=False)) == ["```\n{}\n```"]


async def test_a_request_for_text_gets_a_fence_as_it_is() -> None:
    got = await ask(choices({"content": "```json\n{}\n```"}), {"type": "text"})

    assert contents(got) == ["```json\n{}\n```"]


async def test_an_answer_that_is_cut_off_by_its_limit_keeps_its_text() -> None:
    got = await ask(choices({"content": '```json\n{"a":'}, finish="length"))

    assert (contents(got), got.codes) == (['```json\n{"a":'], [None])


async def test_a_stream_keeps_its_fence() -> None:
    world = World().script("a/one", stream(text("```json\n"), text("{}\n```"), STOP, DONE))

    got = await world.ask("a/one", stream=True, response_format=OBJECT)

    assert text_in(got.events) == "```json\n{}\n```"


async def test_a_cached_answer_has_no_fence_either() -> None:
    world = World().script("a/one", choices({"content": "```\n{}\n```"}))
    fields: dict[str, Any] = {"response_format": OBJECT, "gateway": {"cache_ttl_s": 60}}

    await world.ask("a/one", **fields)
    await world.let_run()
    got = await world.ask("a/one", **fields)

    assert got.receipt["cache"]["hit"]
    assert contents(got) == ["{}"]


@given(st.text(alphabet='`jsonJ{}[]" \n\ufeff1', max_size=30))
def test_what_is_found_is_json_of_its_type(content: str) -> None:
    found = json_in(content, "object")

    assert found is None or isinstance(json.loads(found), dict)
