import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.http.long_strings import LONG_BYTES, shorten

IMAGE = "data:image/png;base64," + "QUJD" * (LONG_BYTES // 4)


def test_a_long_string_is_left_out_and_put_back() -> None:
    raw = json.dumps({"a": "x", "images": [{"url": IMAGE}, {"url": IMAGE}], "b": [1]}).encode()

    short, long = shorten(raw)

    assert len(short) < 200
    assert len(long.parts) == 2
    assert long.restore(short) == raw
    assert long.restore(json.dumps(json.loads(short)).encode()) == raw


@pytest.mark.parametrize("place", range(-3, 4))
def test_a_long_string_is_found_wherever_it_begins(place: int) -> None:
    raw = json.dumps({"a": "x" * (LONG_BYTES // 2 + place), "b": IMAGE, "c": "y" * 1_000}).encode()

    short, long = shorten(raw)

    assert len(long.parts) == 1
    assert long.restore(short) == raw


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x" * (LONG_BYTES // 2), id="short"),
        pytest.param("a word " * LONG_BYTES, id="words"),
        pytest.param("x\\n" * LONG_BYTES, id="escapes"),
        pytest.param("ü" * LONG_BYTES, id="not ASCII"),
    ],
)
def test_what_is_short_or_no_plain_text_is_kept(text: str) -> None:
    raw = b'{"a":"%b"}' % text.encode()

    assert shorten(raw)[0] is raw


def test_what_is_no_json_is_none_without_its_long_strings() -> None:
    long = IMAGE.encode()
    for raw in (b'{"a":"%b' % long, b'{"a"%b"b":1}' % long, b'["x"%b"y"]' % long, b'{"a":"%b"' % long):
        with pytest.raises(json.JSONDecodeError):
            json.loads(shorten(raw)[0])


def test_a_text_that_looks_like_a_placeholder_is_kept() -> None:
    raw = json.dumps({"a": "@long-0-0@ @long-1-7@", "b": IMAGE, "c": "@long-0-5@"}).encode()

    short, long = shorten(raw)

    assert long.restore(short) == raw
    assert long.restore(short + b"@long-2-9@") == raw + b"@long-2-9@"


def test_many_texts_that_look_like_placeholders_cost_no_more_than_others() -> None:
    raw = json.dumps(
        {"text": "".join(f"@long-{number}-" for number in range(150_000)), "url": IMAGE}
    ).encode()
    began_s = time.process_time()

    short, long = shorten(raw)

    assert time.process_time() - began_s < 2
    assert (long.mark, long.restore(short) == raw) == ("@long-150000-", True)


def test_long_members_of_an_object_itself_are_put_back() -> None:
    short, long = shorten(json.dumps({"id": IMAGE, "x": [IMAGE]}).encode())
    payload = json.loads(short)

    long.restore_members(payload)

    assert payload["id"] == IMAGE
    assert payload["x"] != [IMAGE]


SIZES = st.integers(0, 3 * LONG_BYTES)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(SIZES, st.sampled_from(["x", "ü", "\\", '"', " ", "+"])), max_size=4))
def test_any_json_is_the_same_after_it_was_shortened_and_restored(strings: list[tuple[int, str]]) -> None:
    raw = json.dumps([character * size for size, character in strings]).encode()

    short, long = shorten(raw)

    assert long.restore(json.dumps(json.loads(short)).encode()) == raw
