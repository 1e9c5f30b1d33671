"""Tests what counts as a repetition of an agent, by a table of transcripts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.repeated_calls import Repetition, repetition_in
from gateway.http.json_values import Json, JsonObject
from tests.support.work import check_growth

USER: JsonObject = {"role": "user", "content": "Mend it."}
SAYS: JsonObject = {"role": "assistant", "content": "I try again."}
SYSTEM: JsonObject = {"role": "system", "content": "s"}
NAMES = ("id", "type", "function", "custom", "name", "arguments", "input", "text", "error")
FAILED = "Error: no such file"


def call(arguments: Json = '{"path": "a"}', name: str = "read", call_id: str = "1") -> JsonObject:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def calls(*each: JsonObject) -> JsonObject:
    many: list[Json] = [*each]
    return {"role": "assistant", "content": None, "tool_calls": many}


def result(content: Json = "x", call_id: str = "1") -> JsonObject:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def turn(content: Json = "x", arguments: Json = '{"path": "a"}', name: str = "read") -> list[JsonObject]:
    return [calls(call(arguments, name)), result(content)]


def older(content: str = "x", arguments: str = "{}") -> list[JsonObject]:
    return [
        {"role": "assistant", "content": None, "function_call": {"name": "read", "arguments": arguments}},
        {"role": "function", "name": "read", "content": content},
    ]


def custom(text: str) -> list[JsonObject]:
    one: JsonObject = {"id": "1", "type": "custom", "custom": {"name": "patch", "input": text}}
    return [calls(one), result()]


def pair(one: str, other: str, second: str = "b") -> list[JsonObject]:
    both = calls(call(), call(json.dumps({"path": second}), call_id="2"))
    return [both, result(one, "1"), result(other, "2")]


def same_ids(second: str) -> list[JsonObject]:
    return [calls(call(), call("[]")), result("x"), result(second)]


# Each: a name, the messages, and how often the last call or error is repeated.
CASES: dict[str, tuple[list[JsonObject], int]] = {
    "nothing": ([], 0),
    "no calls": ([USER, SAYS], 0),
    "one call": ([USER, *turn()], 1),
    "one call without a result": ([USER, calls(call())], 1),
    "the same call": ([USER, *turn() * 3], 3),
    "the last one without a result": ([USER, *turn() * 3, calls(call())], 4),
    "text between": ([USER, *[*turn(), SAYS] * 3], 3),
    "a system message between": ([USER, *[*turn(), SYSTEM] * 3], 3),
    "the order of keys": ([*turn(arguments='{"a":1,"b":2}'), *turn(arguments='{"b":2,"a":1}')], 2),
    "white space": ([*turn(arguments='{"a":1}'), *turn(arguments=' { "a" : 1 }\n')], 2),
    "escapes": ([*turn(arguments='{"a":"é"}'), *turn(arguments='{"a":"\\u00e9"}')], 2),
    "numbers of the same value": ([*turn(arguments='{"a":1}'), *turn(arguments='{"a":1.0}')], 2),
    "true is not 1": ([*turn(arguments='{"a":1}'), *turn(arguments='{"a":true}')], 1),
    "the order of a list counts": ([*turn(arguments="[1,2]"), *turn(arguments="[2,1]")], 1),
    "an object in place of its text": ([*turn(arguments='{"a":1}'), *turn(arguments={"a": 1})], 2),
    "no arguments, in four forms": (
        [*turn(arguments=""), *turn(arguments="{}"), *turn(arguments=None), *turn(arguments={})],
        4,
    ),
    "arguments that are no JSON": ([*turn(arguments="{a"), *turn(arguments=" {a")], 2),
    "other arguments": ([*turn() * 3, *turn(arguments='{"path":"b"}')], 1),
    "another tool": ([*turn() * 3, *turn(name="write"), *turn()], 1),
    "a circle of two calls": ([*turn(), *turn(name="write")] * 3, 1),
    "a message of the user": ([*turn() * 3, USER, *turn() * 2], 2),
    "a message of the user at the end": ([*turn() * 3, USER], 0),
    "another result": ([*turn("x") * 3, *turn("y")], 1),
    "another result, and the same again": ([*turn("x") * 3, *turn("y") * 2], 2),
    "a job that is polled": ([each for n in range(9) for each in turn(f"{n} %")], 1),
    "the same result in another form": (
        [*turn("x"), *turn([{"type": "text", "text": "x"}]), *turn(" x\n")],
        3,
    ),
    "errors that differ": ([each for n in range(4) for each in turn(f"Error: {n}")], 4),
    "an error, then a result": ([*turn(FAILED) * 3, *turn("x")], 1),
    "the same result after an error": ([*turn("x"), *turn(FAILED), *turn("x")], 3),
    "an older call": ([USER, *older() * 3], 3),
    "an older call with another result": ([*older() * 3, *older("y")], 1),
    "an answer of both forms": ([older()[0] | calls(call()), result()] * 2, 2),
    "a custom tool": ([*custom("*** a") * 2], 2),
    "another text for a custom tool": ([*custom("*** a"), *custom("*** b")], 1),
    "the same calls in one message": ([calls(call(), call(call_id="2"))], 2),
    "two calls, again and again": ([*pair("x", "y") * 3], 3),
    "two calls, in another order": (
        [*pair("x", "y"), calls(call('{"path":"b"}', call_id="3"), call(call_id="4")), result("y", "3")],
        2,
    ),
    "two calls, one of which gets on": ([*pair("x", "y") * 3, *pair("x", "z")], 1),
    "two calls, one of which is another": ([*pair("x", "y") * 3, *pair("x", "y", "c")], 1),
    "calls with one id": (
        [each for n in range(3) for each in same_ids(str(n))],
        1,
    ),
    "the same error, other arguments": (
        [each for n in range(3) for each in turn(FAILED, arguments=f'{{"path":"{n}"}}')],
        3,
    ),
    "the same error of another tool": ([*turn(FAILED) * 1, *turn(FAILED, name="write")], 1),
    "another error, other arguments": ([*turn(FAILED), *turn("Error: full", arguments="[]")], 1),
    "a result between two errors": (
        [*turn(FAILED, "[1]"), *turn("x", "[2]"), *turn(FAILED, "[3]")],
        1,
    ),
    "one error of parallel calls": ([*pair(FAILED, FAILED)], 1),
    "a result of no call": ([result()], 0),
    "a result without an id": ([calls(call()), {"role": "tool", "content": "x"}] * 2, 2),
}


@pytest.mark.parametrize(("messages", "count"), CASES.values(), ids=CASES)
def test_a_repetition_is_counted_from_the_end_to_the_last_progress(
    messages: list[JsonObject], count: int
) -> None:
    found = repetition_in([*messages])

    assert (found.count if found else 0) == count


def test_the_repeated_tools_are_named() -> None:
    assert repetition_in([*turn() * 2]) == Repetition(names=("read",), count=2, is_error=False)
    errors = [each for n in range(3) for each in turn(FAILED, arguments=f"[{n}]")]
    assert repetition_in([*errors]) == Repetition(names=("read",), count=3, is_error=True)


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        {"role": "assistant", "tool_calls": [None, 1, {"function": []}, {"function": {"name": 1}}]},
        {"role": "assistant", "tool_calls": {"a": 1}, "function_call": []},
        {"role": "tool", "tool_call_id": [1], "content": {"a": 1}},
        calls(call('{"a":' + "[" * 100_000)),
        calls(call('{"a":"\ud800"}')),
        calls(call("1" * 10_000)),
        calls(call("[1e999, -0.0]")),
    ],
    ids=[str(number) for number in range(9)],
)
def test_no_message_makes_it_fail(message: Json) -> None:
    repetition_in([message, result(), message])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "x", "{}", "[1]", FAILED]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
)
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(["assistant", "tool", "function", "system"])},
    optional=dict.fromkeys(("content", "tool_calls", "function_call", "tool_call_id"), VALUES),
)


@given(st.lists(MESSAGES | VALUES, max_size=6))
def test_messages_of_any_form_have_a_count(messages: list[Json]) -> None:
    found = repetition_in(messages)

    assert found is None or found.count >= 1


@pytest.mark.parametrize("content", ["x", FAILED, "1" * 50])
def test_the_work_grows_no_faster_than_the_transcript(content: str) -> None:
    check_growth(lambda size: lambda: repetition_in([*turn(content) * size]), 2_000)


def test_the_work_grows_no_faster_than_one_message() -> None:
    check_growth(lambda size: lambda: repetition_in([calls(*[call(f"[{n}]") for n in range(size)])]), 2_000)
