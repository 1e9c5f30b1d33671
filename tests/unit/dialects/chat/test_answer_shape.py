import json

import pytest

from gateway.dialects.chat.answer_shape import shape_completion
from gateway.dialects.finish_reason import FINISH_REASONS
from gateway.http.json_values import Json, JsonObject
from tests.support.samples import sample
from tests.support.upstream import reply
from tests.support.world import EPOCH_S, Answer, World

pytestmark = pytest.mark.anyio
USAGE: JsonObject = {
    "prompt_tokens": 3,
    "completion_tokens": 2,
    "total_tokens": 5,
    "cost": 0.5,
    "prompt_tokens_details": {"cached_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0},
}
MESSAGE: JsonObject = {"role": "assistant", "content": "Hi", "refusal": None}
CHOICE: JsonObject = {"index": 0, "logprobs": None, "finish_reason": "stop", "message": MESSAGE}
REGULAR: JsonObject = {
    "id": "gen-1",
    "object": "chat.completion",
    "created": 1_795_338_000,
    "model": "served/one",
    "choices": [CHOICE],
    "usage": USAGE,
}


async def get(payload: Json) -> Answer:
    world = World().script("a/one", reply(200, json.dumps(payload).encode(), x_generation_id="gen-header"))
    return await world.ask("a/one")


async def message_of(**fields: Json) -> dict[str, object]:
    """Return the client's message for an upstream message that differs from ``MESSAGE`` in ``fields``."""
    got = await get({**REGULAR, "choices": [{**CHOICE, "message": {**MESSAGE, **fields}}]})
    message = got.json["choices"][0]["message"]
    assert isinstance(message, dict)
    return message


async def test_a_regular_answer_is_passed_on_byte_for_byte() -> None:
    raw = b'{ "x":1.50, ' + json.dumps(REGULAR).encode()[1:-1] + b"\n}"
    got = await World().script("a/one", reply(200, b"\n " + raw + b"\n")).ask("a/one")

    assert got.body.startswith(raw[:-1])
    assert got.json["gateway"]["served"] == "a/one"


@pytest.mark.parametrize("name", ["ok-01", "ok-02", "ok-03"])
async def test_a_recorded_answer_keeps_all_its_fields(name: str) -> None:
    before = sample(name).json

    got = (await get(before)).json

    assert set(got) == {*before, "gateway"}
    assert [set(choice) for choice in got["choices"]] >= [{"index", "message", "finish_reason"}]
    assert keeps_everything(before, got)


def keeps_everything(before: Json, after: Json) -> bool:
    if isinstance(before, dict):
        return isinstance(after, dict) and all(
            keeps_everything(before[name], after.get(name)) for name in before
        )
    if isinstance(before, list):
        return isinstance(after, list) and all(map(keeps_everything, before, after))
    return before == after


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "gen-header"),
        ("object", "chat.completion"),
        ("created", int(EPOCH_S)),
        ("model", "a/one"),
        ("usage", None),
    ],
)
@pytest.mark.parametrize("form", ["missing", "null"])
async def test_missing_or_null_top_level_fields_are_filled_in(name: str, value: object, form: str) -> None:
    payload = {**REGULAR, name: None}
    if form == "missing":
        del payload[name]

    assert (await get(payload)).json[name] == value


async def test_a_choice_without_an_index_or_a_role_gets_them() -> None:
    choices: list[Json] = [{"message": {"content": word}, "finish_reason": "stop"} for word in ("a", "b")]

    got = (await get({**REGULAR, "choices": choices})).json["choices"]

    assert [choice["index"] for choice in got] == [0, 1]
    assert {choice["message"]["role"] for choice in got} == {"assistant"}
    assert all(choice["logprobs"] is None and choice["message"]["refusal"] is None for choice in got)


IMAGE: JsonObject = {"type": "image_url", "image_url": {"url": "data:x"}}
TEXT: JsonObject = {"type": "text", "text": "a"}
BOTH: JsonObject = {"reasoning": "A", "reasoning_content": "B"}
DETAILS: JsonObject = {"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}
UNKNOWN: JsonObject = {"annotations": [{"x": 1}], "new": {"y": [2]}}
MESSAGES: list[tuple[str, JsonObject, JsonObject]] = [
    ("text parts are joined", {"content": [TEXT, {"text": "b"}]}, {"content": "ab"}),
    ("image parts become images", {"content": [TEXT, IMAGE]}, {"content": "a", "images": [IMAGE]}),
    ("images add up", {"content": [IMAGE], "images": [IMAGE]}, {"content": None, "images": [IMAGE] * 2}),
    ("no text is null", {"content": None, "images": [IMAGE]}, {"content": None, "images": [IMAGE]}),
    ("reasoning_content", {"reasoning_content": "A"}, {"reasoning": "A", "reasoning_content": "A"}),
    ("reasoning has precedence", BOTH, BOTH),
    ("details are kept", DETAILS, DETAILS),
    ("unknown fields are kept", UNKNOWN, UNKNOWN),
]


@pytest.mark.parametrize(("fields", "expected"), [pytest.param(*row, id=name) for name, *row in MESSAGES])
async def test_a_message_is_brought_into_one_form(fields: JsonObject, expected: JsonObject) -> None:
    got = await message_of(**fields)

    assert {name: got[name] for name in expected} == expected


ARGUMENTS: list[tuple[Json, str]] = [
    ('{"x": 1}', '{"x": 1}'),
    ({"x": "ä"}, '{"x": "ä"}'),
    ([1], "[1]"),
    ([], "{}"),
    (None, "{}"),
    ("", "{}"),
    (" ", "{}"),
    ({}, "{}"),
]


@pytest.mark.parametrize(("arguments", "expected"), ARGUMENTS)
async def test_a_tool_call_gets_an_id_a_type_and_string_arguments(arguments: Json, expected: str) -> None:
    got = await message_of(content=None, tool_calls=[{"function": {"name": "f", "arguments": arguments}}])

    function = {"name": "f", "arguments": expected}
    assert got["tool_calls"] == [{"id": "call_gen-1_0", "type": "function", "function": function}]


async def test_a_tool_calls_own_id_is_kept_and_all_ids_differ() -> None:
    call: JsonObject = {"function": {"name": "f", "arguments": "{}"}}

    got = await message_of(tool_calls=[{**call, "id": "own", "index": 0}, call, call])

    calls = got["tool_calls"]
    assert isinstance(calls, list)
    assert [each["id"] for each in calls] == ["own", "call_gen-1_1", "call_gen-1_2"]


async def test_a_function_call_becomes_a_tool_call() -> None:
    function: JsonObject = {"name": "f", "arguments": {"x": 1}}

    got = await message_of(content=None, function_call=function)

    calls = got["tool_calls"]
    assert isinstance(calls, list)
    assert calls[0]["function"] == {"name": "f", "arguments": '{"x": 1}'}
    assert (calls[0]["id"], calls[0]["type"]) == ("call_gen-1_0", "function")
    assert "function_call" in got


CALLS: list[Json] = [{"id": "x", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
FINISHES = [
    *((reason, reason, False) for reason in sorted(FINISH_REASONS)),
    ("STOP", "stop", False),
    ("SAFETY", "content_filter", False),
    ("a new word", "length", False),
    *((word, "tool_calls", True) for word in ("stop", "end_turn", "tool_use", "function_call", "tool_calls")),
    *((word, "length", True) for word in ("length", "MAX_TOKENS")),
    ("content_filter", "content_filter", True),
]


@pytest.mark.parametrize(("native", "reason", "has_calls"), FINISHES)
def test_a_finish_reason_becomes_one_of_openais(native: str, reason: str, has_calls: bool) -> None:
    choice = {**CHOICE, "finish_reason": native}
    if has_calls:
        choice["message"] = {**MESSAGE, "content": None, "tool_calls": CALLS}
    payload: JsonObject = {**REGULAR, "choices": [choice]}

    changed = shape_completion(payload, always={})

    assert choice["finish_reason"] == reason
    assert choice.get("native_finish_reason") == (native if native != reason else None)
    assert changed is (native != reason)


@pytest.mark.parametrize("native", ["", "null", "FINISH_REASON_UNSPECIFIED", None])
def test_an_answer_that_does_not_say_how_it_ended_has_no_finish_reason(native: str | None) -> None:
    choice = {**CHOICE, "finish_reason": native}

    shape_completion({**REGULAR, "choices": [choice]}, always={})

    assert choice["finish_reason"] is None
    assert "native_finish_reason" not in choice


def test_an_upstreams_native_finish_reason_is_not_overwritten() -> None:
    choice = {**CHOICE, "finish_reason": "MAX_TOKENS", "native_finish_reason": "own"}

    shape_completion({**REGULAR, "choices": [choice]}, always={})

    assert (choice["finish_reason"], choice["native_finish_reason"]) == ("length", "own")
