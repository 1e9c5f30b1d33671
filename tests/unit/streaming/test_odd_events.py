"""Odd events of a stream: malformed ones end it, those that say nothing are dropped, errors are errors."""

import json
from typing import Any

import pytest

from tests.support.chunks import COMMENT, COST_USD, DONE, ROLE, STOP, USAGE, chunk, event, text, text_in
from tests.support.upstream import HANG, Step, stream
from tests.support.world import UPSTREAM_KEY, Answer, World

pytestmark = pytest.mark.anyio
NO_ANSWER = [
    "null",
    "[]",
    "[1, 2]",
    "true",
    "0",
    '"keep-alive"',
    "ping",
    "keep-alive 2026-11-28T10:00:00Z",
    ": OPENROUTER PROCESSING",
    "{}",
    '{"type": "ping"}',
    " ",
]


async def relay(*steps: Step, **fields: object) -> Answer:
    world = World().script("a/one", stream(*steps))
    return await world.ask("a/one", stream=True, **{"gateway": {"retries": 0}, **fields})


def says_nothing(data: str) -> bytes:
    return f"data: {data}\n\n".encode()


@pytest.mark.parametrize("data", NO_ANSWER)
async def test_an_event_that_says_nothing_is_dropped_wherever_it_stands(data: str) -> None:
    odd = says_nothing(data)

    got = await relay(odd, text("He"), odd, text("llo"), STOP, odd, USAGE, odd, DONE)

    assert (got.codes, text_in(got.events), got.events[-1]) == ([None], "Hello", "[DONE]")
    assert len(got.events) == 5
    assert [each["gateway"]["cost_usd"] for each in got.events[:-1] if "gateway" in each] == [COST_USD]


@pytest.mark.parametrize("data", NO_ANSWER)
async def test_an_event_that_says_nothing_is_no_progress(data: str) -> None:
    steps = [step for _ in range(50) for step in (says_nothing(data), 1.0)]

    got = await relay(text("Half"), *steps, STOP, DONE, gateway={"idle_ms": 9_000})

    assert got.events[-1]["error"]["code"] == "idle_timeout"


MALFORMED: list[tuple[str, bytes]] = [
    ("two objects", text("x")[6:-2] + text("y")[6:-2]),
    ("brackets too few", text("x")[6:-4]),
    ("a bracket too many", text("x")[6:-2] + b"}"),
    ("a raw tab", text("x").replace(b'"x"', b'"a\tb"')[6:-2]),
    ("a null byte", text("x").replace(b'"x"', b'"a\0b"')[6:-2]),
    ("no UTF-8", text("x").replace(b'"x"', b'"\xff"')[6:-2]),
    ("half a character", text("x").replace(b'"x"', b'"\xc3"')[6:-2]),
    ("an escape that is none", text("x").replace(b'"x"', b'"\\x"')[6:-2]),
    ("NaN", text("x").replace(b'"index":0', b'"index":NaN')[6:-2]),
    ("a trailing comma", text("x").replace(b'"x"}', b'"x",}')[6:-2]),
    ("single quotes", b"{'choices': []}"),
    ("a cut object", b'{"choices":'),
    ("a cut string", b'"keep-al'),
    ("HTML", b"<html><body>502</body></html>"),
    ("an array of chunks", b"[" + text("x")[6:-2] + b"]"),
    ("a cut array", b"[1, "),
]


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in MALFORMED])
@pytest.mark.parametrize("before", [0, 1, 5])
async def test_a_malformed_event_ends_the_stream_and_is_not_passed_on(data: bytes, before: int) -> None:
    odd = b"data: " + data + b"\n\n"

    got = await relay(*[text("Half")] * before, odd, text("end"), STOP, DONE)

    error = got.events[-1]["error"] if before else got.error
    assert error["code"] == "malformed_event"
    assert text_in(got.events if before else []) == "Half" * before
    assert data not in got.body
    if before:
        assert got.receipt["attempts"][0]["outcome"] == "cut_off"


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in MALFORMED])
async def test_a_malformed_event_after_the_answer_does_no_harm(data: bytes) -> None:
    got = await relay(text("Hi"), STOP, b"data: " + data + b"\n\n", USAGE, DONE)

    assert got.events[-1] == "[DONE]"
    assert text_in(got.events) == "Hi"
    assert data not in got.body


KEY_LINE = f"key: {UPSTREAM_KEY}\n"
HIDDEN: list[tuple[str, bytes]] = [
    ("other fields", b"event: message\nid: 7\nretry: 3000\n\n"),
    ("HTML", b"<html><body>Bad gateway</body></html>\n\n"),
    ("bare JSON", b'{"id":"gen-1","choices":[]}\n\n'),
    ("a line with the key", KEY_LINE.encode() + b"\n"),
    ("a comment with the key", f": {UPSTREAM_KEY}\n\n".encode()),
    ("a comment and a line", b": hello\nworld\n\n"),
    ("a very long comment", b": " + b"x" * 2_000 + b"\n\n"),
    ("a comment that is no UTF-8", b": \xff\n\n"),
    ("a field without a colon", b"data\n\n"),
    ("such fields", b"data\ndata\n\n"),
]


@pytest.mark.parametrize("hidden", [pytest.param(lines, id=name) for name, lines in HIDDEN])
async def test_only_comments_pass_without_data(hidden: bytes) -> None:
    got = await relay(text("He"), hidden, COMMENT, text("llo"), STOP, DONE)

    assert got.body == text("He") + COMMENT + text("llo") + STOP + DONE


@pytest.mark.parametrize("line", ["<b>x</b>", "id: 7", "event: message", ": a comment", KEY_LINE.strip()])
async def test_of_an_event_with_data_only_the_data_pass(line: str) -> None:
    words = ["l", "l", "o"]
    odd = [f"{line}\n".encode() + text(word) for word in words]

    got = await relay(*odd, text("He"), *odd, STOP, DONE)

    clean = b"".join(map(text, words))
    assert got.body == clean + text("He") + clean + STOP + DONE


async def test_a_field_data_without_a_colon_is_an_empty_line_of_data() -> None:
    payload = text("Hi")[6:-2].decode()
    cut = payload.index("[")
    spread = f"data: {payload[:cut]}\ndata\ndata: {payload[cut:]}\n\n".encode()

    got = await relay(spread, STOP, DONE)

    assert text_in(got.events) == "Hi"


ERRORS: list[tuple[str, bytes, str, str]] = [
    ("bare", b'{"error":{"message":"x","code":503}}\n\n', "overloaded", "provider"),
    ("object", event({"object": "error", "message": "x", "code": 429}), "rate_limited", "provider"),
    ("detail", event({"detail": "Not found"}), "provider_error", "provider"),
    ("details", event({"detail": [{"loc": ["body"], "msg": "required"}]}), "provider_error", "provider"),
    ("code", event({"code": 402, "message": "No credit"}), "insufficient_credits", "openrouter"),
    ("a word as code", event({"code": "1113", "message": "Arrears"}), "provider_error", "provider"),
    ("success", event({"success": False}), "provider_error", "provider"),
    ("errors", event({"success": False, "errors": [{"code": 504}]}), "upstream_timeout", "provider"),
    ("type", event({"type": "error", "error": {"type": "overloaded_error"}}), "provider_error", "provider"),
    ("Google's list", event([{"error": {"code": 503, "message": "x"}}]), "overloaded", "provider"),
    ("status", event({"status": "error", "message": "x"}), "provider_error", "provider"),
]


@pytest.mark.parametrize(("sent", "code", "source"), [pytest.param(*row, id=name) for name, *row in ERRORS])
@pytest.mark.parametrize("begun", [False, True])
async def test_an_object_that_is_no_chunk_is_an_error(
    sent: bytes, code: str, source: str, begun: bool
) -> None:
    got = await relay(*[text("Half")] * begun, sent, text("more"), STOP, DONE)

    error: Any = got.events[-1]["error"] if begun else got.error
    assert (error["code"], error["metadata"]["source"]) == (code, source)
    assert "more" not in got.body.decode()


@pytest.mark.parametrize(
    "payload",
    [
        {"code": 0, "message": "success"},
        {"status": "processing", "message": "queued"},
        {"message": "hello"},
        {"success": True},
    ],
    ids=json.dumps,
)
async def test_an_object_that_reports_no_error_says_nothing(payload: object) -> None:
    got = await relay(text("He"), event(payload), text("llo"), STOP, DONE)

    assert got.body == text("He") + text("llo") + STOP + DONE


def part(index: int, content: str = "", finish: str | None = None) -> bytes:
    delta = {"role": "assistant", "content": content}
    return chunk(finish=finish, choices=[{"index": index, "delta": delta, "finish_reason": finish}])


CUT_CHOICES: list[tuple[str, tuple[bytes, ...]]] = [
    ("the second choice", (part(0, "a"), part(1, "b"), part(0, finish="stop"))),
    ("a second choice that only has a role", (part(0, "a"), part(1), part(0, finish="stop"))),
    ("text after the finish", (part(0, "a"), part(0, finish="stop"), part(0, "b"))),
    ("a finish that means not finished", (part(0, "a"), part(0, finish="null"))),
]


@pytest.mark.parametrize("ended_by", [DONE, b""], ids=["[DONE]", "the end"])
@pytest.mark.parametrize("sent", [pytest.param(sent, id=name) for name, sent in CUT_CHOICES])
async def test_an_answer_is_complete_only_when_every_choice_has_finished(
    sent: tuple[bytes, ...], ended_by: bytes
) -> None:
    got = await relay(*sent, ended_by)

    assert got.events[-1]["error"]["code"] == "no_finish_reason"


async def test_a_choice_that_goes_on_after_its_finish_has_only_the_last_one() -> None:
    got = await relay(part(0, "a"), part(0, finish="stop"), part(0, "b"), part(0, finish="length"), DONE)

    finishes = [each["choices"][0]["finish_reason"] for each in got.events[:-1]]
    assert finishes == [None, None, None, "length"]


async def test_a_chunk_that_holds_one_choice_twice_has_one_finish() -> None:
    choices = [{"index": 0, "delta": {"content": word}, "finish_reason": "stop"} for word in "ab"]

    got = await relay(text("x"), chunk(choices=choices), DONE)

    assert [each["finish_reason"] for each in got.events[1]["choices"]] == [None, "stop"]


async def test_a_finish_on_every_chunk_counts_once_at_the_end() -> None:
    got = await relay(*[part(0, word, finish="stop") for word in "abc"], USAGE, DONE)

    finishes = [each["choices"][0]["finish_reason"] for each in got.events[:-1]]
    assert (text_in(got.events), finishes) == ("abc", [None, None, "stop", None])


async def test_the_finish_of_one_choice_stays_while_another_goes_on() -> None:
    got = await relay(
        part(0, "a"), part(1, "b"), part(0, finish="stop"), part(1, "c"), part(1, finish="length"), DONE
    )

    ends = [(each["choices"][0]["index"], each["choices"][0]["finish_reason"]) for each in got.events[:-1]]
    assert ends == [(0, None), (1, None), (1, None), (0, "stop"), (1, "length")]


async def test_a_finish_is_sent_when_the_upstream_falls_silent_after_it() -> None:
    got = await relay(text("Hi"), STOP, HANG, gateway={"idle_ms": 5_000})

    assert got.body == text("Hi") + STOP + DONE


async def test_two_choices_may_take_turns() -> None:
    turns = [part(turn % 2, str(turn)) for turn in range(20)]

    got = await relay(*turns, part(1, finish="stop"), part(0, "x"), part(0, finish="length"), DONE)

    assert got.events[-1] == "[DONE]"
    assert got.body.startswith(b"".join(turns))


FAULT_WORDS = ["error", "abort", "network_error", "insufficient_system_resource", "MALFORMED_FUNCTION_CALL"]


@pytest.mark.parametrize("word", FAULT_WORDS)
async def test_a_finish_word_for_a_failure_cuts_the_answer_off(word: str) -> None:
    got = await relay(text("Half"), chunk(finish=word), DONE)

    assert got.events[-1]["error"]["code"] == "provider_error"


@pytest.mark.parametrize("word", ["", "null", "none", "not_finished", "FINISH_REASON_UNSPECIFIED", " "])
@pytest.mark.parametrize("real", ["stop", "length", "content_filter"])
async def test_the_real_finish_reason_survives_words_for_not_finished(word: str, real: str) -> None:
    got = await relay(ROLE, *[chunk({"content": "x"}, finish=word)] * 3, chunk(finish=real), USAGE, DONE)

    finishes = [each["choices"][0]["finish_reason"] for each in got.events[:-1]]
    assert finishes == [None, None, None, None, real, None]
