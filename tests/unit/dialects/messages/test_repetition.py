"""Tests that a loop of an agent is found in Messages as it is in chat."""

import json

import pytest

from gateway.dialects.messages.dialect import MESSAGES
from gateway.dialects.messages.parse import parse
from gateway.dialects.repeated_calls import Repetition
from gateway.http.json_values import Json, JsonObject

USER: JsonObject = {"role": "user", "content": "Mend it."}
STOP: JsonObject = {"type": "text", "text": "Stop."}
REMINDER: JsonObject = {"type": "text", "text": "<system-reminder>Mind the time.</system-reminder>"}


def call(path: Json = "a", name: str = "read", call_id: str = "t1") -> JsonObject:
    block: Json = {"type": "tool_use", "id": call_id, "name": name, "input": {"path": path}}
    return {"role": "assistant", "content": [{"type": "text", "text": "I try."}, block]}


def result(content: Json = "x", *others: Json, call_id: str = "t1", **fields: Json) -> JsonObject:
    block: Json = {"type": "tool_result", "tool_use_id": call_id, "content": content, **fields}
    return {"role": "user", "content": [block, *others]}


def named(call_id: str) -> list[JsonObject]:
    return [call(call_id=call_id), result(call_id=call_id)]


def denied(path: str) -> list[JsonObject]:
    return [call(path), result("no", is_error=True)]


def repetition(*messages: JsonObject) -> Repetition | None:
    body = json.dumps({"messages": [USER, *messages]}).encode()
    return MESSAGES.repetition_in(parse(body).fields)


# Each: the messages, and how often the last call or error is repeated.
CASES: dict[str, tuple[list[JsonObject], int]] = {
    "nothing": ([], 0),
    "one call": ([call(), result()], 1),
    "the same call": ([call(), result()] * 3, 3),
    "the same call with another id": ([*named("1"), *named("2")], 2),
    "the same number, written otherwise": ([call(1), result(), call(1.0), result()], 2),
    "another input": ([call(), result(), call("b"), result()], 1),
    "another tool": ([call(), result(), call(name="write"), result()], 1),
    "another result": ([call(), result("x"), call(), result("y")], 1),
    "a result in blocks": ([call(), result([{"type": "text", "text": "x"}]), call(), result("x")], 2),
    "what the user says": ([call(), result(), USER, call(), result()], 1),
    "what the user says beside a result": ([call(), result("x", STOP), call(), result()], 1),
    "an image of the user": ([call(), result("x", {"type": "image"}), call(), result()], 1),
    "what the client adds to a result": ([call(), result("x", REMINDER), call(), result("x", REMINDER)], 2),
    "the same error of other calls": ([*denied("a"), *denied("b"), *denied("c")], 3),
}  # fmt: skip  # one case a line


@pytest.mark.parametrize("name", CASES)
def test_how_often_an_agent_repeats_itself(name: str) -> None:
    messages, count = CASES[name]
    found = repetition(*messages)

    assert (found.count if found else 0) == count


def test_an_escape_does_not_hide_a_call() -> None:
    body = (
        json.dumps({"messages": [USER, *[call(), result()] * 2]})
        .encode()
        .replace(b"tool_use", b"tool\\u005fuse")
    )
    found = MESSAGES.repetition_in(parse(body).fields)

    assert found is not None
    assert found.count == 2


@pytest.mark.parametrize(
    "content", [None, 7, "x", [], ["x"], [None], [{"type": "tool_use"}], [{"type": "tool_result"}]], ids=str
)
@pytest.mark.parametrize("role", ["user", "assistant", "other"])
def test_odd_messages_are_no_bug(role: str, content: Json) -> None:
    repetition(call(), {"role": role, "content": content}, result())
