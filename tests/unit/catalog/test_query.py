import json
from typing import Any

import pytest

from gateway.catalog.compact import shown
from gateway.catalog.model_list import ModelList, list_body
from gateway.catalog.query import FILTERS, SORTS, read_query
from gateway.catalog.stored_catalog import catalog_of
from gateway.http.errors import GatewayError
from gateway.http.json_values import JsonObject
from tests.support.models import model


def tuned(name: str, prompt: str, completion: str, /, **fields: object) -> dict[str, Any]:
    return model(name, pricing={"prompt": prompt, "completion": completion}, **fields)


CHEAP = tuned(
    "a/cheap",
    "0.000001",
    "0.000002",
    name="Cheap and small",
    created=300,
    context_length=8_000,
    supported_parameters=["tools", "stop"],
    architecture={"input_modalities": ["text"], "output_modalities": ["text"]},
)
DEAR = tuned(
    "b/dear",
    "0.000003",
    "0.000015",
    name="Dear and large",
    created=100,
    context_length=1_000_000,
    supported_parameters=["tools", "response_format", "stop"],
    architecture={"input_modalities": ["text", "image"], "output_modalities": ["text"]},
)
FREE = tuned("c/free:free", "0", "0", created=200, context_length=32_000)
ZERO = tuned("d/zero", "0", "0", created=250, context_length=16_000)
ROUTER = tuned("e/router", "-1", "-1", context_length=2_000_000)
BARE = model("f/bare", name=None, supported_parameters=None, architecture=None, context_length=None)
ALL = (CHEAP, DEAR, FREE, ZERO, ROUTER, BARE)


def shelf(*extra: JsonObject) -> ModelList:
    """Return all of them, behind these."""
    return ModelList(catalog_of([shown(each) for each in ALL], fetched_at_s=0.0), extra)


def chosen(query: str) -> str:
    """Return the first letters of the models that a query leaves, in their order."""
    pairs = dict(part.split("=", 1) for part in query.split("&") if part)
    lines, _ = shelf().select(read_query(pairs))
    return "".join(json.loads(line)["id"][0] for line in lines)


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("", "abcdef"),
        ("q=cheap", "a"),
        ("q=CHEAP", "a"),
        ("q=b/", "b"),
        ("q=large dear", "b"),
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
def test_a_filter_leaves_what_passes_it(query: str, left: str) -> None:
    assert chosen(query) == left


@pytest.mark.parametrize(
    ("sort", "order"), [("price", "cdabef"), ("context", "ebcdaf"), ("newest", "adcbef")]
)
def test_a_sort_puts_what_is_not_known_last_and_keeps_the_order_of_equals(sort: str, order: str) -> None:
    assert chosen(f"sort={sort}") == order


def test_every_filter_and_sort_has_its_case_here() -> None:
    assert set(FILTERS) == {"q", "supported_parameters", "max_price", "min_context", "free", "modality"}
    assert set(SORTS) == {"price", "context", "newest"}


def test_filters_and_a_sort_go_together() -> None:
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
def test_a_wrong_value_is_refused_and_its_filter_named(name: str, value: str) -> None:
    with pytest.raises(GatewayError) as raised:
        read_query({name: value})

    assert (raised.value.kind.status, raised.value.code) == (400, "invalid_field")
    assert raised.value.param == name
    assert f"`{name}`" in raised.value.message


@pytest.mark.parametrize("name", ["limits", "Q", "", "max_price ", "canary"])
def test_an_unknown_filter_is_refused_and_those_that_exist_are_named(name: str) -> None:
    with pytest.raises(GatewayError) as raised:
        read_query({name: "1"})

    assert (raised.value.kind.status, raised.value.code) == (400, "unknown_option")
    assert raised.value.param == "query"
    assert all(known in raised.value.message for known in (*FILTERS, "sort"))
    assert "canary" not in raised.value.message


def test_without_filters_nothing_is_parsed() -> None:
    catalog = catalog_of([*ALL], fetched_at_s=0.0)

    lines, total = ModelList(catalog).select(read_query({"offset": "1", "limit": "2"}))

    assert ([json.loads(line)["id"] for line in lines], total) == (["b/dear", "c/free:free"], len(ALL))
    assert catalog._models is None
    assert not catalog._parsed


@pytest.mark.parametrize("query", [{}, {"free": "false"}])
def test_a_filter_passes_on_the_lines_as_they_are_stored(query: dict[str, str]) -> None:
    catalog = catalog_of([CHEAP, DEAR], fetched_at_s=0.0)

    assert ModelList(catalog).select(read_query(query)) == (catalog.shown(), 2)


def test_a_page_is_cut_from_what_the_filters_leave_and_the_total_is_that_of_all() -> None:
    lines, total = shelf().select(
        read_query({"max_price": "2", "sort": "price", "offset": "1", "limit": "1"})
    )

    assert ([json.loads(line)["id"] for line in lines], total) == (["d/zero"], 3)


OWN = shown(tuned("task/code", "0.000001", "0.000001", name="Code", created=400))


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
def test_entries_of_the_gateways_own_come_first_and_are_filtered_and_sorted_as_all_are(
    query: dict[str, str], ids: list[str]
) -> None:
    lines, _ = shelf(OWN).select(read_query(query))

    assert [json.loads(line)["id"] for line in lines] == ids


def test_entries_of_the_gateways_own_are_found_by_their_id() -> None:
    assert shelf(OWN).find("task/code") == OWN
    assert shelf().find("task/code") is None
    assert shelf(OWN).find("a/cheap") == shelf().find("a/cheap") == shown(CHEAP)


def test_a_tag_changes_with_the_list_the_query_and_the_entries_and_with_nothing_else() -> None:
    later = ModelList(catalog_of([shown(each) for each in ALL], fetched_at_s=99.0))
    other = ModelList(catalog_of([shown(CHEAP)], fetched_at_s=0.0))

    assert shelf().tag("q=a") == shelf().tag("q=a") == later.tag("q=a")
    assert len({shelf().tag("q=a"), shelf().tag("q=b"), other.tag("q=a"), shelf(OWN).tag("q=a")}) == 4


def test_a_page_is_a_list_in_openais_form() -> None:
    body = list_body([b'{"id":"a"}', b'{"id":"b"}'], 7)

    data = [{"id": "a"}, {"id": "b"}]
    assert json.loads(body) == {"object": "list", "data": data, "links": {"next": None}, "total_count": 7}
    assert json.loads(list_body([], 0))["data"] == []
