import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.sse import MAX_EVENT_BYTES, EventTooLargeError, SseDecoder, data_of, event_of


def decode(*pieces: bytes) -> tuple[list[bytes], bytes]:
    decoder = SseDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events, decoder.rest


def data_in(*pieces: bytes) -> list[bytes]:
    events, _ = decode(*pieces)
    return [data for data in map(data_of, events) if data is not None]


@pytest.mark.parametrize(
    ("body", "data"),
    [
        pytest.param(
            b"data: YHOO\ndata: +2\ndata: 10\n\n", [b"YHOO\n+2\n10"], id="spec: data of several lines"
        ),
        pytest.param(
            b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            [b"first event", b"second event", b" third event"],
            id="spec: comments, ids, one space is removed",
        ),
        pytest.param(b"data:test\n\ndata: test\n\n", [b"test", b"test"], id="spec: the space is optional"),
        pytest.param(b"event: add\ndata: 73857293\n\n", [b"73857293"], id="spec: an event's name"),
        pytest.param(
            b"data: a\n\ndata: cut", [b"a"], id="spec: an event without its blank line does not count"
        ),
        pytest.param(b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"], id="CRLF"),
        pytest.param(b"data: a\r\rdata: b\r\r", [b"a", b"b"], id="CR"),
        pytest.param(b"data: a\n\r\ndata: b\r\n\n", [b"a", b"b"], id="mixed line ends"),
        pytest.param(b"\xef\xbb\xbfdata: a\n\n", [b"a"], id="byte order mark"),
        pytest.param(b"data:\n\n", [b""], id="empty data"),
        pytest.param(b"data:\ndata:\n\n", [b"\n"], id="two lines of empty data"),
        pytest.param(b": OPENROUTER PROCESSING\n\n:\n\n: \n\n", [], id="comments only"),
        pytest.param(b"\n\n\n\ndata: a\n\n\n\n", [b"a"], id="blank lines between events"),
        pytest.param(b"database: a\n\nDATA: a\n\n data: a\n\n", [], id="other fields"),
    ],
)
def test_data_is_parsed_as_in_the_standard(body: bytes, data: list[bytes]) -> None:
    assert data_in(body) == data


LINE_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
LINES = st.sampled_from([b"data: {}", b"data:x", b"data: y z", b": comment", b"id: 7", b"data", b"", b"\xff"])
BODIES = st.lists(st.tuples(LINES, LINE_ENDS), max_size=30).map(
    lambda pairs: b"".join(a + b for a, b in pairs)
)
CUTS = st.lists(st.integers(0, 200), max_size=30)


def cut(body: bytes, places: list[int]) -> list[bytes]:
    borders = [0, *sorted(place for place in places if place < len(body)), len(body)]
    return [body[start:end] for start, end in itertools.pairwise(borders)]


@given(BODIES, CUTS)
def test_no_byte_is_changed_or_lost_wherever_a_piece_ends(body: bytes, places: list[int]) -> None:
    events, incomplete = decode(*cut(body, places))

    assert b"".join(events) + incomplete == body


@given(BODIES, CUTS)
def test_the_data_is_the_same_wherever_a_piece_ends(body: bytes, places: list[int]) -> None:
    assert data_in(*cut(body, places)) == data_in(body)


@given(BODIES)
def test_single_bytes_give_the_same_data_as_one_piece(body: bytes) -> None:
    assert data_in(*(body[place : place + 1] for place in range(len(body)))) == data_in(body)


def test_an_event_is_returned_as_soon_as_its_blank_line_arrives() -> None:
    decoder = SseDecoder()

    assert decoder.feed(b"data: a\n") == []
    assert decoder.feed(b"\ndata") == [b"data: a\n\n"]
    assert decoder.rest == b"data"


def test_an_event_that_does_not_end_is_an_error() -> None:
    decoder = SseDecoder()
    decoder.feed(b"x" * MAX_EVENT_BYTES)

    with pytest.raises(EventTooLargeError):
        decoder.feed(b"x")


def test_a_large_event_that_ends_is_returned() -> None:
    body = b"data: " + b"x" * (MAX_EVENT_BYTES - 8) + b"\n\n"

    events, incomplete = decode(body)

    assert events == [body]
    assert incomplete == b""


def test_a_field_after_the_data_is_not_data_even_without_a_blank_line() -> None:
    assert data_of(b"data: a\nid: 7\n") == b"a"


def test_a_written_event_can_be_read_back() -> None:
    assert data_in(event_of(b'{"a":1}')) == [b'{"a":1}']
