import json

import pytest

from gateway.catalog.compact import shown
from gateway.catalog.prices import listed_price
from gateway.dialects.chat.parse import parse
from gateway.dialects.model_request import ModelRequest
from gateway.http.json_values import Json, JsonObject
from gateway.memory.answer_lengths import UNKNOWN_TOKENS
from gateway.routing.cost_estimate import EXPECTED_COMPLETION_TOKENS, estimate_costs
from gateway.settings.price import Price

PRICED: JsonObject = {
    "id": "a/one",
    "context_length": 8_000,
    "pricing": {"prompt": "0.000001", "completion": "0.00001"},
    "top_provider": {"max_completion_tokens": 1_000},
}


def chat(**fields: Json) -> ModelRequest:
    return parse(json.dumps({"messages": [{"role": "user", "content": "Hi"}], **fields}).encode())


def worst(request: ModelRequest, **listed: Json) -> float | None:
    model = shown({**PRICED, **listed})
    return estimate_costs(request, listed_price(model), model).most_usd


def estimated(request: ModelRequest, **listed: Json) -> float | None:
    model = shown({**PRICED, **listed})
    return estimate_costs(request, listed_price(model), model).likely_usd


def prompt_usd(tokens: int | None) -> float:
    assert tokens is not None
    return tokens * 0.000_001


@pytest.mark.parametrize(
    ("fields", "answer_usd"),
    [
        pytest.param({"max_tokens": 100}, 0.001, id="the caller's limit"),
        pytest.param({"max_completion_tokens": 50, "max_tokens": 100}, 0.001, id="the larger of two"),
        pytest.param({"max_tokens": 100, "n": 3}, 0.003, id="a limit for each answer"),
        pytest.param({}, 0.01, id="the model's limit"),
        pytest.param({"max_tokens": -5}, 0.01, id="a negative limit is ignored"),
    ],
)
def test_the_worst_cost_is_that_of_the_longest_answer(fields: dict[str, Json], answer_usd: float) -> None:
    request = chat(**fields)

    assert worst(request) == pytest.approx(prompt_usd(request.requirements.tokens.most) + answer_usd)


def test_without_a_limit_the_worst_cost_assumes_the_context_length() -> None:
    request = chat()

    assert worst(request, top_provider=None) == pytest.approx(
        prompt_usd(request.requirements.tokens.most) + 0.08
    )


def test_a_price_for_each_request_is_added() -> None:
    pricing: Json = {"prompt": "0", "completion": "0", "request": "0.02"}

    assert worst(chat(), pricing=pricing) == pytest.approx(0.02)
    assert estimated(chat(), pricing=pricing) == pytest.approx(0.02)


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param({"pricing": {"prompt": "-1", "completion": "-1"}}, id="a router's price"),
        pytest.param({"pricing": {"prompt": "0.1"}}, id="a price for prompts only"),
        pytest.param({"top_provider": None, "context_length": None}, id="no length"),
    ],
)
def test_an_unknown_price_or_length_gives_no_worst_cost(listed: dict[str, Json]) -> None:
    assert worst(chat(), **listed) is None


def test_a_linked_file_gives_no_worst_cost_because_its_length_is_unknown() -> None:
    part: Json = {"type": "file", "file": {"filename": "a.pdf", "file_data": "https://pages.example/a.pdf"}}
    request = chat(messages=[{"role": "user", "content": [part]}])

    assert worst(request) is None
    assert estimated(request) is not None


def test_the_estimate_assumes_an_ordinary_answer_within_its_limit() -> None:
    assert estimated(chat()) == pytest.approx(
        prompt_usd(chat().requirements.tokens.likely) + EXPECTED_COMPLETION_TOKENS * 0.00001
    )
    assert estimated(chat(max_tokens=10)) == pytest.approx(
        prompt_usd(chat(max_tokens=10).requirements.tokens.likely) + 0.0001
    )


def held(request: ModelRequest, *, tokens: int = UNKNOWN_TOKENS) -> float | None:
    model = shown(PRICED)
    return estimate_costs(request, listed_price(model), model, expected_tokens=tokens).expected_usd


@pytest.mark.parametrize(
    ("fields", "tokens", "answer_usd"),
    [
        pytest.param({}, 300, 0.003, id="the expected length"),
        pytest.param({}, 9_999, 0.01, id="the model's limit"),
        pytest.param({"max_tokens": 100}, 300, 0.001, id="the caller's limit"),
        pytest.param({"max_tokens": 100_000}, 300, 0.003, id="a limit above the expected length"),
        pytest.param({"n": 3}, 300, 0.009, id="a length for each answer"),
    ],
)
def test_the_expected_cost_is_that_of_a_likely_prompt_and_an_answer_of_the_expected_length(
    fields: dict[str, Json], tokens: int, answer_usd: float
) -> None:
    request = chat(**fields)

    assert held(request, tokens=tokens) == pytest.approx(
        prompt_usd(request.requirements.tokens.likely) + answer_usd
    )


@pytest.mark.parametrize(
    "listed",
    [{"pricing": {"prompt": "-1", "completion": "-1"}}, {"top_provider": None, "context_length": None}],
    ids=["no price", "no length"],
)
def test_without_a_worst_cost_there_is_no_expected_cost(listed: dict[str, Json]) -> None:
    model = shown({**PRICED, **listed})

    assert estimate_costs(chat(), listed_price(model), model).expected_usd is None


def test_fees_leave_no_expected_cost() -> None:
    assert held(chat(max_tokens=10, plugins=[{"id": "web"}])) is None


def test_an_expensive_endpoint_is_expected_at_the_ceiling_of_the_caller() -> None:
    ceiling: Json = {"prompt": 3, "completion": "20"}
    request = chat(max_tokens=100, service_tier="priority", provider={"max_price": ceiling})

    assert held(request) == pytest.approx(3 * prompt_usd(request.requirements.tokens.likely) + 0.002)


def test_a_declared_price_gives_a_worst_cost_only_with_a_limit() -> None:
    price = Price(prompt=1.0, completion=10.0)

    assert estimate_costs(chat(), price).most_usd is None
    assert estimate_costs(chat(max_tokens=100), price).most_usd == pytest.approx(
        prompt_usd(chat(max_tokens=100).requirements.tokens.most) + 0.001
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"service_tier": "priority"},
        {"service_tier": "ultrafast"},
        {"service_tier": 7},
        {"service_tier": ["priority"]},
        {"service_tier": {"default": 1}},
        {"provider": {"order": ["expensive"]}},
        {"provider": {"only": ["expensive"]}},
        {"provider": {"ignore": ["cheap"]}},
        {"provider": {"sort": "throughput"}},
        {"provider": {"sort": {"by": "price", "partition": "none"}}},
        {"provider": {"a field that is not known yet": True}},
        {"tools": [{"type": "web_search_2027"}]},
        {"tools": ["a text"]},
    ],
)
def test_a_price_that_the_list_does_not_bound_has_no_worst_cost(fields: dict[str, Json]) -> None:
    assert worst(chat(max_tokens=10, **fields)) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"service_tier": "default"},
        {"service_tier": "flex"},
        {"provider": {"sort": "price"}},
        {"provider": {"allow_fallbacks": False, "order": None}},
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
    ],
)
def test_fields_that_leave_the_list_price_in_force_have_a_worst_cost(fields: dict[str, Json]) -> None:
    assert worst(chat(max_tokens=10, **fields)) is not None


@pytest.mark.parametrize("variant", [":nitro", ":exacto"])
def test_a_variant_that_may_cost_more_than_the_list_price_has_no_worst_cost(variant: str) -> None:
    model = shown(PRICED)
    request = chat(max_tokens=10)

    costs = estimate_costs(request, listed_price(model), model, model=f"a/one{variant}")

    assert costs.most_usd is None
    assert costs.likely_usd == estimate_costs(request, listed_price(model), model).likely_usd


def test_a_ceiling_of_the_caller_bounds_the_price_of_an_expensive_endpoint() -> None:
    ceiling: Json = {"prompt": 3, "completion": "20"}
    request = chat(max_tokens=100, service_tier="priority", provider={"max_price": ceiling})

    assert worst(request) == pytest.approx(3 * prompt_usd(request.requirements.tokens.most) + 0.002)


@pytest.mark.parametrize("length", [-1e9, 0, None])
def test_a_listed_length_that_is_none_lifts_no_ceiling(length: float | None) -> None:
    request = chat()

    most = worst(request, top_provider={"max_completion_tokens": length})

    assert most == pytest.approx(prompt_usd(request.requirements.tokens.most) + 0.08)
