"""Tests the plain answer that the events of a Messages stream make."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.dialects.event_data import payload_in
from gateway.dialects.messages.dialect import MESSAGES
from gateway.dialects.meter import TooMuchError
from gateway.http.json_values import Json
from gateway.http.sse import data_of
from tests.support.messages import (
    CALL,
    PING,
    STOP,
    TEXT,
    Played,
    add,
    begin,
    context_of,
    end,
    finish,
    of,
    put,
    sign,
    start,
    think,
    tool,
)
from tests.support.work import check_growth


def assembled(*events: bytes, max_bytes: int = 10_000_000) -> bytes:
    """Return the body that these events make; one that repeats the one before is added unread."""
    stream = MESSAGES.assembled(context_of(), max_bytes=max_bytes, mark="@")
    got, _last = Played(stream), b""
    for each in events:
        data = data_of(each)
        read = (
            payload_in(data)
            if data and got.repeats and got.repeats[-1] and each[:26] == add("")[:26]
            else None
        )
        if read is None:
            got.take(each)
        else:
            stream.add_repeated(read)
    got.close()
    assert got.fault is None
    assert not got.all
    return stream.to_bytes()


def changed(index: int, **delta: Json) -> bytes:
    return of("content_block_delta", index=index, delta=delta)


def message(*events: bytes) -> dict[str, Any]:
    found = json.loads(assembled(*events))
    assert isinstance(found, dict)
    return found


def test_a_text() -> None:
    assert message(*TEXT) == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "served/one",
        "content": [{"type": "text", "text": "Hello!"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 25, "output_tokens": 15, "cost": 0.5},
    }


def test_the_input_of_a_tool_is_parsed() -> None:
    found = message(*CALL)

    assert found["stop_reason"] == "tool_use"
    assert found["content"] == [{"type": "tool_use", "id": "toolu_1", "name": "read", "input": {"path": "a"}}]


@pytest.mark.parametrize("pieces", [(), ("",), (" ", "\n")], ids=["none", "empty", "white space"])
def test_a_call_without_an_input_has_an_empty_one(pieces: tuple[str, ...]) -> None:
    found = message(start(), tool(), *map(put, pieces), finish(), end("tool_use"), STOP)

    assert found["content"][0]["input"] == {}


def test_an_input_that_stands_in_the_blocks_start_stays() -> None:
    call = begin(0, "tool_use", id="t", name="read", input={"path": "b"})

    assert message(start(), call, finish(), end("tool_use"), STOP)["content"][0]["input"] == {"path": "b"}


@pytest.mark.parametrize("text", ['{"path": ', "[1]", "7", '{"a": NaN}'])
def test_an_input_that_is_no_json_object_is_a_fault(text: str) -> None:
    got = Played(MESSAGES.assembled(context_of(), max_bytes=10_000, mark="@"))
    for each in (start(), tool(), put(text), finish(), end("tool_use"), STOP):
        got.take(each)

    assert got.fault is not None
    assert got.fault.code == "malformed_event"


def test_thinking_citations_and_unknown_deltas() -> None:
    cited = [
        of("content_block_delta", index=1, delta={"type": "citations_delta", "citation": {"n": n}})
        for n in (1, 2)
    ]
    new = of("content_block_delta", index=2, delta={"type": "new_delta", "x": "y", "id": "z"})
    found = message(
        start(),
        begin(0, "thinking"),
        think("H"),
        think("m"),
        sign("s1"),
        finish(),
        begin(1),
        add("Hi", 1),
        *cited,
        finish(1),
        begin(2, "new_kind", id="n"),
        new,
        new,
        finish(2),
        end(),
        STOP,
    )

    assert found["content"] == [
        {"type": "thinking", "thinking": "Hm", "signature": "s1"},
        {"type": "text", "text": "Hi", "citations": [{"n": 1}, {"n": 2}]},
        {"type": "new_kind", "id": "n", "x": "yy"},
    ]


def test_what_the_last_events_add_stands_at_the_top() -> None:
    results: list[Json] = [{"type": "dangerous_tool_use"}]
    found = message(
        *TEXT[:5],
        PING,
        of(
            "message_delta",
            delta={"stop_reason": "end_turn", "safeguard_results": results},
            context_management={"a": 1},
        ),
        of("message_stop", openrouter_metadata={"b": 2}),
    )

    assert found["safeguard_results"] == results
    assert found["context_management"] == {"a": 1}
    assert found["openrouter_metadata"] == {"b": 2}
    assert "gateway" not in found
    assert "delta" not in found


def test_a_long_string_is_in_the_answer() -> None:
    long = "A" * 600_000
    events = (begin(0, "redacted_thinking", data=long), finish(), begin(1), add(long, 1), finish(1))

    assert [block.get("data") or block["text"] for block in message(start(), *events, end())["content"]] == [
        long
    ] * 2


def test_a_delta_of_a_known_type_changes_nothing_but_its_text() -> None:
    odd = add("Hey").replace(b'"text_delta"', b'"text_delta", "id": "x", "citations": 7')

    assert message(*TEXT[:2], odd, *TEXT[4:])["content"] == [{"type": "text", "text": "Hey"}]


@pytest.mark.parametrize(
    "events",
    [
        (*TEXT[:2], *[add("x" * 100)] * 20),
        (
            start(),
            *[each for index in range(200_000) for each in (begin(0), finish(0))][:2],
            begin(1, text="x" * 2_000),
        ),
        (start(), begin(0, "tool_use", input={"a": "x" * 2_000})),
    ],
    ids=["texts", "a text", "an input"],
)
def test_an_answer_that_is_too_large_is_refused(events: tuple[bytes, ...]) -> None:
    with pytest.raises(TooMuchError):
        assembled(*events, end("max_tokens"), STOP, max_bytes=1_000)


@pytest.mark.parametrize("last", [(STOP,), ()], ids=["message_stop", "the end of the stream"])
def test_an_end_that_is_too_large_is_refused(last: tuple[bytes, ...]) -> None:
    with pytest.raises(TooMuchError):
        assembled(*TEXT[:5], end(container="x" * 2_000), *last, max_bytes=1_000)


def test_an_answer_that_is_too_large_is_refused_before_all_of_it_is_kept() -> None:
    got = Played(MESSAGES.assembled(context_of(), max_bytes=1_000, mark="@"))
    got.take(start())
    got.take(begin())
    got.take(add("x" * 600))
    with pytest.raises(TooMuchError):
        got.take(add("x" * 600))


def test_the_escapes_of_a_text_count() -> None:
    with pytest.raises(TooMuchError):
        assembled(start(), begin(), add('"' * 600), end("max_tokens"), STOP, max_bytes=1_000)


def test_many_blocks_are_too_much() -> None:
    with pytest.raises(TooMuchError):
        assembled(start(), *[begin(index) for index in range(60_000)], max_bytes=100_000_000)


@pytest.mark.parametrize("kind", ["text_delta", "citations_delta"])
def test_putting_together_takes_linear_time(kind: str) -> None:
    one = changed(0, type=kind, text="x", citation={"a": 1})

    def work_of(size: int) -> Callable[[], object]:
        return lambda: assembled(*TEXT[:2], *[one] * size, *TEXT[4:])

    check_growth(work_of, 1_000)
