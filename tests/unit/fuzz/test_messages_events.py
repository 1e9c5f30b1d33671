"""Whatever events an upstream sends, in whatever order: a client of Messages can read all that it gets.

Each case is a list of events, most of them valid alone. They pass the opening and the stream as in the
engine. Other lists continue the answer if it is cut off. ``FUZZ_CASES`` sets how many cases are tried.
"""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from gateway.dialects.answer_stream import Opened
from gateway.dialects.answer_test import AnswerTest
from gateway.dialects.event_data import DONE, MalformedEventError
from gateway.dialects.messages.dialect import MESSAGES
from gateway.dialects.read_event import ReadEvent
from gateway.dialects.read_event import read as read_event
from gateway.faults.fault import AttemptFailedError
from gateway.http.json_values import Json, JsonObject
from tests.support.messages import (
    ERROR,
    PING,
    RECEIPT,
    STOP,
    UPSTREAM,
    Played,
    add,
    begin,
    context_of,
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
from tests.support.messages_reader import Read, read

CASES = int(os.environ.get("FUZZ_CASES", "400"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))

index = st.sampled_from([0, 0, 0, 1, 1, 2, 7, -1, 1.0, True, None, "0", 10**9, 1e30])
text: st.SearchStrategy[Any] = st.sampled_from(
    ["a", "Hello", " ", "", "\n", "é😀", "\ud800", '"', None, 3, {}, []]
)
kinds = st.sampled_from(["text", "thinking", "tool_use", "redacted_thinking", "new_kind", "", None, 5])
value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
TYPES = (
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "ping",
    "error",
    "new_event",
    "a\nb",
    "",
)
MEMBERS = ("message", "index", "content_block", "delta", "usage", "error", "gateway", "type", "x")
reasons = st.sampled_from(["end_turn", "max_tokens", "refusal", "tool_use", "new", "", None, 4])
valid = st.one_of(
    st.builds(start),
    st.builds(begin, index, kinds),
    st.builds(tool, st.sampled_from([0, 1, 2])),
    st.builds(add, text, index),
    st.builds(add, text, index),
    st.builds(think, text, index),
    st.builds(sign, text, index),
    st.builds(put, text, index),
    st.builds(finish, index),
    st.builds(end, reasons),
    st.builds(lambda usage: end(usage=usage), value),
    st.sampled_from([STOP, PING, ERROR, b"data: [DONE]\n\n", b"event: data\ndata: [DONE]\n\n"]),
)
odd = st.builds(
    lambda kind, members: event({**members, "type": kind}, "x"),
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from(MEMBERS), value, max_size=4),
)
FORMS: tuple[Callable[[bytes], bytes], ...] = (
    lambda raw: raw,
    lambda raw: raw,
    lambda raw: raw.replace(b"\n", b"\r\n"),
    lambda raw: raw[raw.find(b"data:") :],
    lambda raw: b"\xef\xbb\xbf" + raw,
    lambda raw: raw.replace(b"event: ", b"event: other-"),
)
events = st.lists(
    st.builds(lambda form, raw: form(raw), st.sampled_from(FORMS), st.one_of(valid, valid, valid, odd)),
    max_size=14,
)
# A healthy answer, into which others are put.
HEALTHY = [start(), begin(), add("Hello"), add(" there."), finish(), end(), STOP]
mixed = st.builds(
    lambda place, extra: [*HEALTHY[:place], *extra, *HEALTHY[place:]], st.integers(0, len(HEALTHY)), events
)


def payloads_in(raw: list[bytes]) -> Iterator[tuple[int, JsonObject]]:
    """Yield the payload of each event with its place, up to `[DONE]` or an event that is malformed."""
    for place, each in enumerate(raw):
        try:
            found = read_event(each, UPSTREAM)
        except MalformedEventError:
            return
        if found is DONE:
            return
        if isinstance(found, ReadEvent):
            yield place, found.read.payload


def commits(raw: list[bytes]) -> list[bytes]:
    """Return the events as the engine passes them on after the commit; none if the stream does not commit."""
    opening = MESSAGES.opening(header=lambda _: None, now_s=0.0, watched=False)
    held = []
    for place, payload in payloads_in(raw):
        try:
            opened = opening.take(payload)
        except AttemptFailedError:
            return []
        if opened is not Opened.DROPPED:
            held.append(raw[place])
        if opened is Opened.COMMITTED:
            return [*held, *raw[place + 1 :]]
        if opened is Opened.WITHHELD:
            return [*held, MESSAGES.end_event]
    return []


def end_of(got: Played) -> bytes:
    """Return the error event of an answer that was cut off."""
    body: Any = {"type": "error", "error": {"type": "api_error", "message": "m"}, "request_id": "r"}
    return got.stream.error_event(body) if got.fault else b""


def check_end(client: Read, got: Played) -> None:
    """Fail if the client sees another end than the stream had."""
    assert client.stopped is (got.fault is None)
    assert (client.error is not None) is (got.fault is not None)
    if client.stopped:
        assert client.end is not None
        assert client.end["gateway"] == RECEIPT


@seed(SEED)
@settings(max_examples=CASES, deadline=None)
@given(st.one_of(events, mixed))
def test_a_client_can_read_all_that_it_gets(raw: list[bytes]) -> None:
    for each in (raw, commits(raw)):
        got = play(each)
        check_end(read(got.all + end_of(got)), got)


@seed(SEED)
@settings(max_examples=CASES, deadline=None)
@given(st.one_of(events, mixed), st.one_of(events, mixed), st.one_of(events, mixed))
def test_a_client_can_read_an_answer_that_others_continue(
    first: list[bytes], second: list[bytes], third: list[bytes]
) -> None:
    got = play(first, collect=True)
    sent, text = got.all, got.stream.text
    for each in (second, third):
        if got.fault is None or not text:
            break
        got = play(each, after=got, text=text)
        sent += got.all
        text = text + got.stream.text if got.stream.text is not None else None
    client = read(sent + end_of(got))
    check_end(client, got)
    if text is not None:
        assert client.text == text


@seed(SEED)
@settings(max_examples=CASES, deadline=None)
@given(st.one_of(events, mixed))
def test_a_plain_answer_says_what_the_stream_says(raw: list[bytes]) -> None:
    streamed = play(raw)
    assembled = MESSAGES.assembled(context_of(), max_bytes=1_000_000, mark="@")
    got = Played(assembled)
    for each in raw:
        got.take(each)
    got.close()

    assert got.fault == streamed.fault
    assert not got.all
    if got.fault is not None:
        return
    client = read(streamed.all)
    try:
        body = assembled.to_bytes()
    except AttemptFailedError:  # the input of a tool is no JSON object
        return
    message = json.loads(body)
    assert client.end is not None
    assert client.message is not None
    assert message["stop_reason"] == client.end["delta"]["stop_reason"]
    assert message["id"] == client.message["id"]
    assert [block["type"] for block in message["content"]] == [block["type"] for block in client.blocks]
    assert "".join(b["text"] for b in message["content"] if b["type"] == "text") == client.text
    check_plain(body)


def check_plain(body: bytes) -> None:
    """Fail if an answer is neither usable nor a failed attempt, or is not in shape."""
    test = AnswerTest(json=False, reasoning_only=False)
    try:
        payload = MESSAGES.read_answer(body, test, header=lambda _: None, now_s=0.0).payload
    except AttemptFailedError:
        return
    MESSAGES.shape_answer(payload, {"id": "gen-1", "model": "a/one"}, test)
    assert payload["type"] == "message"
    assert isinstance(payload["content"], list)


@seed(SEED)
@settings(max_examples=CASES, deadline=None)
@given(
    value,
    st.dictionaries(st.sampled_from(["type", "content", "stop_reason", "usage", "error", "role"]), value),
)
def test_no_body_makes_the_checks_fail_otherwise(whole: Json, members: JsonObject) -> None:
    for body in (whole, members, {"type": "message", "stop_reason": "end_turn", **members}):
        check_plain(json.dumps(body).encode())


def test_an_odd_event_of_every_type_is_read() -> None:
    for kind in TYPES:
        play([of(kind)])
