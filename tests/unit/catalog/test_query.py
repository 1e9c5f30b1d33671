import json
from typing import Any

import pytest

from gateway.catalog.compact import shown
from gateway.catalog.model_list import ModelList, list_body
from gateway.catalog.query import FILTERS, MAX_SEARCH_CHARACTERS, SORTS, read_query
from gateway.catalog.stored_catalog import catalog_of
from gateway.http.errors import GatewayError
from gateway.http.json_values import JsonObject
from tests.support.models import model


def priced_at(name: str, prompt: str, completion: str, /, **fields: object) -> dict[str, Any]:
    return model(name, pricing={"prompt": prompt, "completion": completion}, **fields)


CHEAP = priced_at(
    "a/cheap",
    "0.000001",
    "0.000002",
    name="Cheap and small",
    created=300,
    context_length=8_000,
    supported_parameters=["tools", "stop"],
    architecture={"input_modalities": ["text"], "output_modalities": ["text"]},
)
EXPENSIVE = priced_at(
    "b/expensive",
    "0.000003",
    "0.000015",
    name="Expensive and large",
    created=100,
    context_length=1_000_000,
    supported_parameters=["tools", "response_format", "stop"],
    architecture={"input_modalities": ["text", "image"], "output_modalities": ["text"]},
)
FREE = priced_at("c/free:free", "0", "0", created=200, context_length=32_000)
ZERO = priced_at("d/zero", "0", "0", created=250, context_length=16_000)
ROUTER = priced_at("e/router", "-1", "-1", context_length=2_000_000)
BARE = model("f/bare", name=None, supported_parameters=None, architecture=None, context_length=None)
ALL = (CHEAP, EXPENSIVE, FREE, ZERO, ROUTER, BARE)


def listed(*extra: JsonObject) -> ModelList:
    """Return a list of ``extra``, then ``ALL``."""
    return ModelList(catalog_of([shown(each) for each in ALL], fetched_at_s=0.0), extra)


def chosen(query: str) -> str:
    """Return the first letters of the models that a query leaves, in their order."""
    pairs = dict(part.split("=", 1) for part in query.split("&") if part)
    lines, _ = listed().select(read_query(pairs))
    return "".join(json.loads(line)["id"][0] for line in lines)


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("", "abcdef"),
        ("q=cheap", "a"),
        ("q=CHEAP", "a"),
        ("q=b/", "b"),
        ("q=large expensive", "b"),
        ("q=cheap large", ""),
        ("q=", "abcdef"),
        ("supported_parameters=tools", "ab"),
        ("supported_parameters=tools,response_format", "b"),
        ("supported_parameters= tools , stop ,", "ab"),
        ("supported_parameters=nothing_like_it", ""),
        ("supported_parameters=", "abcdef"),
        ("max_price=15", "abcd"),
        ("max_price=14.99", "acd"),
        ("max_price=2", "acd"),
        ("max_price=0", "cd"),
        ("min_context=32000", "bce"),
        ("min_context=1e6", "be"),
        ("min_context=0", "abcdef"),
        ("free=true", "c"),
        ("free=false", "abdef"),
        ("modality=image", "b"),
        ("modality=text", "ab"),
        ("modality=text,image", "b"),
        ("modality=audio", ""),
        ("supported_parameters=tools&max_price=5", "a"),
        ("max_price=5&min_context=16000&free=false", "d"),
    ],
)
def test_a_filter_leaves_the_models_that_pass_it(query: str, left: str) -> None:
    assert chosen(query) == left


@pytest.mark.parametrize(
    ("sort", "order"), [("price", "cdabef"), ("context", "ebcdaf"), ("newest", "adcbef")]
)
def test_a_sort_puts_unknown_values_last_and_is_stable(sort: str, order: str) -> None:
    assert chosen(f"sort={sort}") == order


def test_every_filter_and_sort_has_its_case_here() -> None:
    assert set(FILTERS) == {"q", "supported_parameters", "max_price", "min_context", "free", "modality"}
    assert set(SORTS) == {"price", "context", "newest"}


def test_filters_and_a_sort_can_be_combined() -> None:
    assert chosen("sort=price&supported_parameters=tools") == "ab"
    assert chosen("supported_parameters=tools&sort=context") == "ba"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("max_price", value) for value in ("", "cheap", "-1", "nan", "inf", "1,5", "1e999", "$1")),
        *(("min_context", value) for value in ("", "128k", "-1", "nan", "inf")),
        *(("free", value) for value in ("", "yes", "1", "True")),
        *(("sort", value) for value in ("", "name", "Price", "price,context", "-price")),
    ],
)
def test_an_invalid_value_is_refused_with_the_name_of_its_filter(name: str, value: str) -> None:
    with pytest.raises(GatewayError) as raised:
        read_query({name: value})

    assert (raised.value.kind.status, raised.value.code) == (400, "invalid_field")
    assert raised.value.param == name
    assert f"`{name}`" in raised.value.message


def test_without_filters_nothing_is_parsed() -> None:
    catalog = catalog_of([*ALL], fetched_at_s=0.0)

    lines, total = ModelList(catalog).select(read_query({"offset": "1", "limit": "2"}))

    assert ([json.loads(line)["id"] for line in lines], total) == (["b/expensive", "c/free:free"], len(ALL))
    assert catalog._models is None
    assert not catalog._parsed


@pytest.mark.parametrize("query", [{}, {"free": "false"}])
def test_a_filter_returns_the_stored_lines_unchanged(query: dict[str, str]) -> None:
    catalog = catalog_of([CHEAP, EXPENSIVE], fetched_at_s=0.0)

    assert ModelList(catalog).select(read_query(query)) == (catalog.shown(), 2)


def test_a_page_is_a_part_of_the_filtered_models_and_the_total_counts_all_of_them() -> None:
    lines, total = listed().select(
        read_query({"max_price": "2", "sort": "price", "offset": "1", "limit": "1"})
    )

    assert ([json.loads(line)["id"] for line in lines], total) == (["d/zero"], 3)


OWN = shown(priced_at("task/code", "0.000001", "0.000001", name="Code", created=400))


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"limit": "2"}, ["task/code", "a/cheap"]),
        ({"q": "code"}, ["task/code"]),
        ({"max_price": "2"}, ["task/code", "a/cheap", "c/free:free", "d/zero"]),
        ({"sort": "newest", "limit": "1"}, ["task/code"]),
        ({"free": "true"}, ["c/free:free"]),
    ],
    ids=str,
)
def test_the_gateways_own_entries_come_first_and_are_filtered_and_sorted_like_all_others(
    query: dict[str, str], ids: list[str]
) -> None:
    lines, _ = listed(OWN).select(read_query(query))

    assert [json.loads(line)["id"] for line in lines] == ids


def test_the_gateways_own_entries_are_found_by_their_id() -> None:
    assert listed(OWN).find("task/code") == OWN
    assert listed().find("task/code") is None
    assert listed(OWN).find("a/cheap") == listed().find("a/cheap") == shown(CHEAP)


def test_a_tag_changes_only_with_the_list_the_query_and_the_entries() -> None:
    later = ModelList(catalog_of([shown(each) for each in ALL], fetched_at_s=99.0))
    other = ModelList(catalog_of([shown(CHEAP)], fetched_at_s=0.0))

    assert listed().tag("q=a") == listed().tag("q=a") == later.tag("q=a")
    assert len({listed().tag("q=a"), listed().tag("q=b"), other.tag("q=a"), listed(OWN).tag("q=a")}) == 4


def test_a_page_is_a_list_in_openais_form() -> None:
    body = list_body([b'{"id":"a"}', b'{"id":"b"}'], 7)

    data = [{"id": "a"}, {"id": "b"}]
    assert json.loads(body) == {"object": "list", "data": data, "links": {"next": None}, "total_count": 7}
    assert json.loads(list_body([], 0))["data"] == []


def test_a_search_has_at_most_so_many_characters() -> None:
    assert read_query({"q": "a" * MAX_SEARCH_CHARACTERS}).tests
    with pytest.raises(GatewayError, match="at most 200 characters") as caught:
        read_query({"q": "a" * (MAX_SEARCH_CHARACTERS + 1)})
    assert (caught.value.code, caught.value.param) == ("invalid_field", "q")
