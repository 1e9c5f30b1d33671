"""Odd answers: forms of the usage, and property tests that no JSON from an upstream makes shaping raise."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.chat.answer_shape import shape_completion
from gateway.dialects.chat.chunk_shape import ChatChunkShape
from gateway.dialects.usage_shape import MAX_COUNT, shape_usage
from gateway.http.json_values import Json, JsonObject
from tests.support.chunks import DONE, STOP, chunk, event, text
from tests.support.upstream import answer, reply, stream
from tests.support.world import World, run

ZEROS: JsonObject = {
    "prompt_tokens": 0,
    "completion_tokens": 0,
    "total_tokens": 0,
}
COUNTS: JsonObject = {"prompt_tokens": 3, "completion_tokens": 2}
FULL: JsonObject = {
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "total_tokens": 99,
    "cost": 0,
    "prompt_tokens_details": {"cached_tokens": 7, "cache_write_tokens": 1},
    "completion_tokens_details": {"reasoning_tokens": 4},
    "cost_details": {"upstream_inference_cost": None},
    "is_byok": False,
}
USAGES: list[tuple[str, Json, Json]] = [
    ("complete, with more fields", FULL, FULL),
    ("nothing", {}, None),
    ("counts", COUNTS, {**ZEROS, **COUNTS, "total_tokens": 5}),
    ("nulls", {**COUNTS, "completion_tokens": None}, {**ZEROS, "prompt_tokens": 3, "total_tokens": 3}),
    ("words", {"prompt_tokens": "3"}, {**ZEROS, "prompt_tokens": 3, "total_tokens": 3}),
    ("fractions", {**FULL, "total_tokens": 99.0, "completion_tokens": 5.5}, FULL),
    ("no numbers", {"prompt_tokens": "three", "completion_tokens": True}, ZEROS),
    ("details that are text", {**FULL, "completion_tokens_details": {"reasoning_tokens": "4"}}, FULL),
    ("a null cost", {**ZEROS, "cost": None}, ZEROS),
    ("null details", {"prompt_tokens_details": None}, ZEROS),
    ("null", None, None),
    ("not an object", "5 tokens", None),
]


@pytest.mark.parametrize(("upstream", "shown"), [pytest.param(*row, id=name) for name, *row in USAGES])
def test_a_usage_gets_three_whole_counts_and_nothing_that_was_not_said(upstream: Json, shown: Json) -> None:
    payload: JsonObject = {"usage": copy.deepcopy(upstream)}

    changed = shape_usage(payload)

    assert payload["usage"] == shown
    assert changed is (upstream != shown)


def test_a_missing_usage_becomes_null() -> None:
    payload: JsonObject = {}

    assert shape_usage(payload)
    assert payload == {"usage": None}


@pytest.mark.parametrize("prompt", [1.7e308, -1, True])
def test_an_impossible_token_count_does_not_raise(prompt: Json) -> None:
    payload: JsonObject = {"usage": {"prompt_tokens": prompt, "completion_tokens": 1.7e308}}

    shape_usage(payload)

    assert isinstance(payload["usage"], dict)
    assert all(type(count) is int and abs(count) <= 2 * MAX_COUNT for count in payload["usage"].values())


FIELDS = """choices message delta content tool_calls function arguments function_call index finish_reason
    usage prompt_tokens cost reasoning reasoning_content images text type id name prompt_tokens_details
    native_finish_reason x"""
NAMES = st.sampled_from(FIELDS.split())
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", " ", "stop", "tool_use", "image_url", "text", "\ud800", "gen-1"]),
)
ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)
CALL = st.fixed_dictionaries({}, optional={"index": ANY_JSON, "id": ANY_JSON, "function": ANY_JSON})
MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "content": ANY_JSON,
        "tool_calls": st.lists(CALL | ANY_JSON, max_size=3) | ANY_JSON,
        "function_call": ANY_JSON,
        "reasoning_content": ANY_JSON,
        "images": ANY_JSON,
    },
)
CHOICE = st.fixed_dictionaries(
    {}, optional={"index": ANY_JSON, "message": MESSAGE, "delta": MESSAGE, "finish_reason": ANY_JSON}
)
PAYLOAD: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={"id": ANY_JSON, "choices": st.lists(CHOICE | ANY_JSON, max_size=3), "usage": ANY_JSON}
)


@given(PAYLOAD)
def test_any_answer_can_be_shaped_and_shaping_it_again_changes_nothing(payload: dict[str, Any]) -> None:
    always: JsonObject = {"id": "gen-1", "object": "chat.completion", "created": 1, "model": "a/one"}

    shape_completion(payload, always=always)
    shaped = copy.deepcopy(payload)

    assert not shape_completion(payload, always=always)
    assert payload == shaped


@given(PAYLOAD, st.lists(PAYLOAD, max_size=4), st.booleans())
def test_any_chunks_can_be_shaped(first: dict[str, Any], chunks: list[dict[str, Any]], openai: bool) -> None:
    fallback: JsonObject = {"id": "gen-1", "created": 1, "model": "a/one"}
    shape = ChatChunkShape(first, fallback, openai_usage=openai)

    for payload in [first, *chunks]:
        shape.shape(payload)

        assert payload["object"] == "chat.completion.chunk"
        assert payload["id"]
        assert payload["model"]


@given(PAYLOAD)
def test_any_upstream_answer_never_causes_an_internal_error(payload: dict[str, Any]) -> None:
    world = World().script("a/one", reply(200, json.dumps(payload).encode()))

    got = run(world.ask("a/one", gateway={"retries": 0}))

    assert got.json
    assert world.events("internal_error") == []


@given(PAYLOAD, PAYLOAD)
def test_any_upstream_chunk_never_causes_an_internal_error(
    before: dict[str, Any], payload: dict[str, Any]
) -> None:
    world = World().script("a/one", stream(event(before), text("Hi")))
    world.script("b/two", stream(text("Hi"), event(payload), STOP, DONE))

    for model in ("a/one", "b/two"):
        got = run(world.ask(model, stream=True, gateway={"retries": 0}))
        assert got.body
    assert world.events("internal_error") == []


@pytest.mark.anyio
@pytest.mark.parametrize("requested", [False, True])
async def test_a_usage_in_the_last_content_chunk_removes_no_content(requested: bool) -> None:
    last = chunk({"content": "end"}, finish="stop", usage={"prompt_tokens": 1})
    world = World().script("a/one", stream(text("Hi"), last, DONE))

    got = (await world.ask("a/one", stream=True, stream_options={"include_usage": requested})).events[1]

    assert got["choices"][0]["delta"] == {"content": "end"}
    assert got["choices"][0]["finish_reason"] == "stop"
    assert got["usage"]["total_tokens"] == 1
    assert "cost" not in got["usage"]


@pytest.mark.parametrize(
    ("parts", "field", "value"),
    [
        pytest.param([{"type": "thinking", "thinking": "Hm."}], "reasoning", "Hm.", id="thinking"),
        pytest.param([{"type": "refusal", "refusal": "No."}], "refusal", "No.", id="a refusal"),
        pytest.param(["Hel", {"type": "text", "text": "lo"}], "content", "Hello", id="plain strings"),
        pytest.param(
            [{"type": "video", "url": "x"}], "content_parts", [{"type": "video", "url": "x"}], id="new"
        ),
    ],
)
def test_every_content_part_is_kept(parts: list[Json], field: str, value: Json) -> None:
    message: JsonObject = {"role": "assistant", "content": parts}

    shape_completion({"choices": [{"message": message}]}, always={})

    assert message[field] == value


def test_a_choice_without_a_finish_reason_gets_null() -> None:
    choice: JsonObject = {"index": 0, "message": {"role": "assistant", "content": "x"}}

    shape_completion({"choices": [choice]}, always={})

    assert choice["finish_reason"] is None


NESTED: list[tuple[str, Json, str]] = [
    ("Mistral's thinking", {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, "Hm."),
    ("two parts", {"type": "thinking", "thinking": [{"text": "H"}, "m."]}, "Hm."),
    ("a thinking part inside", {"type": "thinking", "thinking": [{"thinking": "Hm."}]}, "Hm."),
    ("an object", {"type": "reasoning", "text": {"value": "Hm."}}, "Hm."),
]


@pytest.mark.parametrize(("part", "shown"), [pytest.param(*row, id=name) for name, *row in NESTED])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.anyio
async def test_the_nested_text_of_a_part_is_found(part: Json, shown: str, streamed: bool) -> None:
    content: Json = [part, {"type": "text", "text": [{"type": "text", "text": "Porto"}]}]
    act = stream(chunk({"content": content}), STOP, DONE) if streamed else answer(content)  # type: ignore[arg-type]  # parts, as some providers send

    got = await World().script("a/one", act).ask("a/one", stream=streamed)

    choice = (got.events[0] if streamed else got.json)["choices"][0]
    message = choice["delta" if streamed else "message"]
    assert (message["content"], message["reasoning"]) == ("Porto", shown)
    assert "content_parts" not in message


@pytest.mark.anyio
async def test_empty_texts_count_as_missing_in_a_plain_answer() -> None:
    message = {"role": "", "content": "Hi"}
    empty = {
        "id": "",
        "model": "",
        "object": "",
        "created": 0,
        "choices": [{"message": message, "finish_reason": "stop"}],
    }

    got = (await World().script("a/one", reply(200, json.dumps(empty).encode())).ask("a/one")).json

    assert got["id"].startswith("gen-")
    assert (got["model"], got["object"]) == ("a/one", "chat.completion")
    assert got["created"] > 10**9
    assert got["choices"][0]["message"]["role"] == "assistant"


@pytest.mark.anyio
@pytest.mark.parametrize("streamed", [False, True])
async def test_the_answer_to_a_prompt_has_its_text_where_completions_and_chats_have_it(
    streamed: bool,
) -> None:
    def choice(text: str, finish: str | None = None) -> JsonObject:
        return {"choices": [{"index": 0, "text": text, "finish_reason": finish}]}

    plain = reply(200, json.dumps(choice("Porto", "stop")).encode())
    act = (
        stream(event(choice("Por")), event(choice("to")), event(choice("", "stop")), DONE)
        if streamed
        else plain
    )

    got = await World().script("a/one", act).ask("a/one", stream=streamed, messages=None, prompt="Where?")

    choices = [each["choices"][0] for each in (got.events[:-1] if streamed else [got.json])]
    said = [each["delta" if streamed else "message"] for each in choices]
    assert "".join(each["text"] for each in choices) == "Porto"
    assert "".join(each["content"] for each in said) == "Porto"
    assert choices[-1]["finish_reason"] == "stop"
