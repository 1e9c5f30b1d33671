"""Arrays of numbers are left out of JSON: all is there again afterwards, and nothing else counts as one."""

import json
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.http.json_bytes import parse_json
from gateway.http.long_strings import LongStrings
from gateway.http.number_arrays import (
    MAX_ARRAYS,
    all_finite,
    is_whole,
    length_of_array,
    without_arrays,
    without_vectors,
)
from tests.support.work import Work, check_growth

BASE64 = "AAAA" * 20
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(st.integers() | st.just(-1.5e-7), min_size=1, max_size=4)
        | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("leave_out", [without_arrays, without_vectors])
@given(value=values, indent=st.sampled_from([None, 1]))
@example(value={BASE64: [1, BASE64, "@long-0-0@"]}, indent=None)
def test_what_is_left_out_is_put_back(
    leave_out: Callable[[bytes], tuple[bytes, LongStrings]], value: object, indent: int | None
) -> None:
    raw = json.dumps(value, indent=indent).encode()

    short, long = leave_out(raw)

    assert long.restore(short) == raw
    parsed = parse_json(short)
    assert json.loads(long.restore(json.dumps(parsed).encode())) == value


@given(st.binary(max_size=12).map(lambda noise: bytes(b'[]{}",:1-. e\\a0'[each % 15] for each in noise)))
@example(b"{[1]:2}")
@example(b'{[1]  :2,"a":[2]}')
@example(b'"[1]')
@example(b'["\\')
@example(b"[1][2]")
@example(b"-[1]")
def test_a_text_is_json_afterwards_only_if_it_was_before(raw: bytes) -> None:
    assert is_json(without_arrays(raw)[0]) == is_json(raw)


def is_json(raw: bytes) -> bool:
    try:
        parse_json(raw)
    except ValueError:
        return False
    return True


def parts_of(raw: bytes) -> list[bytes]:
    return [bytes(each) for each in without_arrays(raw)[1].parts]


@pytest.mark.parametrize(
    ("raw", "parts"),
    [
        (b'{"a":[1,2],"b":[ -1.5e-7 , 0 ]}', [b"[1,2]", b"[ -1.5e-7 , 0 ]"]),
        (b'{"a":"[1,2]","b":[]}', []),
        (b'{"a":[1,"x"],"b":[1,[2]]}', [b"[2]"]),
        (b'["\\"[1]",[3]]', [b"[3]"]),
        (b"[[01],[1.],[.5],[+1],[1,],[1 2],[NaN],[--1]]", []),
    ],
)
def test_only_arrays_of_numbers_are_left_out(raw: bytes, parts: list[bytes]) -> None:
    assert parts_of(raw) == parts


def test_arrays_elsewhere_stay() -> None:
    raw = b'{"a":[1],"b":[2],"c":[3]}'

    short, long = without_arrays(raw, (13, 16))

    assert [bytes(each) for each in long.parts] == [b"[2]"]
    assert long.value(json.loads(short)["b"]) == memoryview(b"[2]")
    assert json.loads(short)["a"] == [1]


def test_no_other_text_is_a_placeholder() -> None:
    short, long = without_arrays(b'{"a":"@long-0-0@","b":[1],"c":"x"}')

    values = json.loads(short)
    assert [long.value(values[name]) for name in "abc"] == [None, b"[1]", None]
    assert long.value(None) is None


def test_very_many_arrays_stay() -> None:
    raw = b"[%b]" % b",".join([b"[1]"] * (MAX_ARRAYS + 1))

    assert without_arrays(raw) == (raw, LongStrings())


@pytest.mark.parametrize(
    ("array", "length", "whole", "finite"),
    [
        (b"[1]", 1, True, True),
        (b"[ 1 , 2\n]", 2, True, True),
        (b"[1.5,-2]", 2, False, True),
        (b"[1e-400,1E-5]", 2, False, True),
        (b"[1e5]", 1, False, True),
        (b"[1e308,1e309]", 2, False, False),
        (b"[1E+400]", 1, False, False),
        (b"[-1e400]", 1, False, False),
        (b"[1%b]" % (b"0" * 400), 1, True, False),
        (b"[0.%b]" % (b"0" * 400), 1, False, True),
    ],
)
def test_what_an_array_has(array: bytes, length: int, whole: bool, finite: bool) -> None:
    view = memoryview(array)

    assert (length_of_array(view), is_whole(view), all_finite(view)) == (length, whole, finite)


HARD = {
    "a string without an end": lambda size: b'["' + b'\\"' * size,
    "quotes": lambda size: b'"' * size,
    "opened": lambda size: b"[1," * size,
    "blanks": lambda size: b"[1 " + b" " * size,
    "blanks after arrays": lambda size: b"[1]   " * (size // 6),
    "brackets": lambda size: b"[" * size,
    "digits": lambda size: b"[" + b"1" * size,
    "numbers": lambda size: b"[" + b"0.1," * (size // 4),
    "nearly base64": lambda size: (b'"' + b"A" * 100 + b'!"') * (size // 103),
}


@pytest.mark.parametrize("name", HARD)
def test_the_cpu_grows_with_the_size(name: str) -> None:
    def work_of(size: int) -> Work:
        raw = HARD[name](size)
        return lambda: (without_arrays(raw), without_vectors(raw))

    check_growth(work_of, 20_000)
