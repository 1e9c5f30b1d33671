import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http import json_bytes
from gateway.http.json_bytes import MAX_DEPTH, TooManyValuesError, check_size, parse_json
from gateway.http.json_values import Json

TEXTS = st.sampled_from(["", "a", ",", "[{", "]},", '"', '\\"', "\\", "\\\\", '",\\', "é", "\\u005b"])
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.integers(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def size_of(value: Json) -> tuple[int, int]:
    """Return how many commas and opening brackets a value has as JSON, and how deep it nests."""
    if not isinstance(value, (list, dict)):
        return 0, 0
    inside = [size_of(each) for each in (value.values() if isinstance(value, dict) else value)]
    marks = 1 + max(0, len(value) - 1) + sum(count for count, _ in inside)
    return marks, 1 + max((depth for _, depth in inside), default=0)


def is_refused(raw: bytes, max_values: int) -> bool:
    try:
        check_size(raw, max_values=max_values)
    except TooManyValuesError:
        return True
    return False


@given(value=VALUES, part_bytes=st.integers(1, 40), ascii_only=st.booleans())
def test_what_is_in_strings_does_not_count_wherever_the_text_is_cut(
    value: Json, part_bytes: int, ascii_only: bool
) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only).encode()
    marks, _ = size_of(value)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_bytes, "_PART_BYTES", part_bytes)
        assert not is_refused(raw, marks + 1)
        if marks and len(raw) > marks:  # a text of few bytes is not looked at
            assert is_refused(raw, marks)


@given(value=VALUES, part_bytes=st.integers(1, 40), limit=st.integers(0, 4))
def test_a_text_is_refused_if_it_nests_deeper_than_the_limit(
    value: Json, part_bytes: int, limit: int
) -> None:
    _, depth = size_of(value)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_bytes, "_PART_BYTES", part_bytes)
        patch.setattr(json_bytes, "MAX_DEPTH", limit)
        if depth > limit:
            with pytest.raises(ValueError, match="nested too deeply"):
                check_size(json.dumps(value).encode(), max_values=10_000)
        else:
            check_size(json.dumps(value).encode(), max_values=10_000)


@pytest.mark.parametrize("backslashes", range(6))
def test_a_quote_is_the_end_of_a_string_unless_it_is_escaped(backslashes: int) -> None:
    raw = b'["' + b"\\" * backslashes + b'",[],[],[]]'

    assert is_refused(raw, 6) is (backslashes % 2 == 0)


def test_brackets_in_a_text_are_no_depth() -> None:
    assert parse_json(b'["' + b"[" * 10 * MAX_DEPTH + b'"]') == ["[" * 10 * MAX_DEPTH]


def test_a_reader_may_take_fewer_values() -> None:
    raw = json.dumps([0] * 1_000).encode()

    assert parse_json(raw) == [0] * 1_000
    with pytest.raises(TooManyValuesError):
        parse_json(raw, max_values=1_000)
