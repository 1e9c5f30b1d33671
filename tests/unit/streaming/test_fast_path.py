import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.chat.chunk_form import CHUNKS
from gateway.dialects.event_facts import inspect_event
from gateway.http.sse import data_of, event_of
from gateway.streaming.fast_path import LEARN_EVERY, MAX_FRAMES, MAX_LEARNED_BYTES, RepeatedFrames


def chunk(content: str, **choice: object) -> bytes:
    delta = {"role": "assistant", "content": content}
    payload = {"id": "gen-1", "choices": [{"index": 0, "delta": delta, **choice}]}
    return event_of(json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode())


def reasoning(text: str, second: str | None = None) -> bytes:
    details = [{"type": "reasoning.text", "text": text if second is None else second}]
    delta = {"content": "", "reasoning": text, "reasoning_details": details}
    return event_of(json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode())


def learned(*events: bytes) -> RepeatedFrames:
    frames = RepeatedFrames()
    for event in events:
        frames.learn(event)
    return frames


@pytest.mark.parametrize(
    "text", [" another, and longer: {}[],:", 'a "quote"', "line\n", "\t", "ü", "\U0001f3db", "\u2028", "\\"]
)
def test_an_event_that_differs_only_in_its_text_repeats_the_frame(text: str) -> None:
    assert learned(chunk("word-1 ")).repeats(chunk(text))
    assert learned(chunk('first "\n')).repeats(chunk(text))


def test_each_text_of_an_event_may_differ() -> None:
    frames = learned(reasoning("We"))

    assert frames.repeats(reasoning(" think"))
    assert frames.repeats(reasoning(" think", " something else"))
    assert not frames.repeats(reasoning(" think", ""))


def test_the_frames_of_events_that_alternate_are_all_known() -> None:
    frames = learned(chunk("word"), reasoning("We"))

    assert frames.repeats(chunk("another"))
    assert frames.repeats(reasoning("know"))


def test_only_the_newest_frames_are_stored() -> None:
    events = [chunk("word", number=number) for number in range(MAX_FRAMES + 1)]

    frames = learned(*events)

    assert [frames.repeats(each) for each in events] == [False, *[True] * MAX_FRAMES]


def test_no_event_repeats_a_frame_before_one_is_learned_or_after_all_are_forgotten() -> None:
    frames = learned(chunk("word"))
    frames.forget()

    assert not frames.repeats(chunk("word"))
    assert not RepeatedFrames().repeats(chunk("word"))


WORD = chunk("word")


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(chunk(""), id="no text"),
        pytest.param(WORD.replace(b"word", b"x\ny"), id="a line end"),
        pytest.param(WORD.replace(b"word", b"x\ty"), id="a raw tab"),
        pytest.param(WORD.replace(b"word", b"x\x00y"), id="a null byte"),
        pytest.param(WORD.replace(b"word", b"x\xff"), id="no UTF-8"),
        pytest.param(WORD.replace(b"word", b"\xc3"), id="half a character"),
        pytest.param(WORD.replace(b"word", b"\xed\xa0\x80"), id="a surrogate in UTF-8"),
        pytest.param(WORD.replace(b"word", b"\\x41"), id="no escape of JSON"),
        pytest.param(WORD.replace(b"word", b"\\u12"), id="a short escape"),
        pytest.param(WORD.replace(b"word", b"x\\"), id="an escaped end"),
        pytest.param(WORD.replace(b'"word"', b'"x","error":"y"'), id="an extra key after the text"),
        pytest.param(chunk("word", finish_reason="stop"), id="a finish reason"),
        pytest.param(WORD.replace(b"gen-1", b"gen-2"), id="another id"),
        pytest.param(WORD.replace(b"\n\n", b"\r\n\r\n"), id="other line ends"),
        pytest.param(WORD[:-2] + WORD, id="two objects"),
        pytest.param(WORD[:-5] + b"\n\n", id="brackets too few"),
        pytest.param(b": comment\n\n", id="a comment"),
        pytest.param(b"\n\n", id="nothing"),
    ],
)
def test_an_event_that_differs_in_more_does_not_repeat_the_frame(event: bytes) -> None:
    assert not learned(WORD).repeats(event)


def test_a_stream_whose_events_all_differ_is_seldom_learned() -> None:
    frames = learned(*[chunk("word", number=number) for number in range(1_000)])
    known = [number for number in range(1_000) if frames.repeats(chunk("word", number=number))]

    assert len(known) == MAX_FRAMES
    assert known[-1] - known[0] == (MAX_FRAMES - 1) * LEARN_EVERY


@pytest.mark.parametrize(
    "event",
    [chunk(""), b": comment\n\n", b'data: "content":"x', chunk("x" * MAX_LEARNED_BYTES, index=7)],
    ids=["no text", "a comment", "a cut text", "a long event"],
)
def test_an_event_without_a_short_text_is_not_learned(event: bytes) -> None:
    frames = learned(WORD, event)

    assert frames.repeats(chunk("another"))
    assert not frames.repeats(event)


PIECES = [
    b'"',
    b"\\",
    b"\n",
    b"x",
    b',"error":"e"',
    b"\\u00e4",
    b"\xc3\xbc",
    b"\xff",
    b"\t",
    b"}",
    b'":"',
    b" ",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=6).map(b"".join)


@given(text=TEXTS)
def test_an_event_that_repeats_the_frame_of_progress_is_valid_json_and_progress(text: bytes) -> None:
    later = WORD.replace(b"word", text)
    if not learned(WORD).repeats(later):
        return

    payload = json.loads((data_of(later) or b"").decode(), strict=True)
    facts = inspect_event(payload, form=CHUNKS, header=lambda _: None, now_s=0)

    assert (facts.progressed, facts.finished, facts.usage) == ((0,), (), None)
    assert payload == json.loads(chunk(payload["choices"][0]["delta"]["content"])[6:])
