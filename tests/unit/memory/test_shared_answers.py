"""Tests what of the answers that requests share is kept, and what is forgotten first."""

import pytest

from gateway.memory import shared_answers
from gateway.memory.shared_answers import PIECE_BYTES, BeginningLostError, SharedAnswers


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> SharedAnswers:
    monkeypatch.setattr(shared_answers, "MAX_ANSWER_BYTES", 1_000)
    monkeypatch.setattr(shared_answers, "MAX_BYTES", 3_000)
    monkeypatch.setattr(shared_answers, "MAX_ANSWERS", 4)
    return SharedAnswers()


def keep(answers: SharedAnswers, name: str, size: int, *, ended_at_s: float = 1.0) -> None:
    """Add an answer that has ended."""
    answer = answers.begin(name, "print", now_s=0.0)
    answers.add(answer, b"x" * (size - PIECE_BYTES))
    answers.end(answer, "answered", keep=True, now_s=ended_at_s)


def found(answers: SharedAnswers) -> str:
    """Return the names of the answers that are found."""
    return "".join(each for each in "abcdefgh" if answers.find(each, now_s=2.0, keep_s=60.0))


def test_the_answers_that_ended_first_make_room_for_new_ones(answers: SharedAnswers) -> None:
    for name in "abcd":
        keep(answers, name, 900)

    assert found(answers) == "bcd"


def test_there_are_at_most_so_many_answers(answers: SharedAnswers) -> None:
    for name in "abcdef":
        keep(answers, name, 100)

    assert found(answers) == "cdef"


def test_what_has_begun_first_but_ended_last_is_kept_longest(answers: SharedAnswers) -> None:
    long = answers.begin("a", "print", now_s=0.0)
    for name in "bcd":
        keep(answers, name, 100)
    answers.end(long, "answered", keep=True, now_s=1.0)
    keep(answers, "e", 100)

    assert found(answers) == "acde"


def test_an_answer_in_flight_makes_room_for_itself(answers: SharedAnswers) -> None:
    for name in "abcd":
        keep(answers, name, 100)
    answers.begin("e", "print", now_s=2.0)

    assert found(answers) == "bcde"


def test_an_answer_that_is_too_long_is_not_kept(answers: SharedAnswers) -> None:
    keep(answers, "a", 2_000)

    assert not found(answers)
    for name in "bcd":
        keep(answers, name, 900)
    assert found(answers) == "bcd"


def test_of_a_stream_that_is_too_long_what_was_read_is_dropped(answers: SharedAnswers) -> None:
    stream = answers.begin("a", "print", now_s=0.0)
    stream.is_stream = True
    fast, slow = stream.attach(), stream.attach()
    read = 0
    for _ in range(100):
        answers.add(stream, b"x" * 36)
        read += len(stream.read(fast))
        assert not answers.must_wait(stream)

    assert read == 3_600
    assert stream.kept_bytes <= 1_100
    with pytest.raises(BeginningLostError):
        stream.read(slow)
    for name in "bc":
        keep(answers, name, 900)
    assert found(answers) == "abc"  # what was dropped takes no room


def test_of_a_stream_that_is_too_long_nothing_is_dropped_that_nobody_has_read(answers: SharedAnswers) -> None:
    stream = answers.begin("a", "print", now_s=0.0)
    stream.is_stream = True
    reader = stream.attach()
    count = 0
    while not answers.must_wait(stream):
        answers.add(stream, b"x" * 36)
        count += 1

    assert count == 11
    assert len(stream.read(reader)) == 36 * count
