"""Large JSON without the ends of its long strings: the same is read from it, and it can be restored."""

import json
import re
from collections.abc import Iterator
from json import JSONDecoder

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialects.chat.parse import parse
from gateway.http import long_strings, long_texts
from gateway.http.errors import GatewayError
from gateway.http.json_members import read_members
from gateway.http.json_values import Json, JsonObject
from gateway.http.long_strings import NONE, shorten_texts

PIECES = (
    "word ",
    "\n",
    '"',
    "\\",
    "é",
    "日",
    "😀",
    "QUJD",
    "/",
    "{[",
    "\t",
    "\u2003",
    "@long-0-1@",
    "\x7f",
    "x:",
)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.sampled_from(["a", " "]).map(
    lambda each: each * 60
)
VALUES: st.SearchStrategy[Json] = st.recursive(
    TEXTS | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(autouse=True)
def small_limits() -> Iterator[None]:
    """Let small texts count as large, and short strings as long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_strings, "LONG_BYTES", 1)
        patch.setattr(long_strings, "TEXTS_FROM_BYTES", 1)
        patch.setattr(long_texts, "LONG_TEXT_BYTES", 24)
        patch.setattr(long_texts, "KEPT_BYTES", 12)
        patch.setattr(long_texts, "_SHORT", re.compile(rb'[^"]*+'))
        yield


def all_of(raw: bytes) -> JsonObject | None:
    """Return what ``read_members`` reads of a text as it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_strings, "LONG_BYTES", 1_000_000)
        patch.setattr(long_strings, "TEXTS_FROM_BYTES", 1_000_000)
        return read_members(raw, JSONDecoder())[0]


@given(value=VALUES, ascii_only=st.booleans())
def test_any_json_is_the_same_after_it_was_shortened_and_restored(value: Json, ascii_only: bool) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only).encode()

    short, long = shorten_texts(raw)

    assert long.restore(short) == raw
    assert json.loads(long.restore(json.dumps(json.loads(short)).encode())) == value


@given(value=VALUES, place=st.integers(0, 10_000), byte=st.sampled_from(b'"\\\n{}[],:x\xff\x80'))
def test_a_text_is_json_without_its_long_strings_exactly_if_it_is_json(
    value: Json, place: int, byte: int
) -> None:
    raw = bytearray(json.dumps(value, ensure_ascii=False).encode())
    raw[place % len(raw)] = byte

    short, _ = shorten_texts(bytes(raw))

    assert is_json(short) is is_json(bytes(raw))


def is_json(raw: bytes) -> bool:
    try:
        json.loads(raw.decode())
    except ValueError:
        return False
    return True


@given(value=st.dictionaries(TEXTS, VALUES, max_size=4), ascii_only=st.booleans())
def test_the_members_of_a_large_object_are_where_they_are(value: JsonObject, ascii_only: bool) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only).encode()

    values, members = read_members(raw, JSONDecoder())

    assert [*values] == [*(all_of(raw) or {})]
    assert members.text is raw or not value
    for name in value:
        assert members.value(name) == value[name]


@pytest.mark.parametrize("blank", [" ", "\n", "\t", "\u2003", "\u3000", "\x1c", "\x0b"])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_blank_string_stays(blank: str, ascii_only: bool) -> None:
    raw = json.dumps(["a" * 5, blank * 100], ensure_ascii=ascii_only).encode()

    assert shorten_texts(raw) == (raw, NONE)


def test_the_beginning_of_a_string_stays_and_names_stay() -> None:
    raw = json.dumps({"n" * 100: "https://a.example/" + "x" * 100}).encode()

    short, long = shorten_texts(raw)

    ((name, value),) = json.loads(short).items()
    assert name == "n" * 100
    beginning, end = long.split(value)
    assert (beginning, bytes(end or b"")) == ("https://a.ex", b"ample/" + b"x" * 100)


def test_a_string_is_not_cut_within_a_character() -> None:
    for shift in range(12):
        for text in ("é日😀" * 20, "\\" * 60, "\ud83d\ude00" * 20):
            for ascii_only in (True, False):
                raw = json.dumps("x" * shift + text, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
                if not is_json(raw):
                    continue
                short, long = shorten_texts(raw)
                rewritten = json.dumps(json.loads(short), ensure_ascii=False).encode()
                assert json.loads(long.restore(rewritten)) == json.loads(raw)


DATA = st.lists(
    st.sampled_from(
        [
            "QUJD" * 9,
            "\\u0040long-0-0@",
            "@lon\\u0067-\\u0030-1@",
            "@long-0\\u002d0@",
            "/",
            "+",
            "é",
            "日",
            "\\u002B",
            "\\/",
            "\\n",
            "\x7f",
            "\\\\",
        ]
    ),
    max_size=8,
)
LINKS = st.sampled_from(["data:image/png;base64,", "https://a.example/", "", "http:/"])
KINDS = st.sampled_from(["image_url", "input_audio", "file"])


@given(kind=KINDS, link=LINKS, data=DATA, text=TEXTS)
def test_a_request_requires_the_same_with_long_strings_as_with_short_ones(
    kind: str, link: str, data: list[str], text: str
) -> None:
    holder = f'{{"url":"{link}{"".join(data)}"}}'
    part = f'{{"type":"{kind}","{kind}":{holder}}},{{"type":"text","text":{json.dumps(text)}}}'
    raw = b'{"model":"m","messages":[{"role":"user","content":[%b]}]}' % part.encode()

    shortened = parse(raw)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_strings, "LONG_BYTES", 1_000_000)
        patch.setattr(long_strings, "TEXTS_FROM_BYTES", 1_000_000)
        complete = parse(raw)

    assert shortened.requirements == complete.requirements
    assert shortened == complete


@pytest.mark.parametrize("field", ["model", "role", "models"])
def test_a_word_that_is_too_long_is_refused_with_the_same_message(field: str) -> None:
    fields: dict[str, object] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    fields[field] = ["m" * 300] if field == "models" else "m" * 300
    raw = json.dumps(fields).encode()

    def outcome() -> str:
        try:
            parse(raw)
        except GatewayError as error:
            return str(error)
        return ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long_texts, "KEPT_BYTES", 512)
        patch.setattr(long_texts, "LONG_TEXT_BYTES", 1_024)
        shortened = outcome()
        patch.setattr(long_strings, "LONG_BYTES", 1_000_000)
        patch.setattr(long_strings, "TEXTS_FROM_BYTES", 1_000_000)

        assert outcome() == shortened


@pytest.mark.parametrize("forged", ["\\u0040long-0-0@", "@long-\\u0030-0@", "@\\u006Cong-0\\u002D0@"])
def test_nobody_can_write_a_placeholder(forged: str) -> None:
    raw = b'{"a":"%b","b":"%b"}' % (b"x" * 100, forged.encode())

    short, long = shorten_texts(raw)

    assert json.loads(long.restore(json.dumps(json.loads(short)).encode())) == json.loads(raw)
    assert long.split(json.loads(short)["b"])[1] is None
