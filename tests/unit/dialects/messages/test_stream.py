"""Tests what a client gets for each event of a committed Messages stream, read as a strict client does."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.http.json_values import JsonObject
from tests.support.messages import (
    CALL,
    ERROR,
    PING,
    RECEIPT,
    STOP,
    TEXT,
    Played,
    add,
    begin,
    end,
    event,
    finish,
    of,
    play,
    put,
    sign,
    start,
    think,
    tool,
)
from tests.support.messages_reader import events_in, read
from tests.support.work import check_growth

DONE = b"data: [DONE]\n\n"
ENDED: JsonObject = {"stop_reason": "end_turn"}
UNTYPED = event({"type": "ping"}, "x").replace(b'"type"', b'"kind"')
BARE_BLOCK = of("content_block_start", index=0, content_block={"type": "text"})


def without_receipt(sent: bytes) -> bytes:
    return sent.replace(b',"gateway":{"served":"a/one"}', b"")


def compact(raw: bytes) -> bytes:
    """Return an event as the gateway writes it."""
    name, data = raw.decode().split("\n")[:2]
    return f"{name}\ndata: {json.dumps(json.loads(data[6:]), separators=(',', ':'))}\n\n".encode()


@pytest.mark.parametrize("events", [TEXT, CALL])
def test_only_the_end_of_a_healthy_answer_is_written_anew_because_of_the_receipt(
    events: tuple[bytes, ...],
) -> None:
    got = play(events)

    assert without_receipt(got.all) == b"".join((*events[:-2], compact(events[-2]), events[-1]))
    assert read(got.all).end == {**json.loads(events[-2].split(b"data: ")[1]), "gateway": RECEIPT}
    assert got.fault is None


# Each: what the client would get wrong if it got these events as they are, and the events.
MENDED: dict[str, tuple[bytes, ...]] = {
    "no message_start": TEXT[1:],
    "no message_start before the end": (end("max_tokens"), STOP),
    "a second message_start": (*TEXT[:3], start(id="msg_2"), *TEXT[3:]),
    "a message_start that has ended": (start(stop_reason="end_turn"), *TEXT[1:]),
    "a message_start with content": (start(content=[{"type": "text", "text": "x"}]), *TEXT[1:]),
    "a message_start without names": (start(id=None, model=""), *TEXT[1:]),
    "a message_start without a usage": (start(usage=None), *TEXT[1:]),
    "indexes that begin at 1": (start(), begin(1), add("Hello", 1), add("!", 1), finish(1), end(), STOP),
    "indexes with a gap": (start(), begin(0), finish(0), begin(7), add("Hello!", 7), finish(7), end(), STOP),
    "an index that is a float": (start(), begin(0.0), add("Hello!", 0.0), finish(0.0), end(), STOP),
    "a block that is not stopped": (start(), begin(), add("Hello!"), end(), STOP),
    "two blocks that are not stopped": (start(), begin(), begin(1, "thinking"), add("Hello!"), end(), STOP),
    "a block that is stopped twice": (*TEXT[:5], finish(), *TEXT[5:]),
    "a stop of a block that never began": (*TEXT[:5], finish(4), *TEXT[5:]),
    "a stop after the end": (*TEXT[:4], end(), finish(), STOP),
    "two ends": (*TEXT[:5], end(None), end(), STOP),
    "an end in the middle": (*TEXT[:3], end("max_tokens"), *TEXT[3:]),
    "a usage after the end": (*TEXT[:6], of("message_delta", delta={}, usage={"output_tokens": 16}), STOP),
    "an end without a usage": (*TEXT[:5], of("message_delta", delta=ENDED), STOP),
    "an end with a null usage": (*TEXT[:5], of("message_delta", delta=ENDED, usage=None), STOP),
    "no message_stop": TEXT[:-1],
    "[DONE] instead of message_stop": (*TEXT[:-1], DONE),
    "a named [DONE] instead of message_stop": (*TEXT[:-1], b"event: data\ndata: [DONE]\n\n"),
    "[DONE] after message_stop": (*TEXT, DONE),
    "a delta after message_stop": (*TEXT, add("more")),
    "a text block without a text": (start(), BARE_BLOCK, *TEXT[2:]),
    "a null delta": (*TEXT[:3], add(None), *TEXT[3:]),
    "an event without a type": (*TEXT[:3], UNTYPED, *TEXT[3:]),
    "a type that no line can hold": (*TEXT[:3], event({"type": "a\nb: c"}, "x"), *TEXT[3:]),
    "another name than its type": (*TEXT[:3], event({"type": "ping"}, "error"), *TEXT[3:]),
    "a receipt of the upstream": (*TEXT[:3], of("ping", gateway={"served": "x"}), *TEXT[3:]),
}  # fmt: skip  # one case a line


@pytest.mark.parametrize("name", MENDED)
def test_the_client_gets_a_valid_sequence_of_events_and_one_end(name: str) -> None:
    got = play(MENDED[name])
    client = read(got.all)

    assert got.fault is None
    assert client.stopped
    assert client.end is not None
    assert client.end["gateway"] == RECEIPT
    assert client.text in ("Hello!", "")


# Each: why no client could place an event, and the events up to it.
BROKEN: dict[str, tuple[bytes, ...]] = {
    "a block that begins twice": (start(), begin(), begin()),
    "a block that begins again": (*TEXT[:5], begin()),
    "a delta of a block that never began": (start(), begin(), add("x", 1)),
    "a delta of a block that has stopped": (*TEXT[:5], add("x")),
    "a delta without an index": (start(), begin(), add("x", None)),
    "a delta with a negative index": (start(), begin(), add("x", -1)),
    "a block with a huge index": (start(), begin(100_001)),
    "a block with a text as its index": (start(), begin("0")),
    "a block with true as its index": (start(), begin(True)),
    "a block without a type": (start(), begin(0, None)),
    "a text within a tool's input": (start(), tool(), add("x")),
    "a tool's input within a text": (start(), begin(), put("x")),
    "thinking within a text": (start(), begin(), think("x")),
    "a text that is a number": (start(), begin(), add(1)),
    "a delta that is a text": (start(), begin(), of("content_block_delta", index=0, delta="x")),
    "a message that is none": (of("message_start", message="x"),),
}  # fmt: skip  # one case a line


@pytest.mark.parametrize("name", BROKEN)
def test_an_event_without_a_place_cuts_the_answer_off_and_is_not_sent(name: str) -> None:
    got = play(BROKEN[name])
    client = read(
        got.all + got.stream.error_event({"type": "error", "error": {"type": "api_error", "message": "m"}})
    )

    assert got.fault is not None
    assert got.fault.code == "malformed_event"
    assert got.sent[-1] == b""
    assert client.end is None
    assert client.error is not None


@pytest.mark.parametrize(
    ("events", "code"),
    [
        (TEXT[:4], "no_finish_reason"),
        (TEXT[:5], "no_finish_reason"),
        ((*TEXT[:5], STOP), "no_finish_reason"),
        ((*TEXT[:5], end(None)), "no_finish_reason"),
        ((*TEXT[:5], end(None), STOP), "no_finish_reason"),
        ((*TEXT[:5], end(""), STOP), "no_finish_reason"),
        ((*TEXT[:5], end(7), STOP), "no_finish_reason"),
        ((*TEXT[:5], DONE), "no_finish_reason"),
        ((*TEXT[:6], begin(1), add("more", 1)), "no_finish_reason"),
        ((*TEXT[:3], ERROR), "overloaded"),
        ((*TEXT[:6], ERROR), "overloaded"),
        ((*TEXT[:3], b'data: {"error":{"message":"m","code":502}}\n\n'), "provider_error"),
        ((*TEXT[:3], b'{"error":{"message":"m","code":429}}\n\n'), "rate_limited"),
        ((*TEXT[:3], add("x").replace(b'"index"', b'"error": "e", "index"')), "provider_error"),
    ],
)
def test_an_answer_that_is_cut_off_has_no_end(events: tuple[bytes, ...], code: str) -> None:
    got = play(events)
    client = read(got.all)

    assert got.fault is not None
    assert got.fault.code == code
    assert client.end is None
    assert not client.stopped
    assert client.error is None


def test_content_after_the_end_takes_the_end_back() -> None:
    got = play(
        (*TEXT[:6], begin(1), add(" More.", 1), finish(1), end("stop_sequence", stop_sequence="x"), STOP)
    )
    client = read(got.all)

    assert client.text == "Hello! More."
    assert client.end is not None
    assert client.end["delta"] == {"stop_reason": "stop_sequence", "stop_sequence": "x"}


def test_the_end_has_the_newest_value_of_each_field_and_none_is_lost() -> None:
    results: Any = [{"type": "dangerous_tool_use", "status": {"type": "available"}}]
    got = play(
        (
            *TEXT[:5],
            of(
                "message_delta",
                delta={"stop_reason": "end_turn", "safeguard_results": results},
                context_management={"a": 1},
            ),
            of(
                "message_delta",
                delta={"stop_reason": None, "container": {"id": "c"}},
                usage={"output_tokens": 3},
            ),
            of("message_delta", delta={}, usage={"output_tokens": 4, "cost": 0.25}),
            of("message_stop", openrouter_metadata={"a": "b"}),
        )
    )
    client = read(got.all)

    assert client.end == {
        "type": "message_delta",
        "delta": {
            "stop_reason": "end_turn",
            "safeguard_results": results,
            "container": {"id": "c"},
            "stop_sequence": None,
        },
        "context_management": {"a": 1},
        "usage": {"output_tokens": 4, "cost": 0.25},
        "gateway": RECEIPT,
    }
    assert got.all.endswith(of("message_stop", openrouter_metadata={"a": "b"}))


@pytest.mark.parametrize("raw", [of("ping", gateway={"served": "x"}), start(gateway={"served": "x"})])
def test_a_receipt_of_the_upstream_is_not_sent_on(raw: bytes) -> None:
    assert b"gateway" not in play((raw, *TEXT[1:5]), closes=False).all


def test_an_unknown_stop_reason_passes() -> None:
    client = read(play((*TEXT[:5], end("a_new_reason"), STOP)).all)

    assert client.end is not None
    assert client.end["delta"]["stop_reason"] == "a_new_reason"


def test_the_usage_is_settled_with_what_the_message_start_states() -> None:
    got = play(
        (start(usage={"input_tokens": 25, "cache_read_input_tokens": 5, "output_tokens": 1}), *TEXT[1:])
    )

    assert got.usages[-1] == {
        "input_tokens": 25,
        "cache_read_input_tokens": 5,
        "output_tokens": 15,
        "cost": 0.5,
    }


def test_a_cost_at_the_start_is_none_yet() -> None:
    got = play(
        (start(usage={"input_tokens": 25, "cost": 0}), *TEXT[1:5], end(usage={"output_tokens": 15}), STOP)
    )

    assert got.usages[-1] == {"input_tokens": 25, "output_tokens": 15}


def test_a_null_count_does_not_replace_a_known_one() -> None:
    got = play((start(), *TEXT[1:5], end(usage={"input_tokens": None, "output_tokens": 15}), STOP))

    assert got.usages[-1]["input_tokens"] == 25


def test_an_input_count_of_0_at_the_start_passes_as_it_is() -> None:
    first = start(usage={"input_tokens": 0, "output_tokens": 0})

    assert play((first, *TEXT[1:])).sent[0] == first


@pytest.mark.parametrize(
    "written",
    [
        b"event: ping\r\ndata: {}\r\n\r\n",
        b"\xef\xbb\xbfevent: ping\ndata: {}\n\n",
        b"data: {}\n\n",
        b"event:ping\ndata:{}\n\n",
        b"data: {}\nevent: ping\n\n",
        b"id: 1\nevent: ping\nretry: 5\ndata: {}\n\n",
        b": a comment\nevent: ping\ndata: {}\n\n",
        b"event: ping\ndata: {}\nretry: {}\n\n",
        b"event: ping\ndata: {}\ndata: \n\n",
    ],
)
def test_an_event_in_another_form_is_written_in_two_lines(written: bytes) -> None:
    data = add("Hey")[len(b"event: content_block_delta\ndata: ") : -2]
    odd = written.replace(b"{}", data).replace(b"ping", b"content_block_delta")
    got = play((*TEXT[:2], odd, *TEXT[4:]))

    assert read(got.all).text == "Hey"
    assert got.repeats[2] is False


def test_a_number_that_json_cannot_represent_becomes_null_only_where_the_event_changes() -> None:
    odd = add("Hey", 1).replace(b'"text_delta"', b'"text_delta", "x": 1e999')
    got = play((start(), begin(1), odd, finish(1), end(), STOP))

    assert b'"x":null' in got.sent[2]
    assert read(got.all).text == "Hey"


def test_a_long_string_passes_although_its_event_is_written_anew() -> None:
    long = "A" * 600_000
    thought = (begin(3, "thinking"), sign(long, 3), finish(3))
    said = (begin(4), add("Hi", 4), finish(4))
    got = play((start(), *thought, *said, end(safeguard_results=long), STOP))
    client = read(got.all)

    assert client.blocks[0]["signature"] == long
    assert client.end is not None
    assert client.end["delta"]["safeguard_results"] == long


def test_pings_and_unknown_events_pass_without_being_progress() -> None:
    unknown = of("a_new_event", text="x")
    got = play((*TEXT[:3], PING, unknown, *TEXT[3:]))

    assert got.sent[3:5] == [PING, unknown]
    assert got.progress[3:5] == [False, False]


@pytest.mark.parametrize(
    ("raw", "progress"),
    [
        (begin(1), False),
        (begin(1, "thinking"), False),
        (begin(1, "compaction"), False),
        (tool(1), True),
        (begin(1, "web_search_tool_result", content=[]), True),
        (begin(1, "redacted_thinking", data="x"), True),
        (add(""), False),
        (add(" "), True),
        (finish(), False),
        (end(), True),
        (end(None), False),
    ],
)
def test_what_is_progress_after_the_commit(raw: bytes, progress: bool) -> None:
    assert play((*TEXT[:3], raw), closes=False).progress[-1] is progress


@pytest.mark.parametrize(
    ("raw", "repeats"),
    [
        (add("x"), True),
        (add(""), False),
        (add("x").replace(b"\n\n", b"\r\n\r\n"), False),
        (PING, False),
        (finish(), False),
        (begin(1), False),
    ],
)
def test_only_a_clean_delta_may_be_repeated_unread(raw: bytes, repeats: bool) -> None:
    assert play((*TEXT[:2], raw), closes=False).repeats[-1] is repeats


def test_a_delta_whose_index_changes_is_not_repeated_unread() -> None:
    got = play((start(), begin(1), add("x", 1)), closes=False)

    assert got.repeats[-1] is False
    assert got.stream.may_hand_over is False


def test_nothing_is_handed_over_while_the_end_is_held() -> None:
    assert play(TEXT[:5], closes=False).stream.may_hand_over is True
    assert play(TEXT[:6], closes=False).stream.may_hand_over is False


@pytest.mark.parametrize(
    ("events", "text"),
    [
        (TEXT[:4], "Hello!"),
        ((start(), begin(0, "thinking"), think("Hm"), sign("s"), finish(), begin(1), add("Hi", 1)), "Hi"),
        ((*TEXT[:5], begin(1, text=" A"), add("b", 1)), "Hello! Ab"),
        ((*TEXT[:5], tool(1)), None),
        ((*TEXT[:5], begin(1, citations=[{"type": "x"}])), None),
        ((*TEXT[:5], begin(1, "server_tool_use")), None),
        (
            (
                *TEXT[:3],
                of("content_block_delta", index=0, delta={"type": "citations_delta", "citation": {}}),
            ),
            None,
        ),
        ((*TEXT[:2], add("A" * 600_000)), None),
    ],
)
def test_the_text_is_collected_while_the_answer_is_only_text_and_thinking(
    events: tuple[bytes, ...], text: str | None
) -> None:
    assert play(events, collect=True, closes=False).stream.text == text
    assert play(events, closes=False).stream.text is None


def test_an_error_event_has_no_request_id() -> None:
    body: JsonObject = {
        "type": "error",
        "error": {"type": "api_error", "message": "m"},
        "request_id": "req-1",
    }

    assert events_in(play(()).stream.error_event(body)) == [
        ("error", {"type": "error", "error": {"type": "api_error", "message": "m"}})
    ]


# Each: many events of one kind, by their number.
MANY: dict[str, Callable[[int], list[bytes]]] = {
    "texts": lambda size: [add("x")] * size,
    "blocks": lambda size: [each for index in range(1, size) for each in (begin(index), finish(index))],
    "open blocks": lambda size: [begin(index) for index in range(1, size)],
    "pings": lambda size: [PING] * size,
    "ends": lambda size: [of("message_delta", delta={f"a{index}": 1}) for index in range(size)],
}


@pytest.mark.parametrize("kind", MANY)
def test_each_event_costs_the_same_however_many_came_before(kind: str) -> None:
    def work_of(size: int) -> Callable[[], object]:
        events = (start(), begin(), *MANY[kind](size))
        return lambda: play(events, closes=False)

    check_growth(work_of, 1_000)


def test_a_stream_that_has_ended_sends_nothing_more() -> None:
    got: Played = play((*TEXT, *TEXT))

    assert read(got.all).names.count("message_stop") == 1
