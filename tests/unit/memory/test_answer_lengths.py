import pytest

from gateway.memory.answer_lengths import (
    FORGOTTEN_S,
    MAX_LENGTHS,
    MAX_PAIRS,
    MIN_LENGTHS,
    UNKNOWN_TOKENS,
    AnswerLengths,
)

NOW_S = 1_800_000_000.0


def measured(*lengths: int) -> AnswerLengths:
    made = AnswerLengths()
    for tokens in lengths:
        made.note("one", "a/one", tokens, now_s=NOW_S)
    return made


def expected(made: AnswerLengths, *, key: str = "one", model: str = "a/one", now_s: float = NOW_S) -> int:
    return made.expected_tokens(key, model, now_s=now_s)


def test_the_expected_length_is_the_95th_percentile_of_the_answers() -> None:
    assert expected(measured(*range(1, 21))) == 19
    assert expected(measured(*[10] * 19, 5_000)) == 10
    assert expected(measured(*[10] * 18, 5_000, 5_000)) == 5_000


@pytest.mark.parametrize(
    ("lengths", "tokens"), [([], 1_000), ([5], 1_000), ([5, 4_000], 4_000), ([5] * (MIN_LENGTHS - 1), 1_000)]
)
def test_too_few_answers_raise_the_expected_length_and_never_lower_it(
    lengths: list[int], tokens: int
) -> None:
    assert expected(measured(*lengths)) == tokens


def test_only_the_newest_answers_count() -> None:
    assert expected(measured(*[9_000] * MAX_LENGTHS, *[10] * MAX_LENGTHS)) == 10


def test_each_key_and_each_model_has_its_own_lengths() -> None:
    made = measured(*[5_000] * 5)

    assert expected(made, key="two") == UNKNOWN_TOKENS
    assert expected(made, model="b/two") == UNKNOWN_TOKENS


def test_old_lengths_are_forgotten() -> None:
    made = measured(*[5_000] * 50)
    later_s = NOW_S + FORGOTTEN_S + 1

    assert expected(made, now_s=later_s - 1) == 5_000
    assert expected(made, now_s=later_s) == UNKNOWN_TOKENS
    made.note("one", "a/one", 10, now_s=later_s)
    assert expected(made, now_s=later_s) == UNKNOWN_TOKENS


def test_the_pair_without_an_answer_for_longest_is_dropped_first() -> None:
    made = measured(5_000)
    made.note("one", "b/two", 5_000, now_s=NOW_S)
    made.note("one", "a/one", 5_000, now_s=NOW_S)
    for number in range(MAX_PAIRS - 1):
        made.note("one", f"c/{number}", 5_000, now_s=NOW_S)

    assert expected(made) == 5_000
    assert expected(made, model="b/two") == UNKNOWN_TOKENS
