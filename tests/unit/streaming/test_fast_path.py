import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.chat.answer_checks import is_plain_progress
from gateway.http.sse import data_of, event_of
from gateway.streaming.fast_path import RepeatedFrame


def chunk(content: str, **choice: object) -> bytes:
    delta = {"role": "assistant", "content": content}
    payload = {"id": "gen-1", "choices": [{"index": 0, "delta": delta, **choice}]}
    return event_of(json.dumps(payload, separators=(",", ":")).encode())


def learned(event: bytes) -> RepeatedFrame:
    repeated_frame = RepeatedFrame()
    repeated_frame.learn(event)
    return repeated_frame


def test_an_event_that_differs_only_in_its_text_repeats_the_frame() -> None:
    assert learned(chunk("word-1 ")).repeats(chunk(" another, and longer: {}[],:"))


def test_no_event_repeats_a_frame_before_one_is_learned() -> None:
    assert not RepeatedFrame().repeats(chunk("word"))


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(chunk(""), id="no text"),
        pytest.param(chunk('a "quote"'), id="an escape"),
        pytest.param(chunk("line\n"), id="an escaped line end"),
        pytest.param(chunk("x").replace(b'"x"', b'"x\ny"'), id="a line end"),
        pytest.param(chunk("x").replace(b'"x"', b'"x","error":"y"'), id="an extra key after the text"),
        pytest.param(chunk("word", finish_reason="stop"), id="a finish reason"),
        pytest.param(chunk("word").replace(b"gen-1", b"gen-2"), id="another id"),
        pytest.param(chunk("word").replace(b"\n\n", b"\r\n\r\n"), id="other line ends"),
        pytest.param(b": comment\n\n", id="a comment"),
        pytest.param(b"\n\n", id="nothing"),
    ],
)
def test_an_event_that_differs_in_more_does_not_repeat_the_frame(event: bytes) -> None:
    assert not learned(chunk("word")).repeats(event)


@pytest.mark.parametrize(
    "event", [chunk(""), chunk('"'), chunk('word "'), b": comment\n\n", b'data: "content":"x']
)
def test_an_event_without_plain_text_is_not_learned(event: bytes) -> None:
    repeated_frame = learned(chunk("word"))

    repeated_frame.learn(event)

    assert repeated_frame.repeats(chunk("another"))
    assert not repeated_frame.repeats(event)


TEXTS = st.lists(st.sampled_from([b'"', b"\\", b"\n", b"x", b',"error":"e"']), max_size=5).map(b"".join)


@given(text=TEXTS)
def test_an_event_that_repeats_the_frame_of_plain_progress_is_plain_progress(text: bytes) -> None:
    later = chunk("word").replace(b"word", text)

    if learned(chunk("word")).repeats(later):
        assert is_plain_progress(data_of(later) or b"")
