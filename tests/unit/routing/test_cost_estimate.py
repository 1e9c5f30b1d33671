import json

import pytest

from gateway.catalog.compact import shown
from gateway.catalog.prices import listed_price
from gateway.dialects.chat.parse import parse
from gateway.dialects.chat.request import ChatRequest
from gateway.http.json_values import Json, JsonObject
from gateway.routing.cost_estimate import EXPECTED_COMPLETION_TOKENS, estimate_costs
from gateway.settings.price import Price

PRICED: JsonObject = {
    "id": "a/one",
    "context_length": 8_000,
    "pricing": {"prompt": "0.000001", "completion": "0.00001"},
    "top_provider": {"max_completion_tokens": 1_000},
}


def chat(**fields: Json) -> ChatRequest:
    return parse(json.dumps({"prompt": "Hi", **fields}).encode())


def worst(asked: ChatRequest, **listed: Json) -> float | None:
    model = shown({**PRICED, **listed})
    return estimate_costs(asked, listed_price(model), model).most_usd


def estimated(asked: ChatRequest, **listed: Json) -> float | None:
    model = shown({**PRICED, **listed})
    return estimate_costs(asked, listed_price(model), model).likely_usd


def prompt_usd(tokens: int | None) -> float:
    assert tokens is not None
    return tokens * 0.000_001


@pytest.mark.parametrize(
    ("fields", "answers_usd"),
    [
        pytest.param({"max_tokens": 100}, 0.001, id="the caller's limit"),
        pytest.param({"max_completion_tokens": 50, "max_tokens": 100}, 0.001, id="the larger of two"),
        pytest.param({"max_tokens": 100, "n": 3}, 0.003, id="for each answer"),
        pytest.param({}, 0.01, id="the model's limit"),
        pytest.param({"max_tokens": -5}, 0.01, id="a limit that is none"),
    ],
)
def test_an_answer_may_be_as_long_as_its_limit(fields: dict[str, Json], answers_usd: float) -> None:
    asked = chat(**fields)

    assert worst(asked) == pytest.approx(prompt_usd(asked.requirements.tokens.most) + answers_usd)


def test_without_any_limit_the_whole_context_counts() -> None:
    asked = chat()

    assert worst(asked, top_provider=None) == pytest.approx(prompt_usd(asked.requirements.tokens.most) + 0.08)


def test_a_price_for_each_request_is_added() -> None:
    pricing: Json = {"prompt": "0", "completion": "0", "request": "0.02"}

    assert worst(chat(), pricing=pricing) == pytest.approx(0.02)
    assert estimated(chat(), pricing=pricing) == pytest.approx(0.02)


@pytest.mark.parametrize(
    "listed",
    [
        pytest.param({"pricing": {"prompt": "-1", "completion": "-1"}}, id="a router's price"),
        pytest.param({"pricing": {"prompt": "0.1"}}, id="half a price"),
        pytest.param({"top_provider": None, "context_length": None}, id="no length"),
    ],
)
def test_what_is_not_known_has_no_worst_case(listed: dict[str, Json]) -> None:
    assert worst(chat(), **listed) is None


def test_a_linked_file_may_be_of_any_length_so_there_is_no_worst_case() -> None:
    part: Json = {"type": "file", "file": {"filename": "a.pdf", "file_data": "https://pages.example/a.pdf"}}
    asked = chat(messages=[{"role": "user", "content": [part]}])

    assert worst(asked) is None
    assert estimated(asked) is not None


def test_an_ordinary_answer_is_what_is_estimated_and_no_longer_than_its_limit() -> None:
    assert estimated(chat()) == pytest.approx(
        prompt_usd(chat().requirements.tokens.likely) + EXPECTED_COMPLETION_TOKENS * 0.00001
    )
    assert estimated(chat(max_tokens=10)) == pytest.approx(
        prompt_usd(chat(max_tokens=10).requirements.tokens.likely) + 0.0001
    )


def test_a_declared_price_needs_no_listed_model_but_a_limit() -> None:
    price = Price(prompt=1.0, completion=10.0)

    assert estimate_costs(chat(), price).most_usd is None
    assert estimate_costs(chat(max_tokens=100), price).most_usd == pytest.approx(
        prompt_usd(chat(max_tokens=100).requirements.tokens.most) + 0.001
    )
