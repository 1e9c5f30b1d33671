import json
from typing import Any

import pytest

from gateway.catalog.compact import COPIED_FIELDS, REQUIRED_FIELDS, compact, shown
from gateway.catalog.stored_catalog import to_stored
from gateway.http.json_values import Json
from gateway.memory.catalog import Catalog
from tests.support.models import HAIKU, many_models, model, priced, recorded_models

NOW_S = 1_795_338_000.0
MODEL_COUNT = 650


def compacted(*models: dict[str, Any]) -> Catalog:
    catalog = compact({"data": list(models)}, now_s=NOW_S)
    assert catalog is not None
    return catalog


def test_the_named_fields_are_copied_unchanged_and_only_the_shown_fields_are_added() -> None:
    models = recorded_models()

    compacted_models = compacted(*models).models()

    added = {"object", "owned_by", "usd_per_million_tokens", "links", *REQUIRED_FIELDS}
    for before, after in zip(models, compacted_models, strict=True):
        copied = {name: before[name] for name in COPIED_FIELDS if name in before}
        assert copied.items() <= after.items()
        assert set(after) == set(copied) | added
        assert "description" not in after


def test_650_models_with_long_descriptions_are_stored_in_well_under_a_megabyte() -> None:
    payload = many_models(MODEL_COUNT)
    catalog = compact(payload, now_s=NOW_S)
    assert catalog is not None

    size = len(to_stored(catalog))

    assert len(catalog) == MODEL_COUNT
    assert size < 700_000
    assert size < len(json.dumps(payload)) / 2


@pytest.mark.parametrize(
    "payload",
    [None, [], {}, {"data": None}, {"data": []}, {"data": {}}, {"data": [None, 1, {}, {"id": 1}]}, "text"],
    ids=repr,
)
def test_an_answer_without_models_gives_no_catalogue(payload: Json) -> None:
    assert compact(payload, now_s=NOW_S) is None


@pytest.mark.parametrize(
    "name", [None, 1, "", "a\tb", "a\nb", "a b", "a\0b", "é/b", "\ud800", ["a/b"]], ids=ascii
)
def test_a_model_without_a_plain_name_is_left_out(name: object) -> None:
    assert [each["id"] for each in compacted({"name": "x"}, {"id": name}, model("a/one")).models()] == [
        "a/one"
    ]


def test_a_number_that_json_cannot_represent_raises_value_error() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        compacted(model(created=float("inf")))


def test_a_model_is_shown_in_openais_form_with_openrouters_fields_and_prices_per_million() -> None:
    (haiku,) = [each for each in recorded_models() if each["id"] == HAIKU]

    got = shown(haiku)

    assert {name: haiku[name] for name in COPIED_FIELDS if name in haiku}.items() <= got.items()
    assert (got["object"], got["owned_by"]) == ("model", "anthropic")
    assert isinstance(got["created"], int)
    assert got["usd_per_million_tokens"] == {"prompt": 1.0, "completion": 5.0}


def test_the_fields_that_openrouters_sdks_require_are_present_as_null() -> None:
    got = shown(model())

    assert {name: got[name] for name in REQUIRED_FIELDS} == dict.fromkeys(REQUIRED_FIELDS)
    assert got["links"] == {"details": "/api/v1/models/a/one/endpoints"}


@pytest.mark.parametrize(
    ("name", "owner"), [("a/one", "a"), ("~a/latest", "a"), ("a/one:free", "a"), ("one", "one")]
)
def test_a_model_is_owned_by_its_author(name: str, owner: str) -> None:
    assert shown(model(name))["owned_by"] == owner


@pytest.mark.parametrize("prompt", ["-1", "1e308", 10**400, None], ids=lambda each: repr(each)[:20])
def test_an_unknown_price_is_shown_as_null(prompt: object) -> None:
    got = shown(priced(prompt))["usd_per_million_tokens"]

    assert got == {"prompt": None, "completion": 2.0}
    json.dumps(got, allow_nan=False)
