import json
from json import JSONDecoder

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http import json_bytes, json_members
from gateway.http.json_bytes import NamedTwiceError
from gateway.http.json_members import MAX_MEMBERS, Members, NoObjectError, member, read_members
from gateway.http.json_values import Json, JsonObject

NAMES = st.sampled_from(["model", "messages", "user", "x-model", 'a"model":"b"', "é", "\\", "日", "a\tb", ""])
VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["model", '"model":"x",', "\\u"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
BODIES = st.dictionaries(NAMES, VALUES)
WRITTEN = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t"), ("\r,", "\n:")])


def read(raw: bytes) -> tuple[JsonObject, Members]:
    return read_members(raw, JSONDecoder())


def text_of(body: JsonObject, separators: tuple[str, str], *, ascii_only: bool) -> bytes:
    text = json.dumps(body, separators=separators, ensure_ascii=ascii_only)
    return f"\n {text}\t".encode("utf-8", "replace")


@given(body=BODIES, separators=WRITTEN, ascii_only=st.booleans(), without=st.sets(NAMES))
def test_what_is_left_is_the_object_without_the_members_that_are_not_wanted(
    body: JsonObject, separators: tuple[str, str], ascii_only: bool, without: set[str]
) -> None:
    raw = text_of(body, separators, ascii_only=ascii_only)
    body = json.loads(raw)

    values, members = read(raw)
    rest = members.without(without)

    expected = {name: value for name, value in body.items() if name not in without}
    assert [*values] == [*body]
    assert json.loads(b"{%b}" % rest.text) == expected
    assert {name: rest.value(name) for name in rest.places} == expected
    assert json.loads(b"{%b}" % b",".join(rest.views().values())) == expected


@given(body=BODIES, ascii_only=st.booleans())
def test_in_a_large_text_places_are_the_same_and_no_string_is_wide(
    body: JsonObject, ascii_only: bool
) -> None:
    raw = text_of(body, (",", ":"), ascii_only=ascii_only)
    _, members = read(raw)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_members, "LARGE_BYTES", 4)
        values, large = read(raw)

    assert [*large.places.values()] == [*members.places.values()]
    assert max(map(ord, json.dumps([*values.values()], ensure_ascii=False)), default=0) < 256


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"a"',
        b'{"a":',
        b'{"a":1',
        b'{"a":1,',
        b'{"a":1,}',
        b'{,"a":1}',
        b'{"a":1 "b":2}',
        b'{"a" 1}',
        b'{"a":1}}',
        b'{"a":1}{}',
        b"{'a':1}",
        b"{a:1}",
        b'{"a":1,"b"}',
        b'{"a\n":1}',
        b'{"a\\x":1}',
        b'{"a\\u12":1}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"\xe9":1}',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":"\x00"}',
        b'{"a":"\\u12"}',
    ],
)
@pytest.mark.parametrize("large_bytes", [4, 1_000])
def test_what_is_no_object_is_refused_as_the_standard_library_does(
    raw: bytes, large_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_members, "LARGE_BYTES", large_bytes)

    with pytest.raises(ValueError):  # noqa: PT011  # of any kind
        json.loads(raw.decode())
    with pytest.raises(ValueError):  # noqa: PT011
        read(raw)


@pytest.mark.parametrize("raw", [b"[]", b"null", b'"x"', b"7", b"[{}]"])
def test_other_json_is_told_from_what_is_none(raw: bytes) -> None:
    with pytest.raises(NoObjectError):
        read(raw)


def test_an_empty_object_has_no_members() -> None:
    assert read(b" { } ") == ({}, Members(b"", {}))


@pytest.mark.parametrize("raw", [b'{"a":1,"a":2}', b'{"a":1,"\\u0061":2}', '{"é":1,"\\u00e9":2}'.encode()])
def test_a_name_counts_twice_however_it_is_written(raw: bytes) -> None:
    with pytest.raises(NamedTwiceError):
        read(raw)


def test_there_may_be_many_members_but_not_any_number() -> None:
    def text(count: int) -> bytes:
        return json.dumps({str(number): number for number in range(count)}).encode()

    assert len(read(text(MAX_MEMBERS))[0]) == MAX_MEMBERS
    with pytest.raises(ValueError, match="too many members"):
        read(text(MAX_MEMBERS + 1))


def test_a_member_is_written_as_it_is_read() -> None:
    assert member("a", {"b": "é"}) == '"a":{"b":"é"}'.encode()


def test_a_long_text_that_is_cut_in_a_character_is_utf_8() -> None:
    raw = b'{"a":"' + "日é😀x".encode() * 100 + b'"}'

    with pytest.MonkeyPatch.context() as patch:
        for size in range(4, 30):
            patch.setattr(json_bytes, "_PART_BYTES", size)
            assert read(raw)[1].value("a") == "日é😀x" * 100
