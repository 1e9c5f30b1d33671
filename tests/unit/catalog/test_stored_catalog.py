import json
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.stored_catalog import VERSION, catalog_of, from_stored, to_stored
from gateway.http.json_values import JsonObject
from gateway.memory.catalog import DYNAMIC_VARIANTS, Catalog
from tests.support.models import HAIKU, model, recorded_models

NOW_S = 1_795_338_000.0
BODY = b'a/one\t\t{"id":"a/one"}\nb/two\tb/slug\t{"id":"b/two","canonical_slug":"b/slug"}'


def of(*models: JsonObject) -> Catalog:
    return catalog_of(list(models), fetched_at_s=NOW_S)


def stored(body: bytes = BODY, **changes: object) -> bytes:
    header = {"version": VERSION, "at_s": NOW_S, "count": 2, "crc32": crc32(body), **changes}
    return json.dumps(header).encode() + b"\n" + body


def again(catalog: Catalog) -> Catalog:
    read = from_stored(to_stored(catalog))
    assert read is not None
    return read


def id_of(found: JsonObject | None) -> object:
    return found and found["id"]


def test_what_is_stored_is_a_header_and_then_a_line_for_each_model() -> None:
    catalog = of(model("a/one"), model("b/two", canonical_slug="b/slug"))

    assert to_stored(catalog) == stored().replace(b'": ', b'":').replace(b', "', b',"')


def test_what_is_stored_is_what_is_read() -> None:
    catalog = of(*recorded_models())

    read = again(catalog)

    assert read.models() == tuple(recorded_models())
    assert (read.fetched_at_s, read.crc32, len(read)) == (NOW_S, catalog.crc32, len(recorded_models()))
    assert read.shown() == catalog.shown()


@given(st.text(), st.text())
def test_whatever_a_text_holds_it_survives_storing(name: str, slug: str) -> None:
    models = (model("a/one", name=name, canonical_slug=slug), model("b/two"))

    read = again(of(*models))

    assert read.models() == models
    assert read.find("b/two") == models[1]


@pytest.mark.parametrize("name", ["\ud800", "a\nb\r\tc\u2028\0"], ids=ascii)
def test_line_breaks_tabs_and_lone_surrogates_survive_storing(name: str) -> None:
    assert again(of(model(name=name))).models() == (model(name=name),)


def test_what_is_shown_is_json_as_it_was_stored() -> None:
    models = recorded_models()

    assert [json.loads(line) for line in again(of(*models)).shown()] == models


SPOILT = {
    "empty": b"",
    "two empty lines": b"\n",
    "null": b"null",
    "a list for a header": b"[]\n" + BODY,
    "an empty header": b"{}\n" + BODY,
    "no header": BODY,
    "no text": b"\xff\xfe",
    "html": b"<html>",
    "too deep": b"[" * 100_000,
    "the version before": b'{"version":2,"at_s":1795338000.0,"models":[{"id":"a/one"}]}',
    "cut at its end": stored()[:-20],
    "cut at its beginning": stored()[1:],
    "an empty line more": stored() + b"\n",
    "a model twice": stored() + b"\n" + BODY,
    "another letter": stored().replace(b"b/two", b"b/too"),
    "no models": stored(b"", count=0),
    "an empty model": stored(b"", count=1),
    "an older version": stored(version=VERSION - 1),
    "a newer version": stored(version=VERSION + 1),
    "no version": stored(version=None),
    "a version in words": stored(version=str(VERSION)),
    "no time": stored(at_s=None),
    "a time in words": stored(at_s="yesterday"),
    "a flag for a time": stored(at_s=True),
    "no number for a time": stored().replace(b"1795338000.0", b"NaN"),
    "an endless time": stored().replace(b"1795338000.0", b"1e999"),
    "a model less than counted": stored(count=3),
    "a model more than counted": stored(count=1),
    "a count in words": stored(count="2"),
    "no checksum": stored(crc32=None),
    "another checksum": stored(crc32=1),
    "a checksum in words": stored(crc32=str(crc32(BODY))),
}


@pytest.mark.parametrize("raw", SPOILT.values(), ids=SPOILT)
def test_a_stored_copy_that_is_corrupted_or_of_another_version_is_ignored(raw: bytes) -> None:
    assert from_stored(stored()) is not None
    assert from_stored(raw) is None


@given(st.integers(0, len(stored())), st.binary(min_size=1, max_size=4))
def test_a_corruption_is_noticed_or_harmless_and_never_raises(place: int, noise: bytes) -> None:
    raw = stored()

    read = from_stored(raw[:place] + noise + raw[place + len(noise) :])

    assert read is None or read.shown() == [line.split(b"\t")[2] for line in BODY.split(b"\n")]


def test_a_model_is_found_by_its_whole_id() -> None:
    catalog = of(*recorded_models())

    assert id_of(catalog.find(HAIKU)) == HAIKU
    assert catalog.find(HAIKU.upper()) is None
    assert catalog.find("anthropic") is None
    assert catalog.find("") is None


def test_a_model_is_parsed_once_and_kept() -> None:
    catalog = again(of(*recorded_models()))

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
    ("asked", "found"),
    [
        pytest.param("a/one-2026", "a/one", id="by its canonical slug"),
        pytest.param("a/one-2026:free", "a/one:free", id="a variant by its canonical slug"),
        pytest.param("c/only-2026", None, id="never a free one for one that is not"),
        pytest.param("a/exact", "a/exact", id="an id goes before a canonical slug"),
        pytest.param("a/exact:nitro", "a/exact:nitro", id="a variant that is listed is itself"),
        *(pytest.param(f"a/one{each}", "a/one", id=f"dynamic {each}") for each in DYNAMIC_VARIANTS),
        pytest.param("a/one:free:online", "a/one:free", id="a variant of a variant"),
        pytest.param("a/one-2026:floor", "a/one", id="a variant of a canonical slug"),
        pytest.param("a/one:thinking", None, id="a variant of another kind"),
        pytest.param("x/none:nitro", None, id="a variant of nothing"),
        pytest.param(":nitro", None, id="a variant alone"),
    ],
)
def test_a_model_goes_by_its_id_its_slug_and_its_dynamic_variants(asked: str, found: str | None) -> None:
    assert id_of(FAMILY.find(asked)) == found


def test_the_checksum_is_that_of_the_models_alone() -> None:
    one = catalog_of([model("a/one")], fetched_at_s=1.0)

    assert one.crc32 == catalog_of([model("a/one")], fetched_at_s=2.0).crc32
    assert one.crc32 != catalog_of([model("a/one", created=1)], fetched_at_s=1.0).crc32


@pytest.mark.parametrize(("now_s", "age_s"), [(NOW_S, 0.0), (NOW_S + 90.5, 90.5), (NOW_S - 5.0, 0.0)])
def test_a_copy_is_as_old_as_its_fetch_and_never_younger_than_now(now_s: float, age_s: float) -> None:
    assert of(model()).age_s(now_s) == age_s
