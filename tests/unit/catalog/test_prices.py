import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.prices import is_free, usd_per_million
from tests.support.models import HAIKU, model, priced, recorded_models


def test_the_recorded_prices_are_shown_per_million_tokens() -> None:
    haiku = next(each for each in recorded_models() if each["id"] == HAIKU)

    assert usd_per_million(haiku, "prompt") == 1.0
    assert usd_per_million(haiku, "completion") == 5.0


@pytest.mark.parametrize(
    ("price", "usd"),
    [
        ("0.000001", 1.0),
        ("0.0000001", 0.1),
        ("0.000000037", 0.037),
        ("1e-6", 1.0),
        ("0", 0.0),
        (0.000_002, 2.0),
        (0, 0.0),
    ],
    ids=repr,
)
def test_a_price_is_read_from_strings_and_numbers_and_rounded(price: object, usd: float) -> None:
    assert usd_per_million(priced(price), "prompt") == usd


@pytest.mark.parametrize(
    "price",
    ["-1", -1, "", "free", None, True, [], {}, "NaN", "inf", "-inf", "1e999", "1e308", 10**400, "1,5", "0x1"],
    ids=lambda price: repr(price)[:20],
)
def test_an_invalid_price_is_unknown(price: object) -> None:
    assert usd_per_million(priced(price), "prompt") is None


@pytest.mark.parametrize("pricing", [None, [], "free", {}, {"completion": "1"}], ids=repr)
def test_a_missing_price_is_unknown(pricing: object) -> None:
    assert usd_per_million(model(pricing=pricing), "prompt") is None
    assert usd_per_million(model(), "prompt") is None


@pytest.mark.parametrize(
    ("overrides", "usd"),
    [
        ([{"min_prompt_tokens": 200_000, "prompt": "0.000006"}], 6.0),
        ([{"utc_start": 1, "prompt": "0.000001"}], 3.0),
        ([{"prompt": "0.000004"}, {"prompt": "0.000009"}, {"prompt": "0.000005"}], 9.0),
        ([{"completion": "0.000009"}], 3.0),
        ([None, "x", {"prompt": "NaN"}, {"prompt": {}}], 3.0),
        ([], 3.0),
        (None, 3.0),
        ({"prompt": "0.000009"}, 3.0),
    ],
    ids=repr,
)
def test_of_conditional_prices_the_most_expensive_counts(overrides: object, usd: float) -> None:
    assert usd_per_million(priced("0.000003", overrides=overrides), "prompt") == usd


def test_the_price_of_a_router_is_unknown_whatever_its_overrides() -> None:
    router = priced("-1", overrides=[{"prompt": "0.000003"}])

    assert usd_per_million(router, "prompt") is None


@pytest.mark.parametrize(
    ("name", "free"),
    [("a/one:free", True), ("a/one", False), ("a/free", False), ("a/one:free:beta", False)],
)
def test_a_model_is_free_only_if_its_name_ends_in_free(name: str, *, free: bool) -> None:
    zero = model(name, pricing={"prompt": "0", "completion": "0"})

    assert is_free(zero) is free
    assert usd_per_million(zero, "prompt") == 0.0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(json_values, st.none() | st.lists(st.dictionaries(st.just("prompt"), json_values), max_size=3))
def test_any_price_becomes_a_finite_number_or_none(price: object, overrides: object) -> None:
    usd = usd_per_million(priced(price, overrides=overrides), "prompt")

    assert usd is None or 0 <= usd < float("inf")
