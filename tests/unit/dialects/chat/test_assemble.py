"""The chunks of a stream make the answer that the upstream would have sent as a plain one."""

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest

from gateway.dialects.chat.assemble import ChatAssembly
from gateway.dialects.event_data import payload_in
from gateway.dialects.meter import TooMuchError
from gateway.http.long_strings import LONG_BYTES
from gateway.http.sse import data_of
from tests.support.chunks import chunk

Piece = dict[str, Any]


def assembled(*events: bytes, max_bytes: int = 1_000_000) -> dict[str, Any]:
    assembly = ChatAssembly(max_bytes, "@long-mark-")
    for each in events:
        read = payload_in(data_of(each) or b"")
        assert read is not None
        assembly.add(read)
    answer = json.loads(assembly.to_bytes())
    assert isinstance(answer, dict)
    return answer


def message_of(*deltas: Piece) -> Any:  # noqa: ANN401  # JSON
    return assembled(*map(chunk, deltas))["choices"][0]["message"]


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["a", "", "b"], "ab"),
        ([None, ""], None),  # some pieces of a tool call have an empty text
        (["", ""], ""),
        ([None, "a"], "a"),
        (["\ud83d", "\ude00"], "😀"),
        (["a\r\n", "\n"], "a\r\n\n"),
    ],
)
def test_texts_are_joined(pieces: list[str | None], text: str | None) -> None:
    assert message_of(*({"content": each} for each in pieces))["content"] == text


def test_reasoning_details_are_merged_by_index_and_type() -> None:
    def of(index: int | None, kind: str, **fields: object) -> Piece:
        at = {} if index is None else {"index": index}
        return {"reasoning_details": [{"type": f"reasoning.{kind}", **at, **fields}]}

    details = message_of(
        of(0, "text", text="a"),
        of(1, "text", text="x"),
        of(0, "text", text="b", signature="s", format="f"),
        of(0, "text", text="", signature=None, format="f"),
        of(0, "encrypted", data="d1", id="one"),
        of(0, "encrypted", data="d2", id="two"),
        of(None, "text", text="c"),
        of(None, "text", text="d"),
        of(None, "summary", summary="e"),
    )["reasoning_details"]

    assert [{name: each for name, each in detail.items() if name != "type"} for detail in details] == [
        {"index": 0, "text": "ab", "signature": "s", "format": "f"},
        {"index": 1, "text": "x"},
        {"index": 0, "data": "d1", "id": "one"},
        {"index": 0, "data": "d2", "id": "two"},
        {"text": "cd"},
        {"summary": "e"},
    ]


def test_calls_are_ordered_by_index() -> None:
    def call(index: int, arguments: str, **fields: object) -> Piece:
        function = {"arguments": arguments, **({"name": f"f{index}"} if fields else {})}
        return {"tool_calls": [{"index": index, **fields, "function": function}]}

    first = [call(index, begin, id=f"id-{index}", type="function") for index, begin in ((1, "{"), (0, "["))]

    calls = message_of(*first, call(1, "}"), call(0, "]"))["tool_calls"]

    assert [(each["id"], each["function"]) for each in calls] == [
        ("id-0", {"name": "f0", "arguments": "[]"}),
        ("id-1", {"name": "f1", "arguments": "{}"}),
    ]


def test_the_pieces_of_an_audio_make_one_base64_text() -> None:
    pieces = [b64encode(data).decode() for data in (b"a", b"bcd", b"ef")]

    audio = message_of({"audio": {"id": "x"}}, *({"audio": {"data": each}} for each in pieces))["audio"]

    assert (audio["id"], b64decode(audio["data"], validate=True)) == ("x", b"abcdef")


def test_of_fields_of_the_answer_the_newest_value_that_says_something_counts() -> None:
    answer = assembled(
        chunk({"content": "a"}, service_tier=None, citations=["a"], usage={"n": 1}),
        chunk({"content": "b"}, service_tier="flex", citations=["a", "b"], usage={"n": 2}),
        chunk({"content": ""}, service_tier=None, citations=[], usage=None),
    )

    assert (answer["service_tier"], answer["citations"], answer["usage"]) == ("flex", ["a", "b"], {"n": 2})
    assert answer["object"] == "chat.completion"


def test_unknown_texts_are_joined_unless_they_repeat() -> None:
    pieces: list[Piece] = [{"label": "x", "more": each, "new": {"n": [each]}} for each in "ab"]

    message = message_of(*pieces)

    assert message == {"label": "x", "more": "ab", "new": {"n": ["a", "b"]}}


def test_a_message_beside_the_delta_is_no_part_of_the_answer() -> None:
    pieces = [
        {"index": 0, "delta": {"content": each}, "message": {"content": all_}}
        for each, all_ in (("a", "a"), ("b", "ab"))
    ]

    [choice] = assembled(*(chunk(choices=[each]) for each in pieces))["choices"]

    assert choice["message"]["content"] == "ab"


def test_a_number_that_json_cannot_represent_is_null() -> None:
    event = chunk({"content": "a"}, odd=[0.5]).replace(b"0.5", b"1e999")

    assert assembled(event)["odd"] == [None]


def test_long_strings_of_several_chunks_keep_their_places() -> None:
    long = [letter * LONG_BYTES for letter in "abc"]

    message = message_of({"content": long[0], "images": [long[1]]}, {"content": long[2] + " @long-0-0@"})

    assert message == {"content": long[0] + long[2] + " @long-0-0@", "images": [long[1]]}


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "x" * 100},
        {"content": "é" * 50},
        {"images": [{"x": "x" * 100}]},
        {"images": [[] for _ in range(100)]},
        {"audio": {"data": "x" * 100}},
    ],
)
def test_what_is_kept_has_a_limit(delta: Piece) -> None:
    with pytest.raises(TooMuchError):
        message_of(*[delta] * 12_000)


def test_names_have_a_limit_too() -> None:
    with pytest.raises(TooMuchError):
        assembled(*(chunk(**{f"field-{number}": None}) for number in range(80_000)), max_bytes=500_000)
