import json
from typing import Any

import pytest

from gateway.errors import GatewayError
from gateway.listing import FILTERS, SORTS, select, shown
from tests.support.models import HAIKU, model, priced, recorded_models


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


def chosen(query: str) -> str:
    """Return the first letters of the models that a query leaves, in their order."""
    pairs = dict(part.split("=", 1) for part in query.split("&") if part)
    return "".join(str(each["id"])[0] for each in select(ALL, pairs))


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
        select(ALL, {name: value})

    assert (raised.value.kind.status, raised.value.code) == (400, "invalid_field")
    assert raised.value.param == name
    assert f"`{name}`" in raised.value.message


@pytest.mark.parametrize("name", ["limits", "Q", "", "max_price ", "canary"])
def test_an_unknown_filter_is_refused_and_those_that_exist_are_named(name: str) -> None:
    with pytest.raises(GatewayError) as raised:
        select(ALL, {name: "1"})

    assert (raised.value.kind.status, raised.value.code) == (400, "unknown_option")
    assert raised.value.param == "query"
    assert all(known in raised.value.message for known in (*FILTERS, "sort"))
    assert "canary" not in raised.value.message


def test_a_wrong_filter_is_refused_though_there_is_nothing_to_filter() -> None:
    with pytest.raises(GatewayError):
        select((), {"free": "maybe"})


def test_a_model_is_shown_in_openais_form_with_openrouters_fields_and_prices_per_million() -> None:
    (haiku,) = [each for each in recorded_models() if each["id"] == HAIKU]

    got = shown(haiku)

    assert haiku.items() <= got.items()
    assert (got["object"], got["owned_by"]) == ("model", "anthropic")
    assert isinstance(got["created"], int)
    assert got["usd_per_million_tokens"] == {"prompt": 1.0, "completion": 5.0}


@pytest.mark.parametrize(
    ("name", "owner"), [("a/one", "a"), ("~a/latest", "a"), ("a/one:free", "a"), ("one", "one")]
)
def test_a_model_is_owned_by_its_author(name: str, owner: str) -> None:
    assert shown(model(name))["owned_by"] == owner


@pytest.mark.parametrize("prompt", ["-1", "1e308", 10**400, None], ids=lambda each: repr(each)[:20])
def test_a_price_that_is_not_known_is_shown_as_null(prompt: object) -> None:
    got = shown(priced(prompt))["usd_per_million_tokens"]

    assert got == {"prompt": None, "completion": 2.0}
    json.dumps(got, allow_nan=False)
