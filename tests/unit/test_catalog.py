import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog import KEPT, VERSION, Catalog, compact, from_stored, to_stored
from gateway.wire import Json
from tests.support.models import HAIKU, many_models, model, recorded_models

NOW_S = 1_795_338_000.0
LIKE_OPENROUTERS = 650


def catalog_of(*models: dict[str, Any]) -> Catalog:
    catalog = compact({"data": list(models)}, now_s=NOW_S)
    assert catalog is not None
    return catalog


def stored(**changes: object) -> bytes:
    return json.dumps({"version": VERSION, "at_s": NOW_S, "models": [model()], **changes}).encode()


def test_what_is_named_is_kept_as_it_came_and_nothing_else() -> None:
    models = recorded_models()

    kept = catalog_of(*models).models

    for before, after in zip(models, kept, strict=True):
        assert after == {name: before[name] for name in KEPT if name in before}
        assert "description" not in after


def test_650_models_are_stored_in_well_under_a_megabyte() -> None:
    payload = many_models(LIKE_OPENROUTERS)
    catalog = compact(payload, now_s=NOW_S)
    assert catalog is not None

    size = len(to_stored(catalog))

    assert len(catalog.models) == LIKE_OPENROUTERS
    assert size < 600_000
    assert size < len(json.dumps(payload)) / 2


@pytest.mark.parametrize("count", [1, LIKE_OPENROUTERS])
def test_what_is_stored_is_what_is_read(count: int) -> None:
    catalog = compact(many_models(count), now_s=NOW_S)
    assert catalog is not None

    assert from_stored(to_stored(catalog)) == catalog


@given(st.text())
def test_whatever_a_name_holds_it_survives_storing(name: str) -> None:
    catalog = catalog_of(model(name=name))

    assert from_stored(to_stored(catalog)) == catalog


def test_a_lone_surrogate_survives_storing() -> None:
    catalog = catalog_of(model(name="\ud800"))

    assert from_stored(to_stored(catalog)) == catalog


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"catalog"',
        b"\xff\xfe",
        b"<html>",
        b"[" * 100_000,
        stored()[:-20],
        stored(version=VERSION - 1),
        stored(version=VERSION + 1),
        stored(version=None),
        stored(version=str(VERSION)),
        stored(at_s=None),
        stored(at_s="yesterday"),
        stored(at_s=True),
        stored(models=[]),
        stored(models={}),
        stored(models=None),
        stored(models=["a/one", 1, None]),
        stored().replace(b"1795338000.0", b"NaN"),
        stored().replace(b"1795338000.0", b"1e999"),
    ],
    ids=lambda raw: repr(raw[:60]),
)
def test_a_stored_copy_that_is_corrupted_or_of_another_version_is_ignored(raw: bytes) -> None:
    assert from_stored(stored()) is not None
    assert from_stored(raw) is None


@given(st.integers(0, len(stored())), st.binary(max_size=4))
def test_no_corruption_of_a_stored_copy_raises(place: int, noise: bytes) -> None:
    raw = stored()

    from_stored(raw[:place] + noise + raw[place + len(noise) :])


@pytest.mark.parametrize(
    "payload",
    [None, [], {}, {"data": None}, {"data": []}, {"data": {}}, {"data": [None, 1, {}, {"id": 1}]}, "text"],
    ids=repr,
)
def test_an_answer_without_a_model_is_no_catalogue(payload: Json) -> None:
    assert compact(payload, now_s=NOW_S) is None


def test_models_without_an_id_are_left_out() -> None:
    assert catalog_of({"name": "nameless"}, model("a/one"), {"id": None}).models == (model("a/one"),)


def test_a_model_is_found_by_its_whole_id() -> None:
    catalog = catalog_of(*recorded_models())

    found = catalog.find(HAIKU)

    assert found is not None
    assert found["id"] == HAIKU
    assert catalog.find(HAIKU.upper()) is None
    assert catalog.find("anthropic") is None


@pytest.mark.parametrize(("now_s", "age_s"), [(NOW_S, 0.0), (NOW_S + 90.5, 90.5), (NOW_S - 5.0, 0.0)])
def test_a_copy_is_as_old_as_its_fetch_and_never_younger_than_now(now_s: float, age_s: float) -> None:
    assert catalog_of(model()).age_s(now_s) == age_s
