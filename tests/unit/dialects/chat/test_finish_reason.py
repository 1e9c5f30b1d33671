import pytest

from gateway.dialects.finish_reason import (
    FAULT_WORDS,
    FINISH_REASONS,
    FINISH_WORDS,
    NOT_FINISHED,
    finish_of,
)
from gateway.http.json_values import Json


@pytest.mark.parametrize("reason", sorted(FINISH_REASONS))
def test_openais_reasons_are_kept(reason: str) -> None:
    assert finish_of(reason) == finish_of(reason.upper()) == reason


@pytest.mark.parametrize(("word", "reason"), FINISH_WORDS.items())
def test_a_providers_word_has_one_meaning_however_it_is_written(word: str, reason: str) -> None:
    for written in (word, word.upper(), word.replace("_", "-"), word.replace("_", " "), f" {word}\n"):
        assert finish_of(written) == reason
    for name in ("FINISH_REASON_", "FinishReason.", "finish_reason_", "STOP_REASON_"):
        assert finish_of(name + word.upper()) == reason


@pytest.mark.parametrize("word", sorted(FAULT_WORDS))
def test_a_word_for_a_failure_is_a_fault(word: str) -> None:
    assert finish_of(word) == finish_of(word.upper()) == "error"


@pytest.mark.parametrize(
    "word",
    [
        None,
        *sorted(NOT_FINISHED),
        " ",
        "\n\t",
        "NULL",
        "FINISH_REASON_UNSPECIFIED",
        False,
        0,
        [],
        {},
    ],
)
def test_a_word_for_not_finished_is_no_finish_reason(word: Json) -> None:
    assert finish_of(word) is None


@pytest.mark.parametrize(
    "word",
    [
        "???",
        "stopped_early",
        "stop!",
        "OTHER",
        "x" * 10_000,
        "stop" + "\u200b",
    ],
)
def test_an_unknown_word_never_means_a_complete_answer(word: str) -> None:
    assert finish_of(word) == "length"


def test_no_word_is_in_two_tables() -> None:
    tables = (FINISH_REASONS, frozenset(FINISH_WORDS), FAULT_WORDS, NOT_FINISHED)

    assert len(frozenset.union(*tables)) == sum(map(len, tables))
