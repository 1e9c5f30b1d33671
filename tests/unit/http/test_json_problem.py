"""Why a body is not JSON: the place and the kind of the character, and never its text."""

import json
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.json_members import LARGE_BYTES
from gateway.http.json_problem import problem_in
from tests.support.canary import CANARY

NOT_JSON = "The body is not JSON. At line "
BIG = b" " * LARGE_BYTES

PROBLEMS: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"hello", "1, column 1 is a letter, but a value is expected."),
    "a comment": (b"// x\n{}", "1, column 1 is a punctuation mark, but a value is expected."),
    "it ends early": (b'{"a": [', "1, column 8 is the end of the body, but a value is expected."),
    "a value is missing": (b'{"a":}', "1, column 6 is a closing bracket, but a value is expected."),
    "Python's word": (b'{"a": True}', "1, column 7 is a letter, but a value is expected."),
    "two values": (b"{}{}", "1, column 3 is an opening bracket, but the end of the body is expected."),
    "a bare name": (b"{a: 1}", "1, column 2 is a letter, but a field's name in double quotes is expected."),
    "single quotes": (
        b"{'a': 1}",
        "1, column 2 is a single quote, but a field's name in double quotes is expected.",
    ),
    "no colon": (b'{"a" 1}', "1, column 6 is a digit, but a colon is expected."),
    "no comma": (
        b'{"a": 1\n "b": 2}',
        "2, column 2 is a double quote, but a comma or a closing bracket is expected.",
    ),
    "a comma too many": (b'{"a": 1 , }', "1, column 9 a comma comes before a closing bracket."),
    "a comma too many in an array": (b'{"a": [1,]}', "1, column 9 a comma comes before a closing bracket."),
    "no end of a string": (b'{"a": "xyz', "1, column 7 a string begins that has no end."),
    "a line end in a string": (
        b'{"a": "x\ny"}',
        "1, column 9 a string holds a control character. Write a line end as \\n.",
    ),
    "an escape": (b'{"a": "\\x"}', "1, column 8 a string holds an escape that JSON does not have."),
    "an escape of three digits": (
        b'{"a": "\\u12 "}',
        "1, column 8 a string holds an escape that JSON does not have.",
    ),
    "a large body with an escape": (
        b'{"a": "\\u12 "}' + BIG,
        "1, column 8 a string holds an escape that JSON does not have.",
    ),
    "a large body": (b'{"a": "\\u0416",}' + BIG, "1, column 15 a comma comes before a closing bracket."),
    "characters count, not bytes": (
        b'\n{"\xc3\xa9\xf0\x9f\x98\x80": b}',
        "2, column 8 is a letter, but a value is expected.",
    ),
    "a character that is not ASCII": (
        "{“a”: 1}".encode(),
        "1, column 2 is a character that is not ASCII, but a field's name in double quotes is expected.",
    ),
    "a control character": (b'{"a": \x00}', "1, column 7 is a control character, but a value is expected."),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_the_place_and_the_kind_of_the_character_are_named(case: str) -> None:
    raw, problem = PROBLEMS[case]

    assert problem_in(raw) == NOT_JSON + problem


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b'{"I\\"N": NaN}', f"{NOT_JSON}1, column 10 is NaN or Infinity, which are no numbers in JSON."),
        (b'{"a":\n -Infinity}', f"{NOT_JSON}2, column 2 is NaN or Infinity, which are no numbers in JSON."),
        (b'{"a": [1.5, -1e999]}', f"{NOT_JSON}1, column 13 is a number that is too large."),
        (b'{"a": %b.5e9}' % (b"9" * 5_000), f"{NOT_JSON}1, column 7 is a number that is too large."),
        (b'{"a": [1, %b]}' % (b"9" * 5_000), f"{NOT_JSON}1, column 11 is a number of more than 4300 digits."),
        (json.dumps(dict.fromkeys(map(str, range(1_001)))).encode(), "The body has more than 1000 fields."),
        (
            b'\n"\xff"',
            "The body is not UTF-8. At line 2, column 2 is a byte that UTF-8 does not allow there.",
        ),
        (
            b'"%b\xc3"' % ("é".encode() * LARGE_BYTES),
            f"The body is not UTF-8. At line 1, column {LARGE_BYTES + 2} "
            "is a byte that UTF-8 does not allow there.",
        ),
    ],
    ids=[
        "NaN",
        "an infinity",
        "a large number",
        "a long one",
        "many digits",
        "many fields",
        "no UTF-8",
        "no UTF-8 far behind",
    ],
)
def test_what_is_no_json_of_the_gateways_is_named(raw: bytes, problem: str) -> None:
    assert problem_in(raw) == problem


def planted() -> Iterator[bytes]:
    """Yield bodies that are not JSON, with a canary at many places."""
    text = CANARY.encode()
    yield from (text, b'{"%b": 1,}' % text, b'{"a": "%b' % text, b"{%b: 1}" % text, b'{"a": 1} %b' % text)
    yield from (b'{"%b" "%b"}' % (text, text), b'{"a": "\\%b"}' % text, b'"%b\xff' % text)


@pytest.mark.parametrize("raw", [*planted()])
def test_no_text_of_the_body_is_shown(raw: bytes) -> None:
    problem = problem_in(raw)

    assert not any(CANARY[start : start + 6] in problem for start in range(len(CANARY) - 6))


@given(st.binary(max_size=60))
def test_any_bytes_have_an_answer_of_bounded_length(raw: bytes) -> None:
    assert len(problem_in(raw)) < 200


def test_a_body_of_the_largest_size_takes_linear_time() -> None:
    def seconds(count: int) -> float:
        raw = b'{"a":"' + b"\\u0416x" * count + b'",\n}'
        begun_s = time.perf_counter()
        problem_in(raw)
        return time.perf_counter() - begun_s

    seconds(1_000)
    assert seconds(800_000) < 40 * seconds(100_000) + 0.5
