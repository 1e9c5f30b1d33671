"""Tests which plain Messages answers are usable, and the form that they get."""

import json

import pytest

from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.messages.dialect import MESSAGES
from gateway.dialects.plain_answer import Completion
from gateway.faults.fault import AttemptFailedError
from gateway.http.json_values import Json, JsonObject

NAMES: JsonObject = {"id": "gen-1", "created": 1, "model": "a/one"}
PLAIN = AnswerTest(json=False, reasoning_only=False)
JSON = AnswerTest(json=True, json_root="object", reasoning_only=False)
TEXT: JsonObject = {"type": "text", "text": "Hello."}
BLANK: JsonObject = {"type": "text", "text": " \n"}
THOUGHT: JsonObject = {"type": "thinking", "thinking": "Hm", "signature": "s"}
WITHHELD: JsonObject = {"type": "thinking", "thinking": "", "signature": "s"}
REDACTED: JsonObject = {"type": "redacted_thinking", "data": "x"}
CALL: JsonObject = {"type": "tool_use", "id": "toolu_1", "name": "read", "input": {}}
USAGE: JsonObject = {"input_tokens": 3, "output_tokens": 2, "cost": 0.5}


def message(*blocks: JsonObject, reason: Json = "end_turn", **members: Json) -> JsonObject:
    content: list[Json] = [*blocks]
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "served/one",
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {**USAGE},
        **members,
    }


def checked(payload: Json, test: AnswerTest = PLAIN) -> JsonObject:
    raw = json.dumps(payload).encode()
    return MESSAGES.read_answer(raw, test, header=lambda _: None, now_s=0.0).payload


def says(text: str) -> JsonObject:
    return {"type": "text", "text": text}


@pytest.mark.parametrize(
    "payload",
    [
        message(TEXT),
        message(BLANK, TEXT),
        message(CALL, reason="tool_use"),
        message(THOUGHT, CALL, reason="tool_use"),
        message({"type": "web_search_tool_result", "content": []}),
        message({"type": "new_kind"}),
        message(TEXT, reason="new_reason"),
        message(TEXT, reason="refusal"),
        message(THOUGHT, reason="refusal"),
        message(reason="max_tokens"),
        message(THOUGHT, reason="max_tokens"),
        message(reason="pause_turn"),
        message(reason="compaction"),
        message(reason="model_context_window_exceeded"),
        message(TEXT, error=None),
        message(TEXT, status="failed"),  # a field that OpenRouter may add
    ],
    ids=str,
)
def test_a_usable_answer_passes(payload: JsonObject) -> None:
    assert checked(payload) == payload


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (message(), "empty_answer"),
        (message(BLANK), "empty_answer"),
        (message(says(""), reason="stop_sequence"), "empty_answer"),
        (message({"type": "thinking", "thinking": "", "signature": ""}), "empty_answer"),
        (message(reason="tool_use"), "empty_answer"),
        (message(TEXT, reason=None), "no_finish_reason"),
        (message(TEXT, reason=7), "no_finish_reason"),
        (message(THOUGHT), "reasoning_only"),
        (message(WITHHELD), "reasoning_only"),
        (message(REDACTED, BLANK), "reasoning_only"),
        (message(TEXT, content="Hello."), "empty_answer"),
        ({"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}, "empty_answer"),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, "overloaded"),
        ({"type": "error", "error": {"message": "m", "error_type": "rate_limit_exceeded"}}, "rate_limited"),
        (message(TEXT, error={"code": 429, "message": "m"}), "rate_limited"),
        ({"error": {"code": 503, "message": "m"}}, "overloaded"),
        ([], "not_json"),
        (7, "not_json"),
    ],
    ids=str,
)
def test_a_200_that_is_no_answer_fails(payload: Json, code: str) -> None:
    with pytest.raises(AttemptFailedError) as caught:
        checked(payload)

    assert caught.value.fault.code == code
    assert caught.value.withheld is None


@pytest.mark.parametrize(
    ("raw", "content_type", "code"),
    [
        (b"<html>", "text/html", "wrong_content_type"),
        (b"event: ping", "text/event-stream", "wrong_content_type"),
        (b"{", "application/json", "not_json"),
        (b"[" + b"1," * 600_000 + b"1]", "application/json", "answer_too_large"),
    ],
    ids=["html", "a stream", "cut off", "too many values"],
)
def test_a_body_that_is_not_json_fails(raw: bytes, content_type: str, code: str) -> None:
    with pytest.raises(AttemptFailedError) as caught:
        MESSAGES.read_answer(raw, PLAIN, header=lambda _: content_type, now_s=0.0)

    assert caught.value.fault.code == code


@pytest.mark.parametrize("blocks", [(), (BLANK,)])
def test_a_refusal_without_a_word_is_withheld_with_its_answer_and_its_cost(blocks: tuple[JsonObject]) -> None:
    payload = message(*blocks, reason="refusal", stop_details={"type": "refusal"})
    with pytest.raises(AttemptFailedError) as caught:
        checked(payload)

    assert caught.value.fault.code == "filtered_answer"
    assert caught.value.fault.cost_usd == 0.5
    assert isinstance(caught.value.withheld, Completion)
    assert caught.value.withheld.payload == payload


def test_reasoning_alone_passes_if_the_caller_allows_it() -> None:
    payload = message(THOUGHT)

    assert checked(payload, AnswerTest(json=False, reasoning_only=True)) == payload


@pytest.mark.parametrize(
    ("payload", "is_json"),
    [
        (message(says('{"a": 1}')), True),
        (message(THOUGHT, says('```json\n{"a": 1}\n```')), True),
        (message(says('{"a":'), says(" 1}")), True),
        (message(says("no JSON"), CALL, reason="tool_use"), True),
        (message(says("[1]")), False),
        (message(says("no JSON")), False),
        (message(says('{"a": '), reason="max_tokens"), True),
    ],
    ids=str,
)
def test_an_answer_that_must_be_json_is_checked(payload: JsonObject, is_json: bool) -> None:
    if is_json:
        assert checked(payload, JSON)
        return
    with pytest.raises(AttemptFailedError) as caught:
        checked(payload, JSON)
    assert caught.value.fault.code == "invalid_json_answer"


def test_an_answer_in_form_does_not_change() -> None:
    payload = message(TEXT)

    assert not MESSAGES.shape_answer(payload, NAMES, PLAIN)
    assert payload == message(TEXT)


def test_what_is_missing_is_filled_and_nothing_is_taken() -> None:
    payload: JsonObject = {"content": [{**TEXT}], "stop_reason": "end_turn", "openrouter_metadata": {"a": 1}}

    assert MESSAGES.shape_answer(payload, NAMES, PLAIN)
    assert payload == {
        "id": "gen-1",
        "type": "message",
        "role": "assistant",
        "model": "a/one",
        "content": [TEXT],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
        "openrouter_metadata": {"a": 1},
    }


@pytest.mark.parametrize(
    ("blocks", "texts"),
    [
        ((says('```json\n{"a": 1}\n```'),), ['{"a": 1}']),
        ((THOUGHT, says('```\n{"a": 1}\n```')), ['{"a": 1}']),
        ((says('{"a": 1}'),), ['{"a": 1}']),
        ((says("```json"), says('\n{"a": 1}\n```')), ["```json", '\n{"a": 1}\n```']),
        ((says('```json\n{"a": 1}\n```'), CALL), ['```json\n{"a": 1}\n```']),
        ((says('```json\n{"a": 1}\n```'), says(".")), ['```json\n{"a": 1}\n```', "."]),
    ],
    ids=str,
)
def test_a_fence_is_taken_off_json_that_stands_in_one_block(
    blocks: tuple[JsonObject, ...], texts: list[str]
) -> None:
    payload = message(*({**block} for block in blocks))
    changed = MESSAGES.shape_answer(payload, NAMES, JSON)
    content = payload["content"]
    assert isinstance(content, list)

    assert [block["text"] for block in content if isinstance(block, dict) and "text" in block] == texts
    assert changed is (content != [*blocks])


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (USAGE, (3, 2, 0, 0, True)),
        (
            {
                "input_tokens": 3,
                "cache_read_input_tokens": 5,
                "cache_creation_input_tokens": 7,
                "output_tokens": 11,
                "output_tokens_details": {"thinking_tokens": 4},
            },
            (15, 11, 4, 5, True),
        ),
        ({"output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 1}}, (0, 2, 1, 0, False)),
        ({"input_tokens": None, "output_tokens": "2", "output_tokens_details": 3}, (0, 0, 0, 0, False)),
        ({}, (0, 0, 0, 0, False)),
    ],
    ids=str,
)
def test_the_tokens_of_a_usage(usage: JsonObject, counts: tuple[object, ...]) -> None:
    found = MESSAGES.tokens_of(usage)

    assert (found.prompt, found.completion, found.reasoning, found.cached, found.are_stated) == counts
