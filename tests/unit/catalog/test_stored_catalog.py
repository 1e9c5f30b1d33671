import json
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.stored_catalog import VERSION, catalog_of, from_stored, to_stored
from gateway.http.json_bytes import parse_json
from gateway.http.json_values import Json, JsonObject
from gateway.memory.catalog import DYNAMIC_VARIANTS, Catalog
from tests.support.models import HAIKU, model, recorded_models

NOW_S = 1_795_338_000.0
BODY = b'a/one\t\t{"id":"a/one"}\nb/two\tb/slug\t{"id":"b/two","canonical_slug":"b/slug"}'


def of(*models: JsonObject) -> Catalog:
    return catalog_of(list(models), fetched_at_s=NOW_S)


def stored(body: bytes = BODY, **changes: object) -> bytes:
    header = {"version": VERSION, "at_s": NOW_S, "count": 2, "crc32": crc32(body), **changes}
    return json.dumps(header).encode() + b"\n" + body


def stored_and_read(catalog: Catalog) -> Catalog:
    read = from_stored(to_stored(catalog))
    assert read is not None
    return read


def id_of(found: JsonObject | None) -> object:
    return found and found["id"]


def test_the_stored_value_is_a_header_and_a_line_for_each_model() -> None:
    catalog = of(model("a/one"), model("b/two", canonical_slug="b/slug"))

    assert to_stored(catalog) == stored().replace(b'": ', b'":').replace(b', "', b',"')


def test_a_stored_catalogue_is_read_back_unchanged() -> None:
    catalog = of(*recorded_models())

    read = stored_and_read(catalog)

    assert read.models() == tuple(recorded_models())
    assert (read.fetched_at_s, read.crc32, len(read)) == (NOW_S, catalog.crc32, len(recorded_models()))
    assert read.shown() == catalog.shown()


@given(st.text(), st.text())
def test_any_text_survives_storing(name: str, slug: str) -> None:
    models = (model("a/one", name=name, canonical_slug=slug), model("b/two"))

    read = stored_and_read(of(*models))

    assert read.models() == models
    assert read.find("b/two") == models[1]


@pytest.mark.parametrize("name", ["\ud800", "a\nb\r\tc\u2028\0"], ids=ascii)
def test_line_breaks_tabs_and_lone_surrogates_survive_storing(name: str) -> None:
    assert stored_and_read(of(model(name=name))).models() == (model(name=name),)


def test_the_shown_json_of_a_model_is_the_stored_json() -> None:
    models = recorded_models()

    assert [json.loads(line) for line in stored_and_read(of(*models)).shown()] == models


CORRUPTED = {
    "empty": b"",
    "two empty lines": b"\n",
    "null": b"null",
    "a list as the header": b"[]\n" + BODY,
    "an empty header": b"{}\n" + BODY,
    "no header": BODY,
    "not text": b"\xff\xfe",
    "html": b"<html>",
    "too deep": b"[" * 100_000,
    "the format of version 2": b'{"version":2,"at_s":1795338000.0,"models":[{"id":"a/one"}]}',
    "the end cut off": stored()[:-20],
    "the beginning cut off": stored()[1:],
    "an extra empty line": stored() + b"\n",
    "the models twice": stored() + b"\n" + BODY,
    "a changed letter": stored().replace(b"b/two", b"b/too"),
    "no models": stored(b"", count=0),
    "an empty model": stored(b"", count=1),
    "an older version": stored(version=VERSION - 1),
    "a newer version": stored(version=VERSION + 1),
    "no version": stored(version=None),
    "a version as text": stored(version=str(VERSION)),
    "no time": stored(at_s=None),
    "a time as text": stored(at_s="yesterday"),
    "a boolean as the time": stored(at_s=True),
    "a time that is not a number": stored().replace(b"1795338000.0", b"NaN"),
    "an infinite time": stored().replace(b"1795338000.0", b"1e999"),
    "one model less than the count": stored(count=3),
    "one model more than the count": stored(count=1),
    "a count as text": stored(count="2"),
    "no checksum": stored(crc32=None),
    "another checksum": stored(crc32=1),
    "a checksum as text": stored(crc32=str(crc32(BODY))),
}


GOOD = b'a/one\t\t{"id":"a/one"}'
# Each has the right version, count and checksum.
MALFORMED_LINES = {
    "no tab": b"a/one",
    "one tab": b'a/one\t{"id":"a/one"}',
    "three tabs": b'a/one\t\t\t{"id":"a/one"}',
    "a tab in the JSON": b'a/one\t\t{"id":\t"a/one"}',
    "no name": b'\t\t{"id":""}',
    "a name in latin-1": 'a/\xe9\t\t{"id":"a/\xe9"}'.encode("latin-1"),
    "a name in UTF-8": 'a/\xe9\t\t{"id":"a/\xe9"}'.encode(),
    "another name in latin-1": 'a/one\ta/\xe9\t{"id":"a/one"}'.encode("latin-1"),
    "a space in the name": b'a/ one\t\t{"id":"a/ one"}',
    "a control character in the name": b'a/\0one\t\t{"id":"a/\0one"}',
    "DEL in another name": b'a/one\ta\x7f\t{"id":"a/one"}',
    "no JSON": b"a/one\t\t",
    "a list": b"a/one\t\t[]",
    "a number": b"a/one\t\t1",
    "null": b"a/one\t\tnull",
    "a text": b'a/one\t\t"{}"',
}
# The form of these lines is right. Only parsing shows that they are not usable.
UNUSABLE_LINES = {
    "no JSON": b"a/one\t\t{nonsense}",
    "JSON that is cut off": b'a/one\t\t{"id":"a/one","name":{}',
    "two objects": b'a/one\t\t{"id":"a/one"},{"id":"a/one"}',
    "the beginning of a list of objects": b'a/one\t\t{"id":"a/one","x":[{}',
    "another id": b'a/one\t\t{"id":"b/two"}',
    "no id": b"a/one\t\t{}",
    "an id that is a number": b'1\t\t{"id":1}',
    "not a number": b'a/one\t\t{"id":"a/one","created":NaN}',
    "infinity": b'a/one\t\t{"id":"a/one","created":-Infinity}',
    "not UTF-8": b'a/one\t\t{"id":"a/one","name":"\xff"}',
    "too deep": b'a/one\t\t{"id":"a/one","x":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "a number of too many digits": b'a/one\t\t{"id":"a/one","x":' + b"9" * 5_000 + b"}",
}


@pytest.mark.parametrize("line", MALFORMED_LINES.values(), ids=MALFORMED_LINES)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_list_with_one_malformed_line_is_no_list(line: bytes, place: int) -> None:
    lines = [GOOD, GOOD]
    lines.insert(place, line)

    assert from_stored(stored(b"\n".join([GOOD] * 3), count=3)) is not None
    assert from_stored(stored(b"\n".join(lines), count=3)) is None


@pytest.mark.parametrize("line", UNUSABLE_LINES.values(), ids=UNUSABLE_LINES)
def test_a_line_that_is_not_its_model_counts_as_not_listed_and_the_copy_as_damaged(line: bytes) -> None:
    read = from_stored(stored(b"\n".join([b'b/two\t\t{"id":"b/two"}', line]), count=2))
    assert read is not None
    assert id_of(read.find("b/two")) == "b/two"
    assert not read.is_damaged

    assert read.find(line.partition(b"\t")[0].decode()) is None

    assert read.is_damaged
    assert not read.check()


@pytest.mark.parametrize("line", UNUSABLE_LINES.values(), ids=UNUSABLE_LINES)
@pytest.mark.parametrize("other", [GOOD, b"a/one\t\t{}]}"], ids=["usable", "unusable"])
def test_what_is_shown_is_json_whatever_a_line_holds(line: bytes, other: bytes) -> None:
    read = from_stored(stored(b"\n".join([b'b/two\t\t{"id":"b/two"}', line, other]), count=3))
    assert read is not None

    shown, models = read.shown(), read.models()

    assert [json.loads(each) for each in shown] == [*models]
    assert [each["id"] for each in models] == (["b/two", "a/one"] if other == GOOD else ["b/two"])
    assert read.is_damaged
    assert id_of(read.find("b/two")) == "b/two"


def test_a_list_of_the_gateways_own_making_is_not_damaged() -> None:
    for catalog in (of(*recorded_models()), stored_and_read(of(*recorded_models()))):
        assert catalog.check()
        assert not catalog.is_damaged


def test_reading_a_list_parses_its_header_and_finding_a_model_that_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parsed: list[bytes] = []

    def counting(raw: bytes) -> Json:
        parsed.append(raw)
        return parse_json(raw)

    monkeypatch.setattr("gateway.catalog.stored_catalog.parse_json", counting)
    monkeypatch.setattr("gateway.memory.catalog.parse_json", counting)
    raw = to_stored(of(*(model(f"a/{number}") for number in range(100))))

    read = from_stored(raw)
    assert read is not None
    assert len(parsed) == 1
    read.find("a/7")
    read.find("a/7")
    assert len(parsed) == 2
    read.shown()
    read.shown()
    assert len(parsed) == 102


@pytest.mark.parametrize("raw", CORRUPTED.values(), ids=CORRUPTED)
def test_a_stored_copy_that_is_corrupted_or_of_another_version_is_ignored(raw: bytes) -> None:
    assert from_stored(stored()) is not None
    assert from_stored(raw) is None


@given(st.integers(0, len(stored())), st.binary(min_size=1, max_size=4))
def test_a_corruption_is_detected_or_harmless_and_never_raises(place: int, noise: bytes) -> None:
    raw = stored()

    read = from_stored(raw[:place] + noise + raw[place + len(noise) :])

    assert read is None or read.shown() == [line.split(b"\t")[2] for line in BODY.split(b"\n")]


def test_a_model_is_found_by_its_exact_id() -> None:
    catalog = of(*recorded_models())

    assert id_of(catalog.find(HAIKU)) == HAIKU
    assert catalog.find(HAIKU.upper()) is None
    assert catalog.find("anthropic") is None
    assert catalog.find("") is None


def test_a_model_is_parsed_only_once() -> None:
    catalog = stored_and_read(of(*recorded_models()))

    assert catalog.find(HAIKU) is catalog.find(HAIKU)
    assert catalog.models() is catalog.models()
    assert catalog.find(HAIKU) is catalog.models()[0]


FAMILY = of(
    model("a/one:free", canonical_slug="a/one-2026"),
    model("a/one", canonical_slug="a/one-2026"),
    model("a/exact:nitro"),
    model("a/exact"),
    model("c/only:free", canonical_slug="c/only-2026"),
    model("d/taken", canonical_slug="a/exact"),
)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        pytest.param("a/one-2026", "a/one", id="by its canonical slug"),
        pytest.param("a/one-2026:free", "a/one:free", id="a variant by its canonical slug"),
        pytest.param("c/only-2026", None, id="a free variant is not found by the slug alone"),
        pytest.param("a/exact", "a/exact", id="an id takes precedence over a canonical slug"),
        pytest.param("a/exact:nitro", "a/exact:nitro", id="a listed variant is found itself"),
        *(pytest.param(f"a/one{each}", "a/one", id=f"dynamic {each}") for each in DYNAMIC_VARIANTS),
        pytest.param("a/one:free:online", "a/one:free", id="a variant of a variant"),
        pytest.param("a/one-2026:floor", "a/one", id="a variant of a canonical slug"),
        pytest.param("a/one:thinking", None, id="a variant of another kind"),
        pytest.param("x/none:nitro", None, id="a variant of nothing"),
        pytest.param(":nitro", None, id="a variant alone"),
    ],
)
def test_a_model_is_found_by_its_id_its_slug_and_its_dynamic_variants(name: str, found: str | None) -> None:
    assert id_of(FAMILY.find(name)) == found


def test_the_checksum_covers_only_the_models() -> None:
    one = catalog_of([model("a/one")], fetched_at_s=1.0)

    assert one.crc32 == catalog_of([model("a/one")], fetched_at_s=2.0).crc32
    assert one.crc32 != catalog_of([model("a/one", created=1)], fetched_at_s=1.0).crc32


@pytest.mark.parametrize(("now_s", "age_s"), [(NOW_S, 0.0), (NOW_S + 90.5, 90.5), (NOW_S - 5.0, 0.0)])
def test_the_age_of_a_copy_counts_from_its_fetch_and_is_never_negative(now_s: float, age_s: float) -> None:
    assert of(model()).age_s(now_s) == age_s
